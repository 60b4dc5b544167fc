"""A policy that would be rejected, or read otherwise than meant, is found before it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from homelab_netpol.cilium.validation import RuleProblem, check_body
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import Settings, parse_settings
from tests.unit.test_plan import everything


def problems(rule: Mapping[str, Any]) -> list[RuleProblem]:
    return check_body({"spec": {"endpointSelector": {}, **rule}}, Kind.CNP)


def written(text: str) -> list[RuleProblem]:
    return problems(yaml.safe_load(text))


OTHER = """
mesh: {hbone: cluster}
scrapers: [{namespace: m, ports: [9090]}]
defaultDeny: labelled
gateways: {internal: [{entities: [ingress]}, {selector: {matchLabels: {app: web}}}]}
dns: {servers: [{cidrs: [169.254.20.10/32]}, {entities: [host]}], proxy: true}
internet: {exceptCidrs: [10.0.0.0/8, "fc00::/7"], ports: [{port: 443, protocol: UDP}]}
"""


@pytest.mark.parametrize("settings", ["", OTHER])
def test_every_policy_of_the_templates_passes(settings: str) -> None:
    catalogue = Catalogue(parse_settings(settings) if settings else Settings())
    policies = everything(Planner(catalogue), catalogue)
    found = [p.key for p in policies if "ilium" in p.key.kind and check_body(p.body, p.key.kind)]
    assert policies
    assert found == []


@pytest.mark.parametrize(
    "rule",
    [
        "ingress: [{}]",
        "egress: [{toEntities: [world], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]",
        "ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: http}]}]}]",
        "ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]}]",
        "egress: [{toFQDNs: [{matchName: api.example.org}, {matchPattern: '*.example.org'}]}]",
        "egress: [{toEndpoints: [{}], icmps: [{fields: [{type: 8}, {type: EchoReply}]}]}]",
        "egressDeny: [{toCIDR: ['fd00::/8'], toPorts: [{ports: [{port: '1', endPort: 1024}]}]}]",
        "ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{}]}}]}]",
    ],
)
def test_what_people_write_by_the_book_passes(rule: str) -> None:
    assert written(rule) == []


@pytest.mark.parametrize(
    ("rule", "path", "says"),
    [
        ("{}", "spec", "none of ingress"),
        ("ingress: []", "spec.ingress", "denies nothing"),
        ("ingress: null", "spec.ingress", "not null"),
        ("ingres: [{}]", "spec.ingres", "`ingress`"),
        ("ingress: [{FromEndpoints: [{}]}]", "spec.ingress[0].FromEndpoints", "`fromEndpoints`"),
        ("ingress: [{fromEndpoints: []}]", "spec.ingress[0].fromEndpoints", "selects no peer"),
        ("egress: [{toFQDNs: []}]", "spec.egress[0].toFQDNs", "selects every peer"),
        ("egress: [{toPorts: []}]", "spec.egress[0].toPorts", "every port"),
        ("egress: [{toPorts: [{ports: []}]}]", "spec.egress[0].toPorts[0].ports", "no port"),
        ("egress: [{toEntities: [wrld]}]", "spec.egress[0].toEntities[0]", "`world`"),
        ("egress: [{toEntities: [world-ipv4]}]", "spec.egress[0].toEntities[0]", "`world`"),
        ("egress: [{toCIDR: [10.0.0.1]}]", "spec.egress[0].toCIDR[0]", "10.1.2.3/32"),
        ("egress: [{toCIDR: [10.0.0.0/8], toEntities: [all]}]", "spec.egress[0]", "together"),
        ("egress: [{toFQDNs: [{matchName: '*.x.org'}]}]", "matchName", "`matchPattern`"),
        ("egress: [{toFQDNs: [{}]}]", "spec.egress[0].toFQDNs[0]", "neither"),
        (
            "egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [11.0.0.0/9]}]}]",
            "except[0]",
            "inside",
        ),
        ("egress: [{toPorts: [{ports: [{port: 443}]}]}]", "ports[0].port", "quotes"),
        ("egress: [{toPorts: [{ports: [{port: '65536'}]}]}]", "ports[0].port", "65535"),
        ("egress: [{toPorts: [{ports: [{port: '080'}]}]}]", "ports[0].port", "leading zeros"),
        ("egress: [{toPorts: [{ports: [{port: '90', endPort: 80}]}]}]", "endPort", "below"),
        ("egress: [{toPorts: [{ports: [{port: http, endPort: 80}]}]}]", "endPort", "number"),
        ("egress: [{toPorts: [{ports: [{protocol: TCP}]}]}]", "ports[0]", "`port` is missing"),
        ("egress: [{toPorts: [{ports: [{port: '1', protocol: tcp}]}]}]", "protocol", "`TCP`"),
        ("egress: [{icmps: [{fields: [{type: PacketTooBig}]}]}]", "type", "family: IPv6"),
        ("egress: [{icmps: [{fields: [{type: 256}]}]}]", "type", "255"),
        ("egress: [{icmps: [{fields: [{family: IPv4}]}]}]", "fields[0]", "`type` is missing"),
        ("ingress: [{fromNodes: [{}]}]", "spec.ingress[0].fromNodes[0]", "remote-node"),
        ("{nodeSelector: {}, ingress: [{}]}", "spec.nodeSelector", "endpointSelector"),
        ("ingress: [{fromEndpoints: [{matchLabels: {a: true}}]}]", "matchLabels.a", "a string"),
        ("ingress: [{fromEndpoints: [{matchLabels: {'a b': c}}]}]", "matchLabels.a b", "label key"),
        ("ingress: [{fromEndpoints: [null]}]", "spec.ingress[0].fromEndpoints[0]", "not null"),
        ("{enableDefaultDeny: {ingress: 'no'}, ingress: [{}]}", "Deny.ingress", "true or false"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_way_out(rule: str, path: str, says: str) -> None:
    [problem] = written(rule)
    assert problem.path.endswith(path)
    assert says in problem.message


@pytest.mark.parametrize(
    ("ports", "path", "says"),
    [
        ("{ports: [{port: '80', protocol: UDP}], rules: {http: [{}]}}", "protocol", "TCP"),
        ("{ports: [{port: '80'}], rules: {http: [{}]}}", "protocol", "TCP"),
        ("{ports: [{port: '0', protocol: TCP}], rules: {http: [{}]}}", "port", "port 0"),
        ("{ports: [{port: '80', protocol: TCP}], rules: {http: []}}", "http", "every request"),
        ("{ports: [{port: '80', protocol: TCP}], rules: {}}", "rules", "neither"),
        ("{ports: [{port: '53'}], rules: {dns: [{matchPattern: '*'}]}}", "dns", "egress only"),
    ],
)
def test_rules_inside_a_connection_need_the_right_port(ports: str, path: str, says: str) -> None:
    [problem] = written(f"ingress: [{{toPorts: [{ports}]}}]")
    assert problem.path.startswith("spec.ingress[0].toPorts[0]")
    assert problem.path.endswith(path)
    assert says in problem.message


def test_http_and_dns_rules_on_one_port_of_one_peer_are_refused() -> None:
    dns = "ports: [{port: '53'}], rules: {dns: [{matchPattern: '*'}]}"
    http = "ports: [{port: '53', protocol: TCP}], rules: {http: [{}]}"
    other = "ports: [{port: '80', protocol: TCP}], rules: {http: [{}]}"
    [problem] = written(f"egress: [{{toEndpoints: [{{}}], toPorts: [{{{dns}}}, {{{http}}}]}}]")
    assert problem.path == "spec.egress[0].toPorts[1]"
    assert "one port" in problem.message
    assert written(f"egress: [{{toEndpoints: [{{}}], toPorts: [{{{dns}}}, {{{other}}}]}}]") == []


@pytest.mark.parametrize("text", ["/", r"/v\d+/.*", "/[[:alpha:]]+", r"/\Qa.b\E", "(?P<n>a|b){2}"])
def test_an_expression_of_re2_passes(text: str) -> None:
    port = {"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{"path": text}]}}
    assert problems({"ingress": [{"toPorts": [port]}]}) == []


@pytest.mark.parametrize("field", ["path", "method", "host"])
@pytest.mark.parametrize(
    "text", ["(?=/a)", "(?<!a)b", r"(a)\1", "a**", "(", "(?P=n)", r"\Z", "a++"]
)
def test_an_expression_that_only_python_or_perl_compiles_is_refused(field: str, text: str) -> None:
    port = {"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{field: text}]}}
    [problem] = problems({"ingress": [{"toPorts": [port]}]})
    assert problem.path == f"spec.ingress[0].toPorts[0].rules.http[0].{field}"
    assert "RE2" in problem.message


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ""),
        ({"specs": []}, "specs"),
        ({"specs": [None]}, "specs[0]"),
        ({"spec": None}, "spec"),
        ({"specs": [{"endpointSelector": {}, "ingress": [{}]}, {"ingress": [{}]}]}, "specs[1]"),
        ({"spec": {"endpointSelector": {}, "ingress": [{}]}, "status": {}}, "status"),
    ],
)
def test_a_policy_without_rules_is_no_policy(body: dict[str, Any], path: str) -> None:
    [problem] = check_body(body, Kind.CCNP)
    assert problem.path == path


def test_all_mistakes_are_told_at_once() -> None:
    found = written("{ingress: [{fromEntities: [wrld]}], egress: [{toCIDR: [x]}, {toPort: []}]}")
    assert [problem.path for problem in found] == [
        "spec.ingress[0].fromEntities[0]",
        "spec.egress[0].toCIDR[0]",
        "spec.egress[1].toPort",
    ]


def test_a_policy_of_another_kind_is_not_taken_for_one_of_ciliums() -> None:
    with pytest.raises(ValueError, match="PeerAuthentication"):
        check_body({"spec": {}}, Kind.PEER_AUTHENTICATION)
