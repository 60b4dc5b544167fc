"""Inputs from public reports that were judged wrongly once, by their names, in Cilium's engine."""

from __future__ import annotations

import pytest

from homelab_netpol.settings import Settings, parse_settings
from lab.control_plane import Engine, Identity
from tests.truth.written import allows, enforce, verdict

_OWN_GATEWAY = {"gateway.networking.k8s.io/gateway-name": "internal"}


@pytest.mark.parametrize("node", ["remote-node", "kube-apiserver"])
def test_f1_a_client_of_the_home_network_does_not_reach_an_isolated_pod_by_another_node(
    node: str, engine: Engine
) -> None:
    namespaces = {
        "jobs": {"profile": "isolated"},
        "web": {"profile": "standard"},
        "bare": {},
        "hooks": {"profile": "isolated", "webhooks": "allow"},
    }
    ends = {"client": Identity.entity(node), "health": Identity.entity("health")}
    enforce(engine, Settings(), namespaces, ends)
    for app in ("jobs", "web", "bare"):
        assert not allows(engine, "client", app, 8080)
        assert allows(engine, "health", app, 8080), "probes go on"
    assert allows(engine, "client", "hooks", 8080) is (node == "kube-apiserver")


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
@pytest.mark.parametrize(
    "resolver",
    [Identity.address("169.254.20.10/32"), Identity.entity("host")],
    ids=["world", "host"],
)
def test_f2_nodelocal_dns_answers_every_pod_and_names_work_with_it(
    resolver: Identity, protocol: str, engine: Engine
) -> None:
    servers = "dns: {servers: [{cidrs: [169.254.20.10/32]}, {entities: [host]}]}"
    stripe = "{fqdns: [{matchName: api.stripe.com}], ports: [{port: 443}]}"
    settings = parse_settings(f"{servers}\nsharedResources: {{stripe: {stripe}}}")
    namespaces = {
        "jobs": {"profile": "isolated"},
        "bare": {},
        "shop": {"profile": "internal", "access/stripe": "true"},
    }
    ends = {"resolver": resolver, "stripe": Identity.dns_name("api.stripe.com")}
    enforce(engine, settings, namespaces, ends)
    for app in namespaces:
        assert allows(engine, app, "resolver", 53, protocol)
    assert allows(engine, "shop", "stripe", 443)
    # What a name means Cilium learns from the answers, if the lookup goes through its proxy.
    assert verdict(engine, "shop", "resolver", 53, protocol).egress_proxy == "dns"
    assert verdict(engine, "jobs", "resolver", 53, protocol).egress_proxy == ""


def test_f3_ciliums_own_gateway_reaches_apps_and_gateway_ports_hold_for_it(engine: Engine) -> None:
    ingress = "[{entities: [ingress]}]"
    settings = parse_settings(f"gateways: {{internal: {ingress}, external: {ingress}}}")
    namespaces = {
        "web": {"profile": "standard"},
        "narrow": {"profile": "standard", "gateway-ports": "8080"},
        "jobs": {"profile": "isolated"},
    }
    enforce(engine, settings, namespaces, {"gateway": Identity.entity("ingress")})
    assert allows(engine, "gateway", "web", 8080)
    assert allows(engine, "gateway", "narrow", 8080)
    assert not allows(engine, "gateway", "narrow", 9090)
    assert not allows(engine, "gateway", "jobs", 8080)


@pytest.mark.parametrize(
    ("ports", "port"), [("", 443), ("gateways: {ports: [{port: 10443}]}", 10443)]
)
def test_f4_one_word_opens_the_way_to_the_own_public_name(
    ports: str, port: int, engine: Engine
) -> None:
    namespaces = {
        "app": {"profile": "internal-egress"},
        "sso": {"profile": "internal-egress", "access/gateway": "true"},
        "istio-gateway": {},
    }
    ends = {"gateway": Identity.pod("istio-gateway", _OWN_GATEWAY)}
    enforce(engine, parse_settings(ports), namespaces, ends)
    assert not allows(engine, "app", "gateway", port)
    assert allows(engine, "sso", "gateway", port)
    assert not allows(engine, "sso", "gateway", 15021), "a port that it does not serve on"
