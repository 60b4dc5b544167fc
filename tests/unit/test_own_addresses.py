"""An own address in `cidrs`, or an own name in `fqdns`, is told with what to write instead."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from homelab_netpol.cluster.public_names import PublicName
from homelab_netpol.cluster.services import ObservedService, read_service
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings import check_own_addresses
from homelab_netpol.findings.front_door import FrontDoor
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.own_addresses import OwnEnds, leads_home, of_resource, of_rule
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import SharedResource, parse_settings
from tests.inspected import DOMAIN, Cluster
from tests.unit.hand_made import ports

AT_443 = [{"port": 443}]


def gateway_service(**more: Any) -> ObservedService:
    """The LoadBalancer of a gateway, on 443 and behind it 10443."""
    spec = {
        "type": "LoadBalancer",
        "clusterIPs": ["10.96.0.9", "fd00:96::9"],
        "selector": {"gateway.networking.k8s.io/gateway-name": "internal"},
        "ports": [{"port": 443, "protocol": "TCP", "targetPort": 10443}],
        **more.pop("spec", {}),
    }
    status = {"loadBalancer": {"ingress": [{"ip": "192.168.1.50"}, {"ip": "fd00:1::50"}]}}
    metadata = {"name": "internal", "namespace": "istio-gateway", **more.pop("metadata", {})}
    return read_service({"metadata": metadata, "spec": spec, "status": status, **more})


def own(*services: ObservedService, names: tuple[PublicName, ...] = ()) -> OwnEnds:
    found = OwnEnds(names)
    for service in services:
        found.add(service)
    return found


def resource(**spec: Any) -> SharedResource:
    return SharedResource.model_validate({"ports": AT_443, **spec})


def told(*cidrs: str, services: tuple[ObservedService, ...] = (), **more: Any) -> str | None:
    known = own(*(services or (gateway_service(),)))
    return leads_home(of_resource("idp", resource(cidrs=list(cidrs), **more)), known)


@pytest.mark.parametrize(
    "cidr", ["192.168.1.50/32", "fd00:1::50/128", "10.96.0.9/32", "fd00:96::9/128"]
)
def test_an_own_address_is_told_with_its_service_and_the_pods_port(cidr: str) -> None:
    text = told(cidr)
    assert text is not None
    assert f"opens nothing for {cidr}" in text
    assert "the Service internal in istio-gateway" in text
    assert "namespace: istio-gateway" in text
    assert "gateway.networking.k8s.io/gateway-name=internal" in text
    assert "TCP 10443" in text


def test_an_external_address_counts_too() -> None:
    spec = {"type": "ClusterIP", "externalIPs": ["203.0.113.9"]}
    assert told("203.0.113.9/32", services=(gateway_service(spec=spec),)) is not None


@pytest.mark.parametrize("cidr", ["192.168.1.0/24", "10.0.0.0/8", "0.0.0.0/0", "192.168.1.51/32"])
def test_a_network_with_anything_else_in_it_is_not_told(cidr: str) -> None:
    assert told(cidr) is None


def test_a_network_of_nothing_but_own_addresses_is_told() -> None:
    spec = {"externalIPs": ["192.168.1.51"]}
    both = (gateway_service(spec=spec),)
    assert told("192.168.1.50/31", services=both) is not None
    assert told("192.168.1.48/30", services=both) is None


def test_another_port_or_protocol_is_not_translated() -> None:
    assert told("192.168.1.50/32", ports=[{"port": 22}]) is None
    assert told("192.168.1.50/32", ports=[{"port": 443, "protocol": "UDP"}]) is None
    assert told("192.168.1.50/32", ports=[{"port": 400, "endPort": 500}]) is not None


def test_a_load_balancer_that_wants_to_see_the_traffic_is_left_to_it() -> None:
    ingress = [{"ip": "192.168.1.50", "ipMode": "Proxy"}]
    passed = gateway_service(status={"loadBalancer": {"ingress": ingress}})
    assert told("192.168.1.50/32", services=(passed,)) is None


def test_ciliums_own_gateway_and_external_names_have_no_pods_behind() -> None:
    labels = {"io.cilium.gateway/owning-gateway": "own"}
    assert gateway_service(metadata={"labels": labels}).addresses(outside=True) == ()
    assert gateway_service(spec={"type": "ExternalName"}).addresses(outside=True) == ()


def test_what_has_no_selector_needs_other_words() -> None:
    spec = {"selector": None}
    api = gateway_service(metadata={"name": "kubernetes", "namespace": "default"}, spec=spec)
    assert "entity kube-apiserver" in (told("10.96.0.9/32", services=(api,)) or "")
    nas = gateway_service(spec=spec)
    assert "EndpointSlices" in (told("10.96.0.9/32", services=(nas,)) or "")


AUTH = PublicName(
    "auth.example.org",
    "HTTPRoute auth in idp",
    frozenset({443}),
    gateway=("istio-gateway", "internal"),
)


def named(name: PublicName = AUTH, **target: str) -> str | None:
    asked = resource(fqdns=[target or {"matchName": "auth.example.org"}])
    return leads_home(of_resource("idp", asked), own(gateway_service(), names=(name,)))


def test_an_own_name_is_told_with_who_says_it_and_the_gateways_pods() -> None:
    text = named()
    assert text is not None
    assert "opens nothing for auth.example.org" in text
    assert "HTTPRoute auth in idp" in text
    assert "namespace: istio-gateway" in text
    assert "gateway.networking.k8s.io/gateway-name=internal" in text


def test_a_pattern_that_means_it_is_told_and_the_widest_are_not() -> None:
    assert named(matchPattern="*.example.org") is not None
    assert named(matchPattern="auth.*.org") is not None
    assert named(matchPattern="*.example.com") is None
    assert named(matchPattern="*") is None
    assert named(matchPattern="*.org") is None


def test_a_name_by_a_wildcard_is_told_for_the_same_pattern_only() -> None:
    wild = PublicName("*.example.org", "Gateway internal in istio-gateway")
    assert named(wild, matchPattern="*.example.org") is not None
    assert named(wild, matchName="auth.example.org") is None


def test_a_name_that_leads_elsewhere_is_not_told() -> None:
    def leading(*addresses: str) -> PublicName:
        return PublicName(
            AUTH.name, AUTH.said_by, leads_to=frozenset(ip_address(each) for each in addresses)
        )

    assert named(leading("203.0.113.80")) is None
    assert named(leading()) is None
    assert named(leading("192.168.1.50")) is not None
    assert named(leading("203.0.113.80", "fd00:1::50")) is not None


def test_a_port_that_the_gateway_does_not_serve_is_not_told() -> None:
    other = PublicName("auth.example.org", "Gateway ssh in git", frozenset({22}))
    assert named(other) is None


def test_external_dns_names_a_service_unless_it_publishes_another_target() -> None:
    key = "external-dns.alpha.kubernetes.io"
    name = {f"{key}/hostname": "Plex.Example.org., media.example.org"}
    both = ("plex.example.org", "media.example.org")
    assert gateway_service(metadata={"annotations": name}).names == both
    elsewhere = {**name, f"{key}/target": "tunnel.example.net"}
    assert gateway_service(metadata={"annotations": elsewhere}).names == ()
    inside = gateway_service(metadata={"annotations": name}, spec={"type": "ClusterIP"})
    assert inside.names == ()


def test_a_load_balancer_that_has_only_a_name_is_somebody_elses() -> None:
    ingress = [{"hostname": "abc.elb.example.net"}]
    key = "external-dns.alpha.kubernetes.io/hostname"
    cloud = gateway_service(
        metadata={"annotations": {key: "app.example.org"}},
        status={"loadBalancer": {"ingress": ingress}},
    )
    assert cloud.names == ()


GRANT = "access.network-policy.homelab/gateway"


def at_the_door(
    settings: str = "", *, name: PublicName = AUTH, service: ObservedService | None = None
) -> str:
    """What is told of `auth.example.org` where the settings say who the gateways are."""
    asked = resource(fqdns=[{"matchName": "auth.example.org"}])
    door = FrontDoor(parse_settings(settings).gateways, GRANT)
    known = own(service or gateway_service(), names=(name,))
    return leads_home(of_resource("idp", asked), known, door) or ""


def at(*addresses: str, gateway: tuple[str, str] | None = None) -> PublicName:
    found = frozenset(ip_address(each) for each in addresses)
    return PublicName(AUTH.name, "Ingress auth in idp", leads_to=found, gateway=gateway)


def test_f4_an_own_name_that_a_gateway_answers_leads_to_the_grant() -> None:
    text = at_the_door()
    assert f"label the Namespace {GRANT}=internal" in text
    assert "podLabels" not in text, "one way, and that is the shorter one"


def test_f4_the_service_at_its_address_says_which_gateway_and_which_port() -> None:
    text = at_the_door(name=at("192.168.1.50"))
    assert f"{GRANT}=internal" in text
    assert "TCP 10443 in the setting gateways.ports" in text
    assert "gateways.ports" not in at_the_door(
        "gateways: {ports: [{port: 10443}]}", name=at("192.168.1.50")
    )


def test_f4_a_gateway_for_both_is_granted_as_both() -> None:
    one = "[{namespace: edge, podLabels: {app.kubernetes.io/name: traefik}}]"
    labels = {"app.kubernetes.io/name": "traefik", "app.kubernetes.io/instance": "traefik-edge"}
    service = gateway_service(
        metadata={"name": "traefik", "namespace": "edge"}, spec={"selector": labels}
    )
    text = at_the_door(
        f"gateways: {{internal: {one}, external: {one}}}", name=at("192.168.1.50"), service=service
    )
    assert f"{GRANT}=true" in text


def test_what_is_no_gateway_of_the_settings_leads_to_its_pods() -> None:
    elsewhere = "gateways: {internal: [{entities: [ingress]}], external: []}"
    text = at_the_door(elsewhere)
    assert GRANT not in text
    assert "namespace: istio-gateway" in text


@pytest.mark.parametrize("cidr", ["192.168.1.50/32", "10.96.0.9/32"])
def test_f4_an_address_of_a_gateway_leads_to_the_grant(cidr: str) -> None:
    asked = of_resource("idp", resource(cidrs=[cidr]))
    door = FrontDoor(parse_settings("").gateways, GRANT)
    text = leads_home(asked, own(gateway_service()), door) or ""
    assert "that is the Service internal in istio-gateway" in text
    assert f"{GRANT}=internal" in text


@pytest.mark.parametrize("taken", [False, True])
def test_f4_the_event_names_the_grant_unless_a_shared_resource_has_its_name(taken: bool) -> None:
    own_address = "{cidrs: [192.168.1.50/32], ports: [{port: 443}]}"
    others = "gateway: {namespace: edge, ports: [{port: 443}]}" if taken else ""
    settings = parse_settings(f"sharedResources: {{idp: {own_address}, {others}}}")
    labels = {f"access.{DOMAIN}/idp": "true"}
    seen = Snapshot(services={"istio-gateway": [gateway_service()]})
    [found] = Cluster({"app": labels}, Catalogue(settings)).inspected(
        seen, (Inspection.sort, check_own_addresses.check)
    )
    assert (GRANT in found.message) is not taken


def test_only_the_names_that_are_asked_for_are_wanted() -> None:
    asked = of_resource("idp", resource(fqdns=[{"matchName": "Auth.example.org"}]))
    assert asked.means("auth.example.org")
    assert not asked.means("git.example.org")


@pytest.mark.parametrize(
    "name", ["internal.istio-gateway.svc.cluster.local", "internal.istio-gateway.svc"]
)
def test_a_name_within_the_cluster_is_its_service(name: str) -> None:
    asked = of_resource("idp", resource(fqdns=[{"matchName": name}]))
    text = leads_home(asked, own(gateway_service()))
    assert text is not None
    assert "the Service internal in istio-gateway" in text
    headless = gateway_service(spec={"clusterIPs": ["None"], "type": "ClusterIP"})
    assert "TCP 443" in (leads_home(asked, own(headless)) or "")


def test_a_name_within_the_cluster_that_leads_outside_is_not_told() -> None:
    name = "internal.istio-gateway.svc.cluster.local"
    asked = of_resource("idp", resource(fqdns=[{"matchName": name}]))
    assert leads_home(asked, own(gateway_service(spec={"type": "ExternalName"}))) is None
    assert leads_home(asked, own()) is None


@pytest.mark.parametrize(
    "peers",
    [
        {"toCIDR": ["192.168.1.50/32"]},
        {"toCIDRSet": [{"cidr": "fd00:1::50/128"}]},
        {"toFQDNs": [{"matchName": "auth.example.org"}]},
    ],
)
@pytest.mark.parametrize("limited", [True, False])
def test_a_rule_of_a_profile_is_told_likewise(peers: dict[str, Any], limited: bool) -> None:
    rule = {**peers, **({"toPorts": ports(443)} if limited else {})}
    text = leads_home(of_rule("web", rule), own(gateway_service(), names=(AUTH,)))
    assert text is not None
    assert "The NetworkProfile web opens nothing" in text
    assert "in toEndpoints of a rule of web" in text
    assert (
        leads_home(
            of_rule("web", {**peers, "toPorts": ports(22)}), own(gateway_service(), names=(AUTH,))
        )
        is None
    )


def test_a_network_with_exceptions_is_left_alone() -> None:
    rule = {"toCIDRSet": [{"cidr": "192.168.1.50/32", "except": ["192.168.1.50/32"]}]}
    assert leads_home(of_rule("web", rule), own(gateway_service())) is None


def test_no_text_is_longer_than_an_event_reads_well() -> None:
    for text in (told("192.168.1.50/32"), named(), at_the_door(name=at("192.168.1.50"))):
        assert text is not None
        assert len(text) <= 400
