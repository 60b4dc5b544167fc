"""On random policies packets do what Cilium's engine says, and what this product's verdicts say."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.control_plane import Engine
from lab.datapath.datapath import Datapath
from lab.datapath.echo import Echo
from tests.cluster.kube import Kube
from tests.datapath.random_world import RandomWorld
from tests.datapath.settled import Packets
from tests.truth.random_policies import Generator

SEED = os.environ.get("HOMELAB_NETPOL_SEED", "1")
WORLDS = int(os.environ.get("PACKET_WORLDS", "12"))


@pytest.fixture(scope="module")
def world(datapath: Datapath, kube: Kube) -> Iterator[RandomWorld]:
    """Nine pods, for all policies."""
    with Echo() as echo:
        yield RandomWorld(datapath, kube, echo, Generator(SEED).pods())


@pytest.mark.parametrize("number", range(WORLDS))
def test_packets_the_engine_and_our_verdicts_agree(
    number: int,
    world: RandomWorld,
    packets: Packets,
    engine: Engine,
    datapath: Datapath,
    kube: Kube,
) -> None:
    generator = Generator(f"{SEED}/{number}")
    written = list(world.write(generator, f"world-{number}"))
    try:
        policies = world.tell(engine)
        flows = world.flows(generator)
        verdicts = dict(zip(flows, engine.verdicts(flows), strict=True))
        wrong = [
            line
            for flow, verdict in verdicts.items()
            for line in world.disagreements(policies, flow, verdict)
        ]
        assert not wrong, f"HOMELAB_NETPOL_SEED={SEED}: {wrong[0]}"
        expected = {world.probe(flow): verdict.allowed for flow, verdict in verdicts.items()}
        packets.do(expected, may_refuse=True)
    finally:
        for path in written:
            kube.delete(path)
        # What the engine rejects the agent refuses as well, and says so.
        datapath.agent.refusals()
