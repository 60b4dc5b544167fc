"""What the agent says of a drop is enough for `diagnose` to name what lets the packet pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.control_plane import ControlPlane
from lab.datapath.packets import Outcome
from tests.cluster.kube import eventually
from tests.cluster.spaces import PROFILE, access
from tests.datapath.changes import Changes, diagnosed, of_namespace
from tests.datapath.drops import CASES, Case
from tests.datapath.home import APP, Home
from tests.datapath.recorder import Recorder
from tests.datapath.settled import Packets


@pytest.mark.parametrize("name", CASES)
def test_what_diagnose_names_lets_the_same_packet_pass(
    name: str,
    home: Home,
    packets: Packets,
    changes: Changes,
    plane: ControlPlane,
    settings: Path,
    recorder: Recorder,
    tmp_path: Path,
) -> None:
    case = CASES[name]
    changes.set(case.labels, case.annotations)
    _in_force(home, case)
    probe = packets.probe(*case.probe)
    packets.do({probe: False})
    assert packets.prober.outcome(probe) is Outcome.DROPPED
    flow = packets.prober.seen[-1].flow
    state = recorder.state()

    fix = diagnosed(plane, settings, tmp_path, flow)
    _is_what_the_row_says(case, fix)

    changes.define(fix["objects"])
    changes.set(of_namespace(APP, fix["labels"]), of_namespace(APP, fix["annotations"]))
    eventually(lambda: packets.prober.passes(probe), f"{probe} to pass with {fix}")
    recorder.keep("drops", name, state, [flow], fix)


def _in_force(home: Home, case: Case) -> None:
    profile = case.labels.get(PROFILE)
    if profile in ("isolated", "internal", "internal-egress", "standard"):
        home.space(APP).has_profile(profile)
    for key in case.labels:
        if key.startswith(access("")):
            home.space(APP).has(f"homelab-access-{key.removeprefix(access(''))}")


def _is_what_the_row_says(case: Case, fix: dict[str, Any]) -> None:
    labels = dict(case.to_label)
    assert len(fix["objects"]) == (case.to_define is not None)
    if case.to_define is not None:
        [made] = fix["objects"]
        kind, spec = case.to_define
        assert made["kind"] == kind
        assert {key: made["spec"][key] for key in spec} == spec
        if kind == "SharedResource":
            labels[access(made["metadata"]["name"])] = "true"
    assert of_namespace(APP, fix["labels"]) == labels
    assert of_namespace(APP, fix["annotations"]) == case.to_annotate
