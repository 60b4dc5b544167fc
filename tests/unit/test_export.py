"""What the exports for other clusters say, and what they say that they leave out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest
import yaml

from homelab_netpol.definitions import Definitions, read_profile
from homelab_netpol.export import (
    Addresses,
    Effect,
    Exported,
    ExportError,
    calico_policies,
    network_policies,
)
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import DesiredState, desired_state
from homelab_netpol.policy.keys import Component, Kind, PolicyKey
from homelab_netpol.policy.objects import Policy
from homelab_netpol.settings import parse_settings

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
AROUND = Addresses((ip_network("10.42.0.0/16"), ip_network("10.43.0.0/16")))
D = "network-policy.homelab"
EXPORTS = [network_policies, calico_policies]
Export = Callable[..., Exported]


def state_of(
    profile: Mapping[str, Any] | None = None, settings: str = "{}", **labels: Mapping[str, str]
) -> DesiredState:
    """What the operator would do with some Namespaces, and a NetworkProfile `own`."""
    metadata = {"name": "own"}
    own = {"own": read_profile({"metadata": metadata, "spec": profile})} if profile else {}
    catalogue = Catalogue(parse_settings(settings), Definitions(own, {}))
    assert not catalogue.unusable
    namespaces = [{"metadata": {"name": n, "labels": dict(of)}} for n, of in labels.items()]
    return desired_state(catalogue, namespaces, NOON)


def export_of(export: Export, state: DesiredState, around: Addresses = AROUND) -> Exported:
    return export(state.policies, state.namespaces, around)


def one(made: Exported, namespace: str, name: str) -> Any:
    """The spec of an object."""
    [found] = [
        each.manifest["spec"]
        for each in made.objects
        if each.namespace == namespace and each.manifest["metadata"]["name"] == name
    ]
    return found


def test_a_profile_reads_as_a_person_would_write_it() -> None:
    made = export_of(network_policies, state_of(photos={f"{D}/profile": "internal-egress"}))
    spec = one(made, "photos", "homelab-profile")
    gateway = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-gateway"}},
        "podSelector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "internal"}},
    }
    world = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.42.0.0/16", "10.43.0.0/16"]}}
    assert spec["podSelector"] == {}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert {"from": [gateway], "ports": [{"protocol": "TCP"}]} in spec["ingress"]
    assert {"from": [{"podSelector": {}}]} in spec["ingress"]
    assert {"to": [world], "ports": [{"protocol": "TCP", "port": 443}]} in spec["egress"]


def test_calico_says_clusterwide_what_is_clusterwide() -> None:
    made = export_of(calico_policies, state_of(photos={f"{D}/profile": "isolated"}))
    spec = one(made, "", "baseline-dns-egress")
    assert spec["types"] == ["Egress"]
    assert "'kube-system'" in spec["namespaceSelector"]
    servers = {
        "namespaceSelector": "projectcalico.org/name == 'kube-system'",
        "selector": "projectcalico.org/orchestrator == 'k8s' && k8s-app == 'kube-dns'",
        "ports": [53],
    }
    assert spec["egress"] == [
        {"action": "Allow", "protocol": protocol, "destination": servers}
        for protocol in ("UDP", "TCP")
    ]


@pytest.mark.parametrize("export", EXPORTS)
def test_a_grant_in_a_platform_namespace_isolates_nobody_there(export: Export) -> None:
    state = state_of(database={}, photos={f"access.{D}/postgres": "true"})
    made = export_of(export, state)
    assert not [each for each in made.objects if each.namespace == "database"]
    additive = [each for each in made.unsaid if each.what.startswith("rules that allow without")]
    assert [each.effect for each in additive] == [Effect.NONE]
    assert "CiliumNetworkPolicy homelab-grant-postgres in database" in additive[0].policies


@pytest.mark.parametrize("export", EXPORTS)
def test_an_exclusive_target_isolates_its_own_pods_and_no_others(export: Export) -> None:
    resource = {"namespace": "database", "podLabels": {"app": "db"}, "ports": [{"port": 5432}]}
    settings = yaml.safe_dump({"sharedResources": {"db": {**resource, "target": "exclusive"}}})
    state = state_of(settings=settings, database={}, photos={f"access.{D}/db": "true"})
    made = export_of(export, state)
    here = [each.manifest["spec"] for each in made.objects if each.namespace == "database"]
    selected = [each.get("podSelector") or each.get("selector") for each in here]
    wanted = {"matchLabels": {"app": "db"}} if export is network_policies else "app == 'db'"
    assert selected
    assert all(each == wanted for each in selected)


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"toFQDNs": [{"matchName": "api.stripe.com"}]}, "DNS names"),
        ({"toEntities": ["kube-apiserver"]}, "--api-server"),
        ({"toEntities": ["host"]}, "entity host"),
        ({"toEntities": ["remote-node"]}, "entity remote-node"),
        ({"toCIDR": ["10.42.7.0/24"]}, "within the cluster's own network"),
        ({"toEndpoints": [{}], "icmps": [{"fields": [{"type": 8}]}]}, "ICMP"),
        (
            {
                "toEndpoints": [{"matchLabels": {"app": "web"}}],
                "toPorts": [
                    {
                        "ports": [{"port": "80", "protocol": "TCP"}],
                        "rules": {"http": [{"method": "GET"}]},
                    }
                ],
            },
            "requests",
        ),
        ({"toCIDRSet": [{"cidrGroupRef": "nas"}]}, "CIDR groups"),
        (
            {"toEndpoints": [{"matchLabels": {"io.cilium.k8s.policy.serviceaccount": "backup"}}]},
            "service account",
        ),
    ],
)
def test_what_cannot_be_said_is_left_out_and_said_to_be(
    export: Export, rule: Mapping[str, Any], what: str
) -> None:
    plain = export_of(export, state_of({"egress": []}, photos={f"{D}/profile": "own"}))
    made = export_of(export, state_of({"egress": [rule]}, photos={f"{D}/profile": "own"}))
    assert any(
        what in each.what
        and each.effect is Effect.NARROWER
        and "CiliumNetworkPolicy homelab-profile in photos" in each.policies
        for each in made.unsaid
    )
    assert made.is_narrower
    spec, before = (one(each, "photos", "homelab-profile") for each in (made, plain))
    assert spec["egress"] == before["egress"]


@pytest.mark.parametrize("export", EXPORTS)
def test_addresses_of_a_family_that_the_cluster_does_not_use_are_left_out(export: Export) -> None:
    made = export_of(export, state_of(photos={f"{D}/profile": "internal-egress"}))
    families = [each for each in made.unsaid if "IPv" in each.what]
    assert [(each.effect, "IPv6" in each.what) for each in families] == [(Effect.NONE, True)]
    none = export_of(export, state_of(photos={f"{D}/profile": "internal-egress"}), Addresses())
    assert [e.effect for e in none.unsaid if "--cluster-cidr" in e.what] == [Effect.NARROWER] * 2


@pytest.mark.parametrize("export", EXPORTS)
def test_what_counts_as_outside_for_want_of_a_word_is_said(export: Export) -> None:
    made = export_of(export, state_of(photos={f"{D}/profile": "internal-egress"}))
    [said] = [each for each in made.unsaid if each.effect is Effect.WIDER]
    assert said.policies == ("CiliumNetworkPolicy homelab-profile in photos",)
    inside = export_of(export, state_of(photos={f"{D}/profile": "isolated"}))
    assert not [each for each in inside.unsaid if each.effect is Effect.WIDER]


@pytest.mark.parametrize("export", EXPORTS)
def test_a_lookup_through_cilium_s_proxy_that_lets_all_names_through_is_an_ordinary_one(
    export: Export,
) -> None:
    labels = {f"{D}/profile": "isolated"}
    proxied = export_of(export, state_of(settings="{dns: {proxy: true}}", photos=labels))
    plain = export_of(export, state_of(photos=labels))
    assert [each.manifest for each in proxied.objects] == [each.manifest for each in plain.objects]


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize(
    "body",
    [
        {"ingressDeny": [{"fromEntities": ["world"]}]},
        {
            "endpointSelector": {"matchLabels": {"io.cilium.k8s.policy.serviceaccount": "x"}},
            "ingress": [{"fromEntities": ["host"]}],
        },
    ],
)
def test_what_would_be_wider_without_its_unsayable_part_is_refused(
    export: Export, body: Mapping[str, Any]
) -> None:
    spec = {"endpointSelector": {}, **body}
    key = PolicyKey(Kind.CNP, "photos", "homelab-profile")
    policy = Policy(key, Component.PROFILE, {}, {"spec": spec}, "")
    with pytest.raises(ExportError, match="homelab-profile in photos"):
        export([policy], {"photos": {}}, AROUND)


@pytest.mark.parametrize("export", EXPORTS)
def test_an_open_hatch_opens_everything(export: Export) -> None:
    labels = {f"{D}/profile": "isolated", f"{D}/enforcement": "disabled"}
    spec = one(export_of(export, state_of(photos=labels)), "photos", "homelab-escape-hatch")
    anything: Any = [{}] if export is network_policies else [{"action": "Allow"}]
    assert spec["ingress"] == spec["egress"] == anything


@pytest.mark.parametrize("export", EXPORTS)
def test_no_exported_object_counts_as_managed_and_each_has_a_name_of_its_own(
    export: Export,
) -> None:
    made = export_of(export, rich())
    keys = [
        (each.manifest["kind"], each.namespace, each.manifest["metadata"]["name"])
        for each in made.objects
    ]
    assert len(set(keys)) == len(keys)
    assert not any(
        "app.kubernetes.io/managed-by" in each.manifest["metadata"]["labels"]
        for each in made.objects
    )


def rich() -> DesiredState:
    """A bit of everything."""
    return state_of(
        {"egress": [{"toPorts": [{"ports": [{"port": "http"}]}], "toEndpoints": [{}]}]},
        settings="{mesh: {}, defaultDeny: cluster}",
        photos={f"{D}/profile": "standard", f"access.{D}/postgres": "true"},
        shop={f"{D}/profile": "own", f"access.{D}/kube-api": "true"},
        night={f"{D}/profile": "isolated", "istio.io/dataplane-mode": "ambient"},
        open={f"{D}/enforcement": "disabled"},
        database={},
        cache={},
    )


_RULE = {"action", "protocol", "source", "destination"}
_SOURCE = {"nets", "notNets", "selector", "namespaceSelector"}
_PORT = re.compile(r"[a-z0-9-]+|[0-9]+:[0-9]+")


def test_calico_would_take_every_object() -> None:
    rules = list(_calico_rules(export_of(calico_policies, rich())))
    assert len(rules) > 30
    for rule in rules:
        assert rule.keys() <= _RULE
        assert rule["action"] == "Allow"
        assert rule.get("source", {}).keys() <= _SOURCE
        assert rule.get("destination", {}).keys() <= _SOURCE | {"ports"}
        ports = rule.get("destination", {}).get("ports", ())
        for entity in (rule.get("source", {}), rule.get("destination", {})):
            # Without it, the addresses of NetworkSets would be selected as well.
            assert "orchestrator == 'k8s'" in entity.get("selector", "orchestrator == 'k8s'")
            assert "namespaceSelector" not in entity or "selector" in entity
        # Ports go with a protocol that has them only.
        assert not ports or rule["protocol"] in ("TCP", "UDP", "SCTP")
        for port in ports:
            assert (isinstance(port, int) and 0 < port < 65536) or _PORT.fullmatch(port)


def _calico_rules(made: Exported) -> Iterator[Mapping[str, Any]]:
    for each in made.objects:
        kind, spec = each.manifest["kind"], each.manifest["spec"]
        assert each.manifest["apiVersion"] == "projectcalico.org/v3"
        assert kind == ("NetworkPolicy" if each.namespace else "GlobalNetworkPolicy")
        clusterwide = {"namespaceSelector"} if kind == "GlobalNetworkPolicy" else set()
        assert spec.keys() <= {"selector", "types", "ingress", "egress", *clusterwide}
        assert clusterwide <= spec.keys(), "nodes would be selected"
        assert {each.title() for each in ("ingress", "egress") if each in spec} == set(
            spec["types"]
        )
        yield from (*spec.get("ingress", ()), *spec.get("egress", ()))
