"""`python -m lab up`, `status` and `down`: the control plane in the background."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.cli.main import main
from lab.control_plane import ControlPlane, ExistingCluster, Lab
from tests.cluster.lab_processes import eventually, processes_of

_POLICIES = "/apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies"


def lab_command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


def described(output: str) -> dict[str, str]:
    document: dict[str, str] = json.loads(output)
    return document


def test_up_status_down_and_a_crash_in_between(
    tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMELAB_NETPOL_LAB", str(lab.binary))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    kubeconfig = tmp_path / "homelab-netpol" / "local" / "kubeconfig"
    assert lab_command("status")[0] == 3

    code, output = lab_command("up")
    try:
        assert code == 0, output
        assert f"export KUBECONFIG={kubeconfig}" in output
        assert kubeconfig.stat().st_mode & 0o077 == 0
        with ExistingCluster(kubeconfig, ControlPlane.context) as same:
            assert same.api.request("GET", _POLICIES).status == 200
        code, output = lab_command("status", "--output=json")
        first = described(output)
        assert (code, first["condition"], first["kubeconfig"]) == (0, "up", str(kubeconfig))

        code, output = lab_command("up")
        assert code == 0
        assert "already up" in output
        assert described(lab_command("status", "--output=json")[1])["pid"] == first["pid"]

        os.kill(int(first["pid"]), signal.SIGKILL)
        assert eventually(lambda: not processes_of(tmp_path))
        code, output = lab_command("status", "--output=json")
        assert (code, described(output)["condition"]) == (3, "crashed")

        assert lab_command("up")[0] == 0
        assert described(lab_command("status", "--output=json")[1])["pid"] != first["pid"]
    finally:
        code, output = lab_command("down")
    assert (code, output) == (0, "The control plane is down.\n")
    assert lab_command("status")[0] == 3
    assert not processes_of(tmp_path)
    assert {path.name for path in kubeconfig.parent.iterdir()} == {"lock", "logs"}


def test_state_from_before_a_reboot_is_cleared_away_and_its_pid_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    home = tmp_path / "homelab-netpol" / "local"
    (home / "data-stale").mkdir(parents=True)
    # This pid is alive, and by now somebody else's: our own.
    (home / "lock").write_text(str(os.getpid()))
    stale = {
        "pid": os.getpid(),
        "started": "2026-01-01T00:00:00+00:00",
        "kubeconfig": str(home / "kubeconfig"),
        "context": "homelab-netpol-local",
        "server": "https://127.0.0.1:1",
        "log_dir": str(home / "logs"),
        "versions": {},
    }
    (home / "state.json").write_text(json.dumps(stale))
    code, output = lab_command("status", "--output=json")
    assert (code, described(output)["condition"]) == (3, "crashed")
    assert lab_command("down") == (0, "No control plane was running.\n")
    assert {path.name for path in home.iterdir()} == {"lock"}
    assert described(lab_command("status", "--output=json")[1])["condition"] == "down"
