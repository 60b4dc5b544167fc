"""What the agent says of a drop is enough for `diagnose` to name what lets the packet pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.control_plane import ControlPlane
from lab.datapath.packets import Outcome
from tests.cluster.kube import eventually
from tests.cluster.spaces import PROFILE, access
from tests.datapath.home import APP, Home
from tests.datapath.settled import Packets
from tests.running_operator import RunningOperator

# From whom, to whom, on which port, with which profile; and what mission's table of drops says.
DROPS = {
    "no grant on the database": (
        (f"{APP}/sender", "database-primary", "TCP", 5432),
        "isolated",
        {access("postgres"): "true"},
    ),
    "no grant on the cache": (
        (f"{APP}/sender", "cache", "TCP", 6379),
        "standard",
        {access("dragonfly"): "true"},
    ),
    "a profile without HTTPS": (
        (f"{APP}/sender", "outside-address", "TCP", 443),
        "internal",
        {PROFILE: "internal-egress"},
    ),
    "a profile without that gateway": (
        ("gateway-external", f"{APP}/receiver", "TCP", 8080),
        "internal-egress",
        {PROFILE: "standard"},
    ),
    "no ingress at all": (
        ("gateway-internal", f"{APP}/receiver", "TCP", 8080),
        "isolated",
        {PROFILE: "internal"},
    ),
}


@pytest.fixture(autouse=True)
def _labels_taken_away(home: Home) -> Iterator[None]:
    yield
    home.label_app({PROFILE: None, access("postgres"): None, access("dragonfly"): None})


@pytest.mark.parametrize("case", DROPS)
def test_the_label_that_diagnose_names_lets_the_same_packet_pass(
    case: str,
    home: Home,
    packets: Packets,
    operator: RunningOperator,
    plane: ControlPlane,
    tmp_path: Path,
) -> None:
    ends, profile, labels = DROPS[case]
    home.label_app({PROFILE: profile})
    home.space(APP).has_profile(profile)
    probe = packets.probe(*ends)
    packets.do({probe: False})
    assert packets.prober.outcome(probe) is Outcome.DROPPED
    drop = packets.prober.seen[-1]
    exported = tmp_path / "flows.json"
    exported.write_text(json.dumps(drop.flow) + "\n", encoding="utf-8")

    [found] = _diagnose(plane, exported)
    fixes = {(fix["namespace"], fix["key"]): fix["value"] for fix in found["fix"]["labels"]}
    assert fixes == {(APP, key): value for key, value in labels.items()}

    home.label_app(labels)
    eventually(lambda: packets.prober.passes(probe), f"{probe} to pass with {labels}")


def _diagnose(plane: ControlPlane, flows: Path) -> list[dict[str, Any]]:
    """What is found; the status is 1, as there is a drop."""
    access = ["--kubeconfig", str(plane.kubeconfig), "--context", plane.context]
    command = [sys.executable, "-m", "homelab_netpol", "diagnose", str(flows), *access]
    done = subprocess.run(
        [*command, "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2] / "operator",
    )
    assert done.returncode == 1, done.stderr
    diagnoses: list[dict[str, Any]] = json.loads(done.stdout)["diagnoses"]
    return diagnoses
