"""What the command says before it has reached any cluster."""

from __future__ import annotations

from pathlib import Path

from tests.uninstall.cleaning import cleanup


def test_what_is_called_wrongly_has_a_status_of_its_own(tmp_path: Path) -> None:
    settings = tmp_path / "netpol.yaml"
    settings.write_text("nonsense: 1\n")
    done = cleanup(tmp_path / "no-kubeconfig", "--config", str(settings))
    assert done.returncode == 2
    assert "nonsense: no such setting" in done.stderr


def test_a_cluster_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    done = cleanup(tmp_path / "no-kubeconfig", "--yes")
    assert done.returncode == 1
    assert "does not exist" in done.stderr
    assert "Nothing was changed" in done.stderr
