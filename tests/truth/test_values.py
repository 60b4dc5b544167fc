"""Grants with a value, and networks with parts left out, judged by Cilium's engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Flow, Identity

DOMAIN = "network-policy.homelab"
POSTGRES = f"access.{DOMAIN}/postgres"
AMBIENT = {"istio.io/dataplane-mode": "ambient"}
# One operator's databases, each with two pods, beside a pod of something else.
INSTANCES = {
    f"{name}-{number}": {"cnpg.io/podRole": "instance", "cnpg.io/cluster": name}
    for name in ("sonarr", "radarr")
    for number in (1, 2)
}
PODS = {**INSTANCES, "backup": {"app": "backup", "cnpg.io/cluster": "sonarr"}}
APPS = {
    "sonarr": {POSTGRES: "sonarr"},
    "radarr": {POSTGRES: "radarr"},
    "nobody": {POSTGRES: "lidarr"},
    "mistyped": {POSTGRES: "not_one.of-them"},
    "dba": {POSTGRES: "true"},
    "revoked": {POSTGRES: "false"},
    "stranger": {},
    "hatched": {f"{DOMAIN}/enforcement": "disabled"},
    "both": {POSTGRES: "sonarr", f"{DOMAIN}/enforcement": "disabled"},
}
RESOURCE = {
    "namespace": "database",
    "podLabels": {"cnpg.io/podRole": "instance"},
    "valueLabel": "cnpg.io/cluster",
    "ports": [{"port": 5432}],
}
ALL = set(INSTANCES)


def enforce(engine: Engine, resource: dict[str, Any], *, meshed: bool = False) -> None:
    """Gives the engine all pods, and what the operator writes for a resource `postgres`."""
    mesh = AMBIENT if meshed else {}
    labels = {**{name: {**own, **mesh} for name, own in APPS.items()}, "database": mesh}
    catalogue = Catalogue(
        parse_settings(
            f"{{platformNamespaces: [database], sharedResources: {{postgres: {resource!r}}}}}"
        )
    )
    namespaces = [{"metadata": {"name": name, "labels": own}} for name, own in labels.items()]
    ends = {name: Identity.pod(name, {}, labels[name]) for name in APPS}
    ends |= {f"pg-{pod}": Identity.pod("database", own, mesh) for pod, own in PODS.items()}
    engine.identities(ends)
    assert (
        engine.policies(desired_state(catalogue, namespaces, datetime.now(UTC)).cilium_objects)
        == []
    )


def reached(engine: Engine, app: str, half: str, port: int = 5432) -> set[str]:
    """The database's pods that one half of a flow from an app lets through to."""
    flows = {pod: Flow(app, f"pg-{pod}", port) for pod in PODS}
    verdicts = engine.verdicts(list(flows.values()))
    return {
        pod
        for pod, verdict in zip(flows, verdicts, strict=True)
        if getattr(verdict, half) == "allowed"
    }


def of(name: str) -> set[str]:
    return {pod for pod in INSTANCES if pod.startswith(name)}


@pytest.mark.parametrize("meshed", [False, True])
def test_a_value_grants_the_pods_that_have_it_and_true_all_of_them(
    engine: Engine, meshed: bool
) -> None:
    enforce(engine, {**RESOURCE, "target": "exclusive"}, meshed=meshed)
    granted = {"sonarr": of("sonarr"), "radarr": of("radarr"), "dba": ALL}
    for port in (5432, 15008) if meshed else (5432,):
        for app in APPS:
            out = granted.get(app, set()) if app not in ("hatched", "both") else set(PODS)
            into = granted.get(app, set()) if app not in ("hatched", "both") else ALL
            assert reached(engine, app, "egress", port) == out, (app, port)
            # The pod that is none of the resource's is open to all, as its owner has it.
            assert reached(engine, app, "ingress", port) == {*into, "backup"}, (app, port)
    assert reached(engine, "sonarr", "ingress", 9187) == {"backup"}, "exclusive, on every port"


def test_an_additive_resource_denies_nobody_whatever_the_values(engine: Engine) -> None:
    enforce(engine, RESOURCE)
    for app in APPS:
        assert reached(engine, app, "ingress") == set(PODS), app
    assert reached(engine, "sonarr", "egress") == of("sonarr")


def test_a_resource_may_refuse_true_and_lets_in_hatched_namespaces_all_the_same(
    engine: Engine,
) -> None:
    enforce(engine, {**RESOURCE, "target": "exclusive", "allowAll": False})
    assert reached(engine, "dba", "egress") == set()
    assert reached(engine, "dba", "ingress") == {"backup"}
    assert reached(engine, "sonarr", "ingress") == {*of("sonarr"), "backup"}
    assert reached(engine, "hatched", "ingress") == set(PODS)


def test_what_is_left_out_of_a_network_is_denied_unless_another_network_has_it(
    engine: Engine,
) -> None:
    resource = {
        "cidrs": ["10.1.2.0/24"],
        "cidrSets": [
            {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]},
            {"cidr": "fd00::/8", "except": ["fd00:1::/32"]},
        ],
        "ports": [{"port": 443}],
    }
    catalogue = Catalogue(parse_settings(f"{{sharedResources: {{postgres: {resource!r}}}}}"))
    namespace = {"metadata": {"name": "dba", "labels": APPS["dba"]}}
    addresses = {
        "10.9.9.9/32": True,
        "10.1.9.9/32": False,
        "10.1.2.3/32": True,
        "10.2.0.1/32": False,
        "192.0.2.1/32": False,
        "fd00:2::1/128": True,
        "fd00:1::1/128": False,
    }
    engine.identities(
        {"dba": Identity.pod("dba", {}, APPS["dba"])}
        | {cidr: Identity.address(cidr) for cidr in addresses}
    )
    assert (
        engine.policies(desired_state(catalogue, [namespace], datetime.now(UTC)).cilium_objects)
        == []
    )
    flows = [Flow("dba", cidr, 443) for cidr in addresses]
    found = {
        flow.target: verdict.allowed
        for flow, verdict in zip(flows, engine.verdicts(flows), strict=True)
    }
    assert found == addresses
