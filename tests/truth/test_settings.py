"""Settings that change who may talk to whom, judged by Cilium's engine on what is rendered."""

from __future__ import annotations

from datetime import UTC, datetime

from homelab_netpol.intent import LastGood, NamespaceFacts, read_intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.objects import Policy, as_object
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Flow, Identity

DOMAIN = "network-policy.homelab"
PROMETHEUS = "{namespace: monitoring, podLabels: {app.kubernetes.io/name: prometheus}"
AMBIENT = {"istio.io/dataplane-mode": "ambient"}

# Namespaces by name: their labels. All but the last two are in the mesh.
HOMELAB: dict[str, dict[str, str]] = {
    "jobs": {f"{DOMAIN}/profile": "isolated", **AMBIENT},
    "shop": {f"{DOMAIN}/profile": "standard", **AMBIENT},
    "auth": AMBIENT,
    "guest": {f"access.{DOMAIN}/ldap": "true"},
    "stranger": {},
}


def world(engine: Engine, settings: str) -> None:
    """Gives the engine a pod in each namespace, and what the operator would write for them."""
    catalogue = Catalogue(parse_settings(settings))
    planner, words = Planner(catalogue), catalogue.vocabulary
    policies: list[Policy] = planner.clusterwide({})

    def is_meshed(name: str) -> bool:
        return HOMELAB.get(name, {}).items() >= AMBIENT.items()

    consumers: dict[str, dict[str, str]] = {name: {} for name in words.resources}
    for name, labels in HOMELAB.items():
        intent = read_intent(NamespaceFacts(name, labels), LastGood(), words, datetime.now(UTC))
        policies += planner.namespace(intent, is_meshed).policies
        for resource in intent.grants:
            consumers[resource][name] = intent.grant_values.get(resource, "true")
    for resource, names in consumers.items():
        target = planner.target(resource, names, is_meshed)
        policies += [target] if target is not None else []

    pods = {name: Identity.pod(name, {}, labels) for name, labels in HOMELAB.items()}
    labels = {"app.kubernetes.io/name": "prometheus"}
    others = {
        "prometheus": Identity.pod("monitoring", labels, {}),
        "prometheus in the mesh": Identity.pod("monitoring", labels, AMBIENT),
        "host": Identity.entity("host"),
    }
    engine.identities({**pods, **others})
    assert engine.policies([as_object(policy) for policy in policies]) == []


def allowed(engine: Engine, source: str, target: str, port: int) -> bool:
    [verdict] = engine.verdicts([Flow(source, target, port)])
    return verdict.allowed


def test_by_default_the_tunnel_is_closed_where_nothing_connects(engine: Engine) -> None:
    world(engine, "")
    assert not allowed(engine, "jobs", "shop", 15008)
    assert not allowed(engine, "shop", "jobs", 15008)


def test_with_hbone_cluster_every_peer_may_use_the_tunnel_with_a_meshed_namespace(
    engine: Engine,
) -> None:
    world(engine, "mesh: {hbone: cluster}")
    assert allowed(engine, "jobs", "shop", 15008)
    assert allowed(engine, "shop", "jobs", 15008)
    assert not allowed(engine, "jobs", "shop", 8080), "the tunnel's port, and no other"
    assert not allowed(engine, "stranger", "guest", 15008), "neither is in the mesh"


def test_an_exclusive_resource_lets_in_whom_it_is_granted_to_and_nobody_else(
    engine: Engine,
) -> None:
    ldap = "ldap: {namespace: auth, ports: [{port: 636}], target: exclusive}"
    # `auth` is a platform namespace here: without the grant's policy nothing would deny there.
    settings = f"platformNamespaces: [auth]\nsharedResources: {{{ldap}}}"
    world(engine, settings)
    assert allowed(engine, "guest", "auth", 636)
    assert not allowed(engine, "guest", "auth", 389)
    assert not allowed(engine, "stranger", "auth", 636)
    assert allowed(engine, "host", "auth", 636)
    world(engine, settings.replace("exclusive", "additive"))
    [verdict] = engine.verdicts([Flow("stranger", "auth", 636)])
    assert verdict.ingress == "allowed", "additive: denies nobody"


def test_listed_ports_narrow_prometheus_and_leave_it_the_tunnel(engine: Engine) -> None:
    world(engine, f"scrapers: [{PROMETHEUS}, ports: [9090]}}]")
    assert allowed(engine, "prometheus", "guest", 9090)
    assert not allowed(engine, "prometheus", "guest", 8080)
    assert not allowed(engine, "prometheus in the mesh", "guest", 15008)
    assert allowed(engine, "prometheus in the mesh", "shop", 15008)
    assert not allowed(engine, "prometheus", "shop", 15008), "it has no use for the tunnel"
