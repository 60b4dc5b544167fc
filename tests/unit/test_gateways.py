"""Which gateways are meant, where several are of one kind or one is of both."""

from __future__ import annotations

import pytest

from homelab_netpol.definitions import Definitions, read_profile
from homelab_netpol.intent import GATEWAYS, Intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Scope, WorkKey
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import parse_settings

SETTINGS = """
gateways:
  internal: [{namespace: lan, podLabels: {app: envoy}}, {namespace: tunnel, podLabels: {app: d}}]
  external: [{namespace: edge, podLabels: {app: envoy}}, {entities: [ingress]}]
"""
SHARED = SETTINGS.replace("internal: [", "internal: [{entities: [ingress]}, ")
NAMESPACE = "k8s:io.kubernetes.pod.namespace"


def served(settings: str, profile: str, rule: dict[str, object] | None = None) -> set[str]:
    """The namespaces of the gateways that may call a meshed namespace through the tunnel."""
    spec = {"ingress": [rule] if rule else []}
    own = read_profile({"metadata": {"name": "own"}, "spec": spec})
    catalogue = Catalogue(parse_settings(settings), Definitions({"own": own}, {}))
    gateways = Planner(catalogue).gateways
    intent = Intent("app", profile=profile, meshed=True)
    found = set[str]()
    for which in GATEWAYS:
        key = WorkKey(Scope.GATEWAY, which)
        value = gateways.consumes(key, intent)
        consumers = {} if value is None else {"app": value}
        policies = gateways.beside(key, consumers, lambda _: True, lambda _: True)
        found |= {policy.key.namespace for policy in policies}
    return found


@pytest.mark.parametrize("settings", [SETTINGS, SHARED], ids=["apart", "one of both kinds"])
def test_a_profile_is_served_by_the_pods_of_its_own_kind_of_gateways(settings: str) -> None:
    assert served(settings, "isolated") == set()
    assert served(settings, "internal") == {"lan", "tunnel"}
    assert served(settings, "standard") == {"lan", "tunnel", "edge"}


def test_a_rule_that_names_one_gateway_names_none_of_the_others() -> None:
    pods = {"matchLabels": {NAMESPACE: "tunnel", "k8s:app": "d"}}
    assert served(SHARED, "own", {"fromEndpoints": [pods]}) == {"tunnel"}
    assert served(SHARED, "own", {"fromEntities": ["ingress"]}) == set()


def test_without_gateways_nothing_is_served() -> None:
    assert served("gateways: {internal: [], external: []}", "standard") == set()
