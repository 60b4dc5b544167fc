"""Access labels with a value: what they grant, what is kept, and what stands in between."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from homelab_netpol.cilium.terms import is_subdomain
from homelab_netpol.definitions import Definitions, read_resource
from homelab_netpol.intent import (
    WHOLE,
    Intent,
    LastGood,
    NamespaceFacts,
    Reason,
    ResourceWords,
    Vocabulary,
    facts_in_force,
    read_intent,
)
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.diff import Change, Delete, diff, in_steps
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, parse_policy_name, policy_name
from homelab_netpol.policy.objects import Policy
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import Settings, parse_settings
from tests.unit.test_plan import live

WORDS = Vocabulary(
    domain="network-policy.homelab",
    profiles={},
    resources={
        "postgres": ResourceWords(),
        "cnpg": ResourceWords(values=None),
        "tenant": ResourceWords(values=None, whole=False),
        "gateway": ResourceWords(values=frozenset({"internal", "external"})),
    },
    platform_namespaces=frozenset(),
    mesh_label=("istio.io/dataplane-mode", "ambient"),
    unusable_resources={"broken": "spec.ports: required"},
)
STATEFULSET_POD = "statefulset.kubernetes.io/pod-name"


def read(resource: str, value: str, before: str | None = None) -> Intent:
    """The intent of one access label, where a grant of the value `before` stands."""
    facts = NamespaceFacts("app", {f"access.network-policy.homelab/{resource}": value})
    grants = frozenset[str]() if before is None else frozenset({resource})
    values = {} if before in (None, WHOLE) else {resource: before or ""}
    last_good = LastGood(grants=grants, grant_values=values)
    return read_intent(facts, last_good, WORDS, datetime(2026, 3, 1, tzinfo=UTC))


def granted(intent: Intent) -> str | None:
    """The value of the only grant; None: there is none."""
    for resource in intent.grants:
        return intent.grant_values.get(resource, WHOLE)
    return None


@pytest.mark.parametrize(
    ("resource", "value"),
    [
        ("cnpg", "sonarr"),
        ("cnpg", "Sonarr_1.x"),
        ("cnpg", "True"),
        ("cnpg", "true"),
        ("tenant", "sonarr"),
        ("gateway", "internal"),
        ("gateway", "external"),
        ("gateway", "true"),
        ("postgres", "true"),
    ],
)
def test_a_value_that_a_resource_takes_is_granted_whatever_stood_before(
    resource: str, value: str
) -> None:
    for before in (None, "other", WHOLE):
        intent = read(resource, value, before)
        assert granted(intent) == value
        assert not intent.problems


@pytest.mark.parametrize(
    ("resource", "value", "before", "kept"),
    [
        ("cnpg", "", "sonarr", "sonarr"),
        ("cnpg", "", None, None),
        ("tenant", "true", "sonarr", "sonarr"),
        ("tenant", "true", None, None),
        ("gateway", "intern", "external", "external"),
        ("gateway", "intern", WHOLE, WHOLE),
        ("postgres", "ture", WHOLE, WHOLE),
        # The owner of the resource has taken the value away: that is no typing mistake.
        ("tenant", "true", WHOLE, None),
        ("postgres", "sonarr", "sonarr", None),
        ("gateway", "lan", "lan", None),
    ],
)
def test_a_value_that_it_does_not_take_changes_nothing_and_is_told(
    resource: str, value: str, before: str | None, kept: str | None
) -> None:
    intent = read(resource, value, before)
    assert granted(intent) == kept
    [problem] = intent.problems
    assert problem.reason is Reason.ACCESS_VALUE_INVALID
    assert repr(value) in problem.message
    assert ("no access is granted" if kept is None else "is kept") in problem.message


def test_false_revokes_a_value_without_a_word() -> None:
    intent = read("cnpg", "false", "sonarr")
    assert granted(intent) is None
    assert not intent.problems


@pytest.mark.parametrize("resource", ["broken", "gone"])
def test_a_resource_that_is_not_usable_now_keeps_the_value_that_stands(resource: str) -> None:
    intent = read(resource, "radarr", "sonarr")
    assert intent.retained_grants == (resource,)
    assert intent.grant_values == {resource: "sonarr"}


def test_what_is_in_force_is_said_with_its_value() -> None:
    last_good = LastGood(grants=frozenset({"cnpg", "postgres"}), grant_values={"cnpg": "sonarr"})
    said = facts_in_force(NamespaceFacts("app"), last_good, WORDS)
    assert read_intent(said, LastGood(), WORDS, datetime.now(UTC)).grant_values == {
        "cnpg": "sonarr"
    }


def test_an_open_hatch_counts_as_a_grant_on_all_pods() -> None:
    planner = Planner(Catalogue(Settings()))
    intent = Intent("app", grants=("postgres",), grant_values={"postgres": "sonarr"})
    assert planner.let_in(intent, "postgres") == "sonarr"
    assert planner.let_in(Intent("app", hatch_open=True), "postgres") == WHOLE


def test_each_part_of_a_resource_has_a_policy_name_that_is_read_back() -> None:
    values = ["", "sonarr", "Sonarr", "sonarr_1", "a.b", "a..b", "0", "x" * 63, "A" * 63]
    names = [policy_name(Component.GRANT, "x" * 63, value) for value in values]
    assert len(set(names)) == len(values)
    for name in names:
        assert is_subdomain(name)
        parsed = parse_policy_name(PolicyKey(Kind.AUTHORIZATION, "database", name))
        assert parsed is not None
        assert parsed.about == "x" * 63


def test_a_label_that_cilium_does_not_see_cannot_have_the_values() -> None:
    spec = {"namespace": "a", "valueLabel": STATEFULSET_POD, "ports": [{"port": 1}]}
    definition = read_resource({"metadata": {"name": "own"}, "spec": spec})
    made = Catalogue(Settings(), Definitions({}, {"own": definition}))
    [problem] = made.unusable.values()
    assert problem.reason == "LabelNotInIdentity"
    assert "spec.valueLabel" in problem.message
    assert STATEFULSET_POD in problem.message


# In the mesh there is one AuthorizationPolicy for each part, as each has one selector.

SETTINGS = """
mesh: {{authorizationPolicies: true}}
platformNamespaces: [{platform}]
sharedResources:
  postgres: {{namespace: database, valueLabel: cluster, target: {target}, ports: [{{port: 5432}}]}}
