"""In any world, Cilium's engine allows what the mission allows, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from homelab_netpol.policy.keys import Component
from homelab_netpol.policy.objects import Policy
from lab.control_plane import Engine
from tests.dice import seeded
from tests.worlds.flows import pick
from tests.worlds.judge import Mismatch, Tally, explain, judge, judge_all_of_world, judge_world
from tests.worlds.oracle import Oracle
from tests.worlds.random_worlds import random_world
from tests.worlds.rendered import policies_of
from tests.worlds.summary import WORLDS_PROPERTY

_SHOWN = 6
# Every one of these must be the only reason for some half, or its rule was not tried.
REASONS = {
    *("egress: dns", "egress: https", "ingress: gateway", "ingress: gateway in the mesh"),
    *("egress: gateway in the mesh", "ingress: prometheus", "ingress: probes"),
    *("egress: ztunnel", "ingress: ztunnel"),
    *("ingress: lan-ports", "ingress: world-ports", "ingress: webhooks"),
    *("egress: gateway from inside", "ingress: gateway from inside"),
    *("ingress: prometheus in the mesh", "ingress: companion", "egress: companion"),
    *("ingress: companion in the mesh", "egress: companion in the mesh"),
    *("egress: tunnel for the cluster", "ingress: tunnel for the cluster"),
    *("ingress: grant, additive target", "ingress: grant, exclusive target"),
    *("egress: grant of pods", "egress: grant of entities", "egress: grant of names"),
    *("ingress: grant of some pods, additive target", "egress: grant of some pods"),
    *(
        "egress: grant of CIDR set",
        "egress: grant of CIDR",
        "egress: custom names",
        "egress: custom names http",
    ),
    *(
        f"{direction}: {reason}"
        for direction in ("egress", "ingress")
        for reason in (
            *("hatch", "nothing denies", "no rule", "intra-namespace", "hand-written"),
            *(
                "grant in the mesh",
                "by waypoint",
                "custom in the mesh",
                "custom endpoints",
                "custom entities",
            ),
            *("custom CIDR", "custom CIDR set", "custom endpoints http", "custom endpoints icmp"),
        )
    ),
}
# As many worlds as it takes for all of them to come up.
ENOUGH_FOR_ALL_REASONS = 500


def test_in_any_world_cilium_allows_what_the_mission_allows_and_nothing_else(
    engine: Engine,
    world_seed: str,
    world_count: int,
    record_property: Callable[[str, object], None],
) -> None:
    tally = Tally()
    for number in range(world_count):
        judge_world(engine, f"{world_seed}/{number}", tally)
    text = (
        f"seed {world_seed}: {tally.flows:,} flows in {tally.worlds:,} worlds, of which"
        f" {tally.allowed:,} are allowed; {len(tally.wrong):,} halves came out otherwise"
    )
    record_property(WORLDS_PROPERTY, text)
    decided = [f"{reason} {count:,}" for reason, count in sorted(tally.deciding.items())]
    record_property(WORLDS_PROPERTY, f"decided by {', '.join(decided)}")
    if tally.wrong:
        pytest.fail(f"{text}\n{_one_of_each(engine, tally.wrong)}", pytrace=False)
    assert tally.allowed >= 0.3 * tally.flows, text
    if world_count >= ENOUGH_FOR_ALL_REASONS:
        assert tally.flows >= 40 * world_count, text
        assert set(tally.deciding) >= REASONS, REASONS - set(tally.deciding)


def test_between_all_ends_of_some_worlds_nothing_is_wider_than_its_word(
    engine: Engine,
    world_seed: str,
    world_count: int,
    record_property: Callable[[str, object], None],
) -> None:
    tally = Tally()
    for number in range(max(5, world_count // 20)):
        judge_all_of_world(engine, f"{world_seed}/all/{number}", tally)
    text = f"seed {world_seed}: {tally.flows:,} flows between all ends of {tally.worlds:,} worlds"
    record_property(WORLDS_PROPERTY, text)
    if tally.wrong:
        pytest.fail(f"{text}\n{_one_of_each(engine, tally.wrong)}", pytrace=False)


# What the mesh adds has a test of its own in tests/truth.
@pytest.mark.parametrize(
    "left_out", [each for each in Component if each is not Component.MESH], ids=str
)
def test_policies_that_are_missing_would_be_noticed(
    engine: Engine, world_seed: str, left_out: Component
) -> None:
    def damaged(policies: list[Policy]) -> list[Policy]:
        return [policy for policy in policies if policy.component is not left_out]

    for number in range(200):
        oracle = Oracle(random_world(seeded(f"world {world_seed}/{number}")))
        flows = pick(oracle, seeded(f"flows {world_seed}/{number}"), 1000, 60)
        if judge(engine, oracle, flows, damaged(policies_of(oracle.world))):
            return
    pytest.fail(f"seed {world_seed}: nobody noticed that {left_out} policies were missing")


def _one_of_each(engine: Engine, wrong: list[Mismatch]) -> str:
    """One example of each sort of mistake, in the smallest world that shows it."""
    sorts: dict[tuple[object, ...], list[Mismatch]] = {}
    for one in wrong:
        reasons = one.flow.egress if one.direction == "egress" else one.flow.ingress
        sorts.setdefault((one.direction, one.expected, one.got, reasons), []).append(one)
    texts = [
        f"{explain(engine, alike[0])}\n    and {len(alike) - 1} more like it"
        for alike in list(sorts.values())[:_SHOWN]
    ]
    return "\n\n".join([*texts, f"... {len(sorts)} sorts of mistakes in all"])
