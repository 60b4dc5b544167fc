"""The table and its endpoints are complete and to the point; no cluster and no engine needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.truth import flows
from tests.truth.table import Direction, Expectation, Row, Setting, Table
from tests.truth.world import (
    Endpoint,
    Namespace,
    combinations,
    outside,
    platform_namespaces,
    platform_pods,
    ports,
    workload_namespaces,
    workload_pods,
    worlds,
)

PROFILES = ["none", "isolated", "internal", "internal-egress", "standard"]
RESOURCES = ["postgres", "dragonfly", "garage-s3", "kube-api"]


def test_every_combination_of_labels_has_its_namespace() -> None:
    said = {(one.profile, one.grants, one.hatch, one.mesh) for one in combinations()}
    wanted = {
        (profile, frozenset(itertools.compress(RESOURCES, chosen)), hatch, mesh)
        for profile in PROFILES
        for chosen in itertools.product([False, True], repeat=len(RESOURCES))
        for hatch in (False, True)
        for mesh in (False, True)
    }
    assert said == wanted
    assert len(wanted) == 5 * 16 * 2 * 2


def test_namespaces_and_endpoints_have_names_of_their_own() -> None:
    for world in worlds():
        namespaces = [*workload_namespaces(), *platform_namespaces(world)]
        pods = [pod for one in workload_namespaces() for pod in workload_pods(one)]
        endpoints = [*pods, *platform_pods(world), *outside()]
        for named in (namespaces, endpoints):
            names = [one.name for one in named]
            assert len(names) == len(set(names))
        assert max(len(one.name) for one in namespaces) <= 63


def test_every_scope_has_a_world_and_every_resource_is_inside_and_outside_the_mesh() -> None:
    assert {world.scope for world in worlds()} == {"workload", "labelled", "cluster"}
    seen = {
        (one.name, one.mesh)
        for world in worlds()
        if world.scope == "workload"
        for one in platform_namespaces(world)
    }
    assert seen >= set(itertools.product(["database", "cache", "garage"], [False, True]))


def test_rows_name_only_what_exists(table: Table) -> None:
    world = worlds()[0]
    platform = {one.name for one in platform_namespaces(world)}
    endpoints = {one.name for one in [*platform_pods(world), *outside()]}
    classes = {"anyone", "pods", "workload-pods", "same-namespace"}
    spaces = {f"namespace/{name}" for name in platform}
    known = _values_of_facts()
    for row in table.rows:
        assert row.of in {"any", "workload", "platform"} | platform, row.name
        assert row.pod is None or row.pod in endpoints, row.name
        assert row.peers <= classes | spaces | endpoints, row.name
        assert row.ports <= {"any", "any-TCP"} | {str(port) for port in ports()}, row.name
        for alternative in row.when:
            for facts in (alternative.own, alternative.peer):
                for key, wanted in facts.items():
                    assert wanted <= known[key], f"row {row.name}: {key}"


@pytest.fixture(scope="module")
def outcomes(table: Table) -> dict[Row, set[str]]:
    """What happens to each row over all halves that are judged."""
    seen: dict[Row, set[str]] = {row: set() for row in table.rows}
    for expectation, direction, own, peer in _halves(table):
        open_ports = expectation.open_ports(direction, own, peer)
        allowing = expectation.rows_allowing(direction, own, peer)
        for row in expectation.rows_about(direction, own, peer):
            if not row.ports_covered <= open_ports:
                seen[row].add("denied")
        for row in allowing:
            others = [other.ports_covered for other in allowing if other is not row]
            if row.ports_covered.difference(*others):
                seen[row].add("allowed by this row alone")
    return seen


def test_every_row_is_what_allows_some_flow(outcomes: dict[Row, set[str]]) -> None:
    idle = [row.name for row, seen in outcomes.items() if "allowed by this row alone" not in seen]
    assert not idle


def test_what_a_row_is_about_is_denied_when_its_conditions_do_not_hold(
    outcomes: dict[Row, set[str]],
) -> None:
    for row, seen in outcomes.items():
        assert ("denied" in seen) != row.always, f"row {row.name} ({row.direction}): {seen}"


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ("none", "in: nobody; out: DNS"),
        ("isolated", "in: nobody; out: DNS"),
        ("internal", "in: own pods, internal gateway; out: DNS, own pods"),
        ("internal-egress", "in: own pods, internal gateway; out: DNS, HTTPS, own pods"),
        ("standard", "in: own pods, both gateways; out: DNS, HTTPS, own pods"),
    ],
)
def test_the_table_says_of_each_profile_what_the_mission_says(
    table: Table, profile: str, sentence: str
) -> None:
    expectation = Expectation(table, Setting(worlds()[0]))
    sender, receiver = workload_pods(Namespace("app", profile=profile))
    ends = {one.name: one for one in [*platform_pods(worlds()[0]), *outside()]}

    def opened(direction: Direction, peer: Endpoint) -> bool:
        return bool(expectation.open_ports(direction, sender, peer))

    inward = [name for name, peer in [("own pods", receiver)] if opened("ingress", peer)]
    gateways = [
        one for one in ("internal", "external") if opened("ingress", ends[f"gateway-{one}"])
    ]
    inward += {0: [], 1: [f"{''.join(gateways)} gateway"], 2: ["both gateways"]}[len(gateways)]
    outward = [
        name
        for name, peer in [
            ("DNS", ends["kube-dns"]),
            ("HTTPS", ends["world"]),
            ("own pods", receiver),
        ]
        if opened("egress", peer)
    ]
    assert f"in: {', '.join(inward) or 'nobody'}; out: {', '.join(outward)}" == sentence


def _halves(table: Table) -> Iterator[tuple[Expectation, Direction, Endpoint, Endpoint]]:
    """Every half that is judged, in every setting; a few grants stand for their combinations."""
    namespaces = [
        one
        for one in workload_namespaces()
        if not one.grants or (one.profile == "none" and len(one.grants) == 1)
    ]
    for world, own_policies in itertools.product(worlds(), [False, True]):
        expectation = Expectation(table, Setting(world, own_policies))
        pairs = [*flows.of_namespaces(world, namespaces), *flows.of_platform(world)]
        for sender, receiver in pairs:
            if sender.namespace is not None:
                yield expectation, "egress", sender, receiver
            if receiver.namespace is not None:
                yield expectation, "ingress", receiver, sender


def _values_of_facts() -> dict[str, set[str]]:
    values: dict[str, set[str]] = {}
    for world, own_policies in itertools.product(worlds(), [False, True]):
        setting = Setting(world, own_policies)
        for namespace in [*workload_namespaces(), *platform_namespaces(world)]:
            for key, value in setting.facts(namespace).items():
                values.setdefault(key, set()).update(value)
    return values
