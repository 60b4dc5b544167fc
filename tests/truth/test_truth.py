"""What the operator wrote to the API server, judged flow by flow by Cilium's own policy engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.control_plane import Engine
from tests.truth import flows
from tests.truth.homelab import Snapshot
from tests.truth.judge import Report, judge
from tests.truth.table import Expectation, Setting, Table
from tests.truth.world import (
    World,
    combinations,
    neighbours,
    overrides,
    own_policy,
    platform_namespaces,
    worlds,
)

every_world = pytest.mark.parametrize("world", worlds(), ids=lambda world: world.name)
HoldTrue = Callable[[Report], None]
SnapshotOf = Callable[[World], Snapshot]


@every_world
def test_every_combination_of_labels_gives_the_flows_of_the_table(
    world: World, snapshot_of: SnapshotOf, engine: Engine, table: Table, hold_true: HoldTrue
) -> None:
    # Hand-written policies close the platform namespaces, so that what the operator opens there
    # shows: each shared resource to exactly the granted. They select no workload pod.
    snapshot = snapshot_of(world)
    hand_written = [own_policy(one.name) for one in platform_namespaces(world)]
    namespaces = [*combinations(), *overrides(), *neighbours()]
    pairs = [*flows.of_namespaces(world, namespaces), *flows.of_platform(world)]
    expectation = Expectation(table, Setting(world, own_policies=True))
    objects = [*snapshot.objects, *hand_written]
    hold_true(judge(engine, objects, expectation, pairs, snapshot.namespace_labels))


@every_world
def test_without_a_hand_written_policy_the_scope_says_whether_the_platform_is_open(
    world: World, snapshot_of: SnapshotOf, engine: Engine, table: Table, hold_true: HoldTrue
) -> None:
    snapshot = snapshot_of(world)
    namespaces = [one for one in combinations() if len(one.grants) in (0, 4)]
    pairs = [*flows.of_namespaces(world, namespaces), *flows.of_platform(world)]
    expectation = Expectation(table, Setting(world))
    hold_true(judge(engine, snapshot.objects, expectation, pairs, snapshot.namespace_labels))
