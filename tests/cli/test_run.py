"""`homelab-netpol run` ends at once, and says what to do, when it cannot begin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(home: Path, *arguments: str) -> str:
    """The error of a run that must fail, as a person sees it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": "operator"}
    done = subprocess.run(
        [sys.executable, "-m", "homelab_netpol", "run", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_without_any_cluster_it_says_how_to_name_one(tmp_path: Path) -> None:
    assert "no kubeconfig was found, and this is not a Pod" in run(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "does not exist"), ("", "cannot read"), ("a: [", "cannot read"), ("[]", "cannot read")],
)
def test_an_unusable_kubeconfig_is_named(tmp_path: Path, text: str | None, says: str) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    if text is not None:
        kubeconfig.write_text(text)
    error = run(tmp_path, "--kubeconfig", str(kubeconfig))
    assert str(kubeconfig) in error
    assert says in error


def test_a_wrong_settings_file_ends_the_start_with_the_fields_path(tmp_path: Path) -> None:
    settings = tmp_path / "netpol.yaml"
    settings.write_text("gateways: {namespce: istio-ingress}\ndefaultDeny: everything\n")
    error = run(tmp_path, "--config", str(settings))
    assert "gateways.namespce: no such setting" in error
    assert "defaultDeny: input should be 'auto', 'workload', 'labelled' or 'cluster'" in error


def test_a_template_directory_that_is_wrong_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "own.yaml.j2").write_text("{{ no_such_thing }}")
    settings = tmp_path / "netpol.yaml"
    settings.write_text(f"templates: {tmp_path}\n")
    assert "profiles/own.yaml.j2" in run(tmp_path, "--config", str(settings))