"""
# Where nothing denies but an exclusive resource, and where the namespace's own policy does.
EXCLUSIVE = Catalogue(parse_settings(SETTINGS.format(platform="database", target="exclusive")))
GOVERNED = Catalogue(parse_settings(SETTINGS.format(platform="kube-system", target="additive")))
EVERYBODY = frozenset({"a", "b", "dba"})


def lists(catalogue: Catalogue, consumers: Mapping[str, str] | None) -> list[Policy]:
    """Istio's policies in the resource's namespace; None: the resource is not there."""
    planner, meshed = Planner(catalogue), Intent("database", meshed=True)
    owner = dataclasses.replace(meshed, platform=catalogue is EXCLUSIVE)
    beside = planner.beside("postgres", consumers, owner, lambda _: True) if consumers else []
    found = [*beside, *planner.namespace(owner, lambda _: True).policies]
    return [policy for policy in found if policy.key.kind is Kind.AUTHORIZATION]


def let_in(policies: Mapping[PolicyKey, Policy], value: str) -> frozenset[str]:
    """Whom Istio lets through to a pod of a value: whom any policy allows that selects it."""
    selecting = [
        policy.body["spec"]
        for policy in policies.values()
        if ((policy.body["spec"].get("selector") or {}).get("matchLabels") or {}).items()
        <= {"cluster": value}.items()
    ]
    if not selecting:
        return EVERYBODY
    sources = [
        peer["source"] for spec in selecting for rule in spec["rules"] for peer in rule["from"]
    ]
    return EVERYBODY & {name for source in sources for name in source.get("namespaces") or ()}


def states(before: list[Policy], after: list[Policy]) -> Iterator[dict[PolicyKey, Policy]]:
    """All that may stand while the changes are written, those of a step in either order."""
    standing = {policy.key: policy for policy in before}
    steps = in_steps(diff(after, {policy.key: live(policy) for policy in before}))
    for step in steps:
        for order in itertools.permutations(step):
            now = dict(standing)
            for change in order:
                _carry_out(change, now)
                yield dict(now)
        for change in step:
            _carry_out(change, standing)


def _carry_out(change: Change, standing: dict[PolicyKey, Policy]) -> None:
    if isinstance(change, Delete):
        del standing[change.live.key]
    else:
        standing[change.policy.key] = change.policy


GRANTS = [
    None,
    *(
        {name: value for name, value in zip(("a", "b"), values, strict=True) if value}
        for values in itertools.product(("", WHOLE, "sonarr", "radarr"), repeat=2)
    ),
]


@pytest.mark.parametrize("catalogue", [EXCLUSIVE, GOVERNED], ids=["exclusive", "governed"])
def test_in_the_mesh_a_consumer_whose_value_changes_is_never_off_all_lists(
    catalogue: Catalogue,
) -> None:
    tried = 0
    for old, new in itertools.permutations(GRANTS, 2):
        before, after = lists(catalogue, old), lists(catalogue, new)
        for value in ("sonarr", "radarr", "lidarr"):
            both = let_in({policy.key: policy for policy in before}, value)
            both &= let_in({policy.key: policy for policy in after}, value)
            for standing in states(before, after):
                tried += 1
                assert both <= let_in(standing, value), (old, new, value)
    assert tried > 500


@pytest.mark.parametrize("catalogue", [EXCLUSIVE, GOVERNED], ids=["exclusive", "governed"])
@pytest.mark.parametrize("value", ["sonarr", "radarr", "lidarr"])
def test_in_the_mesh_each_part_lets_in_its_own_consumers_and_those_of_all(
    catalogue: Catalogue, value: str
) -> None:
    consumers = {"a": "sonarr", "b": "radarr", "dba": WHOLE}
    expected = {"dba"} | {name for name, own in consumers.items() if own == value}
    written = {policy.key: policy for policy in lists(catalogue, consumers)}
    assert let_in(written, value) == expected
