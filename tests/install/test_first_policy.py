"""The README's four commands, on a cluster that has nothing but Cilium's CRDs."""

from __future__ import annotations

from pathlib import Path

from lab.control_plane import ControlPlane, Lab
from tests.install.first_policy import COMMANDS, NAMESPACE, first_policy
from tests.programs import program

_README = Path(__file__).resolve().parents[2] / "README.md"


def test_four_commands_lead_to_the_first_policy(lab: Lab, tmp_path: Path) -> None:
    program("kubectl")  # before anything is started in vain
    with ControlPlane(lab=lab) as cluster:
        *_, last = first_policy(cluster, tmp_path)
    (row,) = [line.split() for line in last.output.splitlines() if line.startswith(NAMESPACE)]
    assert row[1] == "homelab-profile"
    assert row[-1] == "internal"


def test_they_are_the_commands_of_the_readme() -> None:
    assert len(COMMANDS) == 4
    text = _README.read_text(encoding="utf-8")
    assert "\n".join(COMMANDS) in text
