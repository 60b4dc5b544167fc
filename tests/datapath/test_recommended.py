"""The words that `recommend` finds in the agent's flows let the app work, and nothing else pass."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.control_plane import ControlPlane
from lab.datapath.agent import Agent
from lab.datapath.datapath import Datapath
from lab.datapath.packets import Outcome, Probe
from tests.cluster.kube import eventually
from tests.cluster.spaces import ENFORCEMENT
from tests.datapath.changes import Changes, say
from tests.datapath.expected import Expected
from tests.datapath.home import APP, Home
from tests.datapath.recorder import Recorder
from tests.datapath.settled import Packets
from tests.truth.table import Table
from tests.truth.world import Namespace

SENDER, RECEIVER = f"{APP}/sender", f"{APP}/receiver"
PEERS = (
    *("kube-dns", "gateway-internal", "gateway-external", "prometheus", "monitoring-other"),
    *("database-primary", "cache", "garage", "host", "kube-apiserver"),
    *("outside-address", "lan-address", "neighbour/sender", "neighbour/receiver"),
)
# What nobody needs: it is tried, and the sender's own Namespace drops it.
STRANGER = ("neighbour/sender", RECEIVER, "TCP", 8080)


@dataclass(frozen=True)
class App:
    """What an app needs, and what that takes by the vocabulary's tables.

    Attributes:
        needed: From whom, to whom, by which protocol, on which port.
        words: What its Namespace is to say.
    """

    needed: Sequence[tuple[str, str, str, int]]
    words: Namespace


APPS = {
    "reached-from-home-and-calls-out": App(
        (
            (SENDER, "kube-dns", "UDP", 53),
            (SENDER, "database-primary", "TCP", 5432),
            (SENDER, "cache", "TCP", 6379),
            (SENDER, "outside-address", "TCP", 443),
            (SENDER, RECEIVER, "TCP", 9090),
            ("gateway-internal", RECEIVER, "TCP", 8080),
            ("gateway-internal", RECEIVER, "TCP", 9090),
        ),
        Namespace(
            APP,
            profile="internal-egress",
            grants=frozenset({"postgres", "dragonfly"}),
            words=(("gateway-ports", "8080,9090"),),
        ),
    ),
    "straight-from-home-and-calls-the-api": App(
        (
            (SENDER, "kube-dns", "TCP", 53),
            (SENDER, "garage", "TCP", 3900),
            (SENDER, "kube-apiserver", "TCP", 6443),
            ("lan-address", RECEIVER, "TCP", 9090),
            ("lan-address", RECEIVER, "UDP", 443),
        ),
        Namespace(
            APP,
            profile="isolated",
            grants=frozenset({"garage-s3", "kube-api"}),
            words=(("lan-ports", "9090,UDP/443"),),
        ),
    ),
}


@pytest.mark.parametrize("name", APPS)
def test_the_recommended_words_let_pass_what_was_seen_and_drop_what_nobody_needs(
    name: str,
    home: Home,
    packets: Packets,
    changes: Changes,
    datapath: Datapath,
    plane: ControlPlane,
    settings: Path,
    recorder: Recorder,
    tmp_path: Path,
) -> None:
    app = APPS[name]
    needed = [packets.probe(*each) for each in app.needed]
    stranger = packets.probe(*STRANGER)
    changes.set({ENFORCEMENT: "disabled"}, {})
    packets.do({stranger: False, **dict.fromkeys(needed, True)})
    state = recorder.state()
    flows = _exported(datapath.agent, packets, needed, stranger)
    exported = tmp_path / "flows.json"
    exported.write_text("".join(json.dumps(each) + "\n" for each in flows), encoding="utf-8")

    found = say(plane, settings, "recommend", "-n", APP, str(exported), status=0)
    [metadata] = [each["manifest"]["metadata"] for each in found["namespaces"]]
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    assert found["objects"] == []
    assert labels == app.words.labels()
    assert annotations == app.words.annotations()

    changes.undo()
    changes.set(labels, annotations)
    expected = Expected(home, Table.load()).between([SENDER, RECEIVER], PEERS, app.words)
    expected |= Expected(home, Table.load()).between([SENDER], [RECEIVER], app.words)
    assert all(expected[each] for each in needed)
    # One first, as it takes the hatch half a minute to close.
    packets.do({next(each for each, passes in expected.items() if not passes): False})
    packets.do(expected)
    recorder.keep(
        "needs", name, state, flows, {"labels": labels, "annotations": annotations, "objects": []}
    )


def _exported(
    agent: Agent, packets: Packets, needed: Sequence[Probe], stranger: Probe
) -> list[dict[str, Any]]:
    """All that Hubble exports while each is sent."""
    known = set(_read(agent))
    agent.export(APP)
    try:
        # The file comes with the first flow after the agent has looked.
        eventually(
            lambda: packets.prober.passes(needed[0]) and set(_read(agent)) - known, "an export"
        )
        before = len(_read(agent))
        outcomes = packets.prober.outcomes([*needed, stranger])
        assert outcomes == [*itertools.repeat(Outcome.PASSED, len(needed)), Outcome.DROPPED]
        wanted = {(each, "FORWARDED") for each in map(_ends, needed)}
        wanted.add((_ends(stranger), "DROPPED"))

        def look() -> list[dict[str, Any]]:
            found = [json.loads(line) for line in _read(agent)[before:]]
            seen = {(_ends_of(each["flow"]), each["flow"]["verdict"]) for each in found}
            return found if wanted <= seen else []

        return eventually(look, "all of it in the export")
    finally:
        agent.export(None)


def _read(agent: Agent) -> list[str]:
    if not agent.flows.exists():
        return []
    # The last line may not be whole yet.
    return agent.flows.read_text(encoding="utf-8").split("\n")[:-1]


def _ends(probe: Probe) -> tuple[str, str, str, int]:
    return probe.source.address, probe.target.address, probe.protocol, probe.port


def _ends_of(flow: Mapping[str, Any]) -> tuple[str, str, str, int]:
    [(protocol, ports)] = flow["l4"].items()
    addresses = flow["IP"]
    return (
        addresses["source"],
        addresses["destination"],
        protocol,
        ports.get("destination_port", 0),
    )
