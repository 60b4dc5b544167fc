"""The comparison can fail: policies that somebody damaged do not come out as the table says."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.control_plane import Engine
from tests.truth import flows
from tests.truth.homelab import Snapshot
from tests.truth.judge import Mismatch, Report, judge
from tests.truth.table import Expectation, Setting, Table
from tests.truth.world import (
    PREFIX,
    World,
    combinations,
    own_policy,
    platform_namespaces,
    workload_namespaces,
    worlds,
)

WORLD = worlds()[0]
# It has one of everything: a profile, every grant, the mesh.
VICTIM = f"{PREFIX}standard-pg-df-s3-api-ambient"
BARE = f"{PREFIX}none"
COMPONENT = "network-policy.homelab/component"
BASELINES = ["dns-egress", "health-probes", "prometheus-scrape", "hbone-mesh"]

Objects = list[dict[str, Any]]


@pytest.fixture
def snapshot(snapshot_of: Callable[[World], Snapshot]) -> Snapshot:
    """One world is enough to damage."""
    return snapshot_of(WORLD)


class Court:
    """Judges the platform's namespaces, the victim, and one that has no labels at all."""

    def __init__(self, snapshot: Snapshot, engine: Engine, table: Table) -> None:
        sample = [one for one in combinations() if one.name in (VICTIM, BARE)]
        self._pairs = [*flows.of_namespaces(WORLD, sample), *flows.of_platform(WORLD)]
        self._expectation = Expectation(table, Setting(WORLD, own_policies=True))
        self._hand_written = [own_policy(one.name) for one in platform_namespaces(WORLD)]
        self._labels = snapshot.namespace_labels
        self._engine = engine
        self._before = set(self.judge(list(snapshot.objects)).mismatches)

    def judge(self, objects: Objects) -> Report:
        """What comes of these objects."""
        objects = [*objects, *self._hand_written]
        return judge(self._engine, objects, self._expectation, self._pairs, self._labels)

    def wrong(self, damaged: Objects) -> set[Mismatch]:
        """What is wrong with these objects and was not before they were damaged."""
        return set(self.judge(damaged).mismatches) - self._before

    def wronged(self, damaged: Objects) -> set[str]:
        """The namespaces whose halves are wrong now."""
        return {one.own.namespace.name for one in self.wrong(damaged) if one.own.namespace}


@pytest.fixture
def court(snapshot: Snapshot, engine: Engine, table: Table) -> Court:
    """Judges damaged policies."""
    return Court(snapshot, engine, table)


def test_no_policies_at_all_are_noticed_and_explained(court: Court) -> None:
    report = court.judge([])
    assert {one.expected for one in report.mismatches} == {"denied", "allowed"}
    text = report.text()
    assert f"egress of {BARE}/sender to {BARE}/receiver on UDP/53: expected denied" in text
    assert "no row allows it (rows whose conditions do not hold: " in text
    assert "expected allowed, Cilium says denied\n    allowed by row dns: baseline-dns" in text


@pytest.mark.parametrize("component", ["profile", "access"])
def test_a_namespace_that_lost_a_policy_is_noticed(
    snapshot: Snapshot, court: Court, component: str
) -> None:
    lost = [
        one["metadata"]["uid"]
        for one in snapshot.objects
        if one["metadata"].get("namespace") == VICTIM
        and one["metadata"]["labels"].get(COMPONENT) == component
    ]
    assert lost, f"{VICTIM} has no policy of component {component}"
    assert court.wronged(_without(snapshot, lost[0])) == {VICTIM}


@pytest.mark.parametrize("baseline", BASELINES)
def test_a_lost_baseline_is_noticed(snapshot: Snapshot, court: Court, baseline: str) -> None:
    [lost] = [
        one["metadata"]["uid"]
        for one in snapshot.objects
        if one["metadata"]["name"] == f"baseline-{baseline}"
    ]
    assert court.wrong(_without(snapshot, lost))


@pytest.mark.parametrize("resource", ["database", "cache", "garage"])
def test_a_resource_that_lets_nobody_in_any_more_is_noticed(
    snapshot: Snapshot, court: Court, resource: str
) -> None:
    kept = [one for one in snapshot.objects if one["metadata"].get("namespace") != resource]
    assert len(kept) < len(snapshot.objects)
    assert court.wronged(kept) == {resource}


def test_a_widened_port_is_noticed(snapshot: Snapshot, court: Court) -> None:
    widened = 0
    objects = copy.deepcopy(list(snapshot.objects))
    for policy in objects:
        if policy["metadata"].get("namespace") == VICTIM:
            for ports in _port_lists(policy):
                if any(str(port["port"]) == "5432" for port in ports):
                    ports.append({"port": "8080", "protocol": "TCP"})
                    widened += 1
    assert widened
    wrong = {(one.expected, str(one.port)) for one in court.wrong(objects)}
    assert wrong == {("denied", "TCP/8080")}


def test_a_policy_for_somebody_elses_namespace_is_noticed(snapshot: Snapshot, court: Court) -> None:
    objects = copy.deepcopy(list(snapshot.objects))
    for policy in objects:
        meta = policy["metadata"]
        if meta.get("namespace") == VICTIM and meta["labels"].get(COMPONENT) == "profile":
            meta["namespace"] = BARE
    assert court.wronged(objects) == {VICTIM, BARE}


def test_the_worlds_hold_the_namespaces_that_the_table_is_about(snapshot: Snapshot) -> None:
    for namespace in [*workload_namespaces(), *platform_namespaces(WORLD)]:
        assert snapshot.namespace_labels[namespace.name].items() >= namespace.labels().items()


def _without(snapshot: Snapshot, uid: str) -> Objects:
    return [one for one in snapshot.objects if one["metadata"]["uid"] != uid]


def _port_lists(node: Any) -> Iterator[list[dict[str, Any]]]:
    """Every `ports` list of a policy."""
    if isinstance(node, dict):
        if isinstance(node.get("ports"), list):
            yield node["ports"]
        for value in node.values():
            yield from _port_lists(value)
    elif isinstance(node, list):
        for value in node:
            yield from _port_lists(value)
