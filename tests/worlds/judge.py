"""Asks Cilium's engine about flows in a world, and compares its answers with the oracle's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.policy.objects import Policy
from lab.control_plane import Engine, Flow, Verdict
from tests.dice import seeded
from tests.worlds.ends import Pod
from tests.worlds.flows import Expected, every_pair, expect, pick
from tests.worlds.oracle import Oracle
from tests.worlds.random_worlds import random_world
from tests.worlds.rendered import enforce, people, policies_of
from tests.worlds.shrink import shrink
from tests.worlds.world import World

_TRIES, _FLOWS = 1000, 90
_TARGETS = 3


@dataclass(frozen=True)
class Mismatch:
    """One half of a flow that is not as the mission says."""

    world: World
    flow: Expected
    direction: str
    expected: str
    got: str


@dataclass
class Tally:
    """What came of all worlds.

    Attributes:
        worlds: how many there were.
        flows: how many flows were judged.
        allowed: how many of them pass.
        deciding: for how many halves a reason was the only one, by reason.
        wrong: what came out otherwise.
    """

    worlds: int = 0
    flows: int = 0
    allowed: int = 0
    deciding: Counter[str] = field(default_factory=Counter)
    wrong: list[Mismatch] = field(default_factory=list)

    def count(self, flows: Sequence[Expected]) -> None:
        """Adds the flows of one world."""
        self.worlds += 1
        self.flows += len(flows)
        self.allowed += sum(flow.allowed for flow in flows)
        for flow in flows:
            for direction, reasons in (("egress", flow.egress), ("ingress", flow.ingress)):
                if reasons is not None and len(reasons) < 2:
                    self.deciding[f"{direction}: {reasons[0] if reasons else 'no rule'}"] += 1


def judge_world(engine: Engine, seed: object, tally: Tally) -> None:
    """Makes the world of a seed, and judges some of its flows."""
    world = random_world(seeded(f"world {seed}"))
    oracle = Oracle(world)
    flows = pick(oracle, seeded(f"flows {seed}"), _TRIES, _FLOWS)
    tally.count(flows)
    tally.wrong += judge(engine, oracle, flows, policies_of(world))


def judge_all_of_world(engine: Engine, seed: object, tally: Tally) -> None:
    """Makes the world of a seed, and judges flows between all ends."""
    oracle = Oracle(random_world(seeded(f"world {seed}")))
    flows = list(every_pair(oracle, seeded(f"flows {seed}"), _TARGETS))
    tally.count(flows)
    tally.wrong += judge(engine, oracle, flows, policies_of(oracle.world))


def judge(
    engine: Engine, oracle: Oracle, flows: Sequence[Expected], policies: Sequence[Policy]
) -> list[Mismatch]:
    """What Cilium, given the operator's policies, sees otherwise than the oracle."""
    people(engine, oracle.world)
    enforce(engine, oracle.world, policies)
    verdicts = engine.verdicts(as_flow(flow) for flow in flows)
    return [
        Mismatch(oracle.world, flow, *found)
        for flow, verdict in zip(flows, verdicts, strict=True)
        for found in _differences(oracle, flow, verdict)
    ]


def as_flow(flow: Expected) -> Flow:
    """As the engine is asked."""
    return Flow(flow.source.name, flow.target.name, flow.port.number, flow.port.protocol)


def _differences(oracle: Oracle, flow: Expected, verdict: Verdict) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    halves = (
        ("egress", flow.egress, verdict.egress, verdict.egress_proxy),
        ("ingress", flow.ingress, verdict.ingress, verdict.ingress_proxy),
    )
    for direction, reasons, got, proxy in halves:
        expected = "none" if reasons is None else "allowed" if reasons else "denied"
        if got != expected:
            found.append((direction, expected, got))
            continue
        # What HTTP rules alone let through, somebody must look into; and what else passes, nobody.
        layer_7 = {reason.endswith(" http") for reason in reasons or ()}
        if layer_7 in ({True}, {False}) and (proxy == "http") is not (layer_7 == {True}):
            found.append((direction, f"http proxy: {layer_7}", f"proxy {proxy!r}"))
    if flow.egress == ("dns",) and isinstance(flow.source, Pod):
        seen = oracle.looks_up_names(flow.source.namespace)
        seen = seen or oracle.world.around.dns_proxy
        if (verdict.egress_proxy == "dns") is not seen:
            found.append(("egress", f"dns proxy: {seen}", f"proxy {verdict.egress_proxy!r}"))
    return found


def explain(engine: Engine, one: Mismatch) -> str:
    """The mismatch in the smallest world that still has it."""

    def goes_wrong(world: World) -> bool:
        there = {end.name for end in world.ends}
        if not {one.flow.source.name, one.flow.target.name} <= there:
            return False
        oracle = Oracle(world)
        flow = expect(oracle, one.flow.source, one.flow.target, one.flow.port)
        return any(
            (each.direction, each.expected, each.got) == (one.direction, one.expected, one.got)
            for each in judge(engine, oracle, [flow], policies_of(world))
        )

    world = shrink(one.world, goes_wrong)
    flow = expect(Oracle(world), one.flow.source, one.flow.target, one.flow.port)
    reasons = flow.egress if one.direction == "egress" else flow.ingress
    return "\n".join(
        [
            f"{one.direction} of {flow.source.name} -> {flow.target.name} on {flow.port}:"
            f" expected {one.expected} ({', '.join(reasons or ()) or 'no rule allows it'}),"
            f" Cilium says {one.got}",
            f"    defaultDeny: {world.scope}, mesh.hbone: {world.hbone},"
            f" cluster.name: {world.cluster or '-'},"
            f" other settings: {json.dumps(world.around.settings())}",
            *(f"    {line}" for line in _description(world)),
        ]
    )


def _description(world: World) -> list[str]:
    lines = []
    for name, space in world.spaces.items():
        labels = ", ".join(f"{key}={value}" for key, value in space.labels.items()) or "no labels"
        notes = "".join(f"; {key}: {value!r}" for key, value in space.annotations.items())
        pods = "".join(f"; pod {pod.name} {dict(pod.labels)}" for pod in space.pods)
        lines.append(f"Namespace {name}: {labels}{notes}{pods}")
    manifests: list[dict[str, Any]] = [each.manifest() for each in world.profiles.values()]
    manifests += [each.manifest() for each in world.resources.values()]
    manifests += [each.manifest() for each in world.hand_made]
    for each in manifests:
        lines.append(f"{each['kind']} {each['metadata']['name']}: {json.dumps(each['spec'])}")
    return lines
