"""The escape hatch opens a namespace at once, and also when no operator is there to open it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from lab.control_plane import Engine
from tests.truth import flows
from tests.truth.homelab import Snapshot
from tests.truth.judge import Report, judge
from tests.truth.table import Expectation, Setting, Table
from tests.truth.world import DOMAIN, Namespace, World, combinations, worlds

HoldTrue = Callable[[Report], None]
SnapshotOf = Callable[[World], Snapshot]

_ONE_OF_EACH_SCOPE = {world.scope: world for world in worlds()}.values()
every_scope = pytest.mark.parametrize("world", _ONE_OF_EACH_SCOPE, ids=lambda world: world.scope)


@every_scope
def test_the_hatch_opens_before_cilium_has_learnt_the_label(
    world: World, snapshot_of: SnapshotOf, engine: Engine, table: Table, hold_true: HoldTrue
) -> None:
    # A namespace's new label reaches the identities of its pods tens of seconds late.
    hatched = _namespaces(hatch=True)
    names = {one.name for one in hatched}
    snapshot = snapshot_of(world)
    known_to_cilium = {
        name: {} if name in names else labels for name, labels in snapshot.namespace_labels.items()
    }
    report = judge(
        engine,
        snapshot.objects,
        Expectation(table, Setting(world)),
        list(flows.of_namespaces(world, hatched)),
        known_to_cilium,
        concerns=lambda own: own.namespace in hatched,
    )
    hold_true(report)


@every_scope
def test_the_label_alone_opens_a_namespace_when_the_operator_is_dead(
    world: World, snapshot_of: SnapshotOf, engine: Engine, table: Table, hold_true: HoldTrue
) -> None:
    # The objects are those written before the label came.
    snapshot = snapshot_of(world)
    hatched = [dataclasses.replace(one, hatch=True) for one in _namespaces(hatch=False)]
    names = {one.name for one in hatched}
    disabled = {f"{DOMAIN}/enforcement": "disabled"}
    known_to_cilium = {
        name: {**labels, **disabled} if name in names else labels
        for name, labels in snapshot.namespace_labels.items()
    }
    report = judge(
        engine,
        snapshot.objects,
        Expectation(table, Setting(world)),
        list(flows.of_namespaces(world, hatched)),
        known_to_cilium,
        concerns=lambda own: own.namespace in hatched,
    )
    hold_true(report)


def _namespaces(hatch: bool) -> list[Namespace]:
    """Every profile, in the mesh and not, with no grant and with all."""
    return [one for one in combinations() if one.hatch == hatch and len(one.grants) in (0, 4)]
