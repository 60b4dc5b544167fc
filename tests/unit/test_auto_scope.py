"""`defaultDeny: auto`: who keeps the cluster open, and which rules are the memory of its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homelab_netpol.cache.policies import PolicyCache
from homelab_netpol.intent import Intent
from homelab_netpol.policy.auto_scope import still_open
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.default_deny import namespaces_spared
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import read_live
from homelab_netpol.policy.plan import Planner
from homelab_netpol.policy.plan_clusterwide import PlatformNamespaces
from homelab_netpol.settings import DefaultDeny, parse_settings

EXISTS = {"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}
OFF = {"ingress": False, "egress": False}
SELECTED_BY_LABEL = {"key": "k8s:app", "operator": "In", "values": ["web"]}


@pytest.mark.parametrize(
    ("intent", "standing", "is_open"),
    [
        (None, (), True),
        (Intent("app"), (), True),
        (Intent("app", grants=("postgres",)), ("homelab-access-postgres",), True),
        (Intent("app", profile="isolated"), ("homelab-profile",), False),
        (Intent("app", profile="isolated"), (), True),
        (Intent("app", retained_profile="gone"), ("homelab-profile",), False),
        (Intent("app"), ("homelab-profile",), True),
        (Intent("app", hatch_open=True), ("homelab-escape-hatch",), False),
        (Intent("app", hatch_open=True), (), True),
        (Intent("app"), ("homelab-escape-hatch",), True),
        (Intent("app", platform=True), (), False),
    ],
)
def test_closed_is_the_platform_and_who_has_a_profile_or_an_open_hatch_in_force(
    intent: Intent | None, standing: tuple[str, ...], is_open: bool
) -> None:
    found = still_open(["app"], {"app": intent}.get, lambda key: key.name in standing)
    assert found == (["app"] if is_open else [])


NAMES = st.sampled_from(["a", "b", "c", "d"])
INTENTS = st.dictionaries(NAMES, st.tuples(st.booleans(), st.booleans(), st.booleans()))


@given(INTENTS, st.sets(NAMES), st.sets(NAMES))
def test_one_more_profile_in_force_never_opens_and_one_more_pod_never_closes(
    drawn: dict[str, tuple[bool, bool, bool]], with_pods: set[str], more: set[str]
) -> None:
    intents = {
        name: Intent(name, platform=platform, profile="isolated" if labelled else None)
        for name, (platform, labelled, _) in drawn.items()
    }

    def stands(key: Any) -> bool:
        return drawn[key.namespace][2]

    before = still_open(with_pods, intents.get, stands)
    assert set(before) <= with_pods
    assert set(before) <= set(still_open(with_pods | more, intents.get, stands))
    for name in with_pods:
        closed = {**intents, name: Intent(name, profile="isolated")}
        after = still_open(with_pods, closed.get, _stands_too(stands, name))
        assert set(after) <= set(before) - {name}


def _stands_too(stands: Callable[[Any], bool], name: str) -> Callable[[Any], bool]:
    return lambda key: key.namespace == name or stands(key)


@pytest.mark.parametrize(
    ("rules", "spared"),
    [
        ({"endpointSelector": {"matchExpressions": [EXISTS]}, "egress": [{}]}, set()),
        ({"endpointSelector": {"matchExpressions": [EXISTS]}, "enableDefaultDeny": OFF}, None),
        (
            {
                "endpointSelector": {
                    "matchExpressions": [
                        EXISTS,
                        {**EXISTS, "operator": "NotIn", "values": ["a", "b"]},
                    ]
                },
                "ingress": [{}],
            },
            {"a", "b"},
        ),
        (
            {
                "endpointSelector": {"matchExpressions": [EXISTS, SELECTED_BY_LABEL]},
                "ingress": [{}],
            },
            None,
        ),
        ({"endpointSelector": {"matchLabels": {"k8s:app": "web"}}, "ingress": [{}]}, None),
    ],
)
def test_the_rules_say_whether_a_baseline_closes_the_cluster(
    rules: dict[str, Any], spared: set[str] | None
) -> None:
    found = namespaces_spared({"spec": rules})
    assert found == (None if spared is None else frozenset(spared))


@pytest.mark.parametrize("scope", list(DefaultDeny))
def test_what_is_planned_for_a_scope_is_read_back_from_the_rules(scope: DefaultDeny) -> None:
    settings = parse_settings(f"{{defaultDeny: {scope}, platformNamespaces: [kube-system, '*-x']}}")
    others = PlatformNamespaces(["foo-x"])
    policies = Planner(Catalogue(settings)).clusterwide({}, others)
    closing = {spared for each in policies if (spared := namespaces_spared(each.body)) is not None}
    expected: dict[DefaultDeny, set[frozenset[str]]] = {
        DefaultDeny.LABELLED: set(),
        DefaultDeny.CLUSTER: {frozenset()},
    }
    assert closing == expected.get(scope, {frozenset({"kube-system", "foo-x"})})


def test_what_baselines_spare_is_what_those_that_stand_now_all_say() -> None:
    cache = PolicyCache()
    cache.observe(read_live(Kind.CCNP, _baseline("baseline-dns-egress", 1, ["a", "b"])))
    cache.observe(read_live(Kind.CCNP, _baseline("baseline-health-probes", 2, ["b"])))
    assert cache.spared() == {"b"}
    assert cache.is_spared("b")
    assert cache.is_closed_by_baselines("a")
    opened = _baseline("baseline-health-probes", 3, ["b"])
    opened["spec"]["enableDefaultDeny"] = OFF
    cache.observe(read_live(Kind.CCNP, opened))
    assert cache.is_spared("a")
    # Somebody else's copy, by a name that the operator never gives, says nothing.
    cache.observe(read_live(Kind.CCNP, _baseline("copied", 4, [])))
    assert cache.is_spared("a")
    last = read_live(Kind.CCNP, _baseline("baseline-dns-egress", 1, ["a", "b"]))
    cache.forget(last.key, 5)
    assert not cache.baselines_close()
    assert not cache.is_spared("a")


def _baseline(name: str, version: int, spared: list[str]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "homelab-netpol"}
    metadata = {"name": name, "uid": name, "resourceVersion": str(version), "labels": labels}
    outside = {**EXISTS, "operator": "NotIn", "values": spared}
    expressions = [EXISTS, *([outside] if spared else [])]
    spec = {"endpointSelector": {"matchExpressions": expressions}, "egress": [{}]}
    return {"metadata": metadata, "spec": spec}
