"""NetworkProfiles that the API server must refuse, and the words in which it must say so."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]

_MANY_PORTS = [{"port": str(number)} for number in range(1, 42)]


def _ingress(**rule: Any) -> Spec:
    return {"ingress": [rule]}


def _egress(**rule: Any) -> Spec:
    return {"egress": [rule]}


def _ports(*ports: Any, **more: Any) -> Spec:
    return _egress(toEntities=["world"], toPorts=[{"ports": list(ports), **more}])


def _selector(**selector: Any) -> Spec:
    return _ingress(fromEndpoints=[selector])


def _expression(**expression: Any) -> Spec:
    return _selector(matchExpressions=[expression])


def _http(**request: Any) -> Spec:
    return _ports({"port": "80", "protocol": "TCP"}, rules={"http": [request]})


def _icmp(**field: Any) -> Spec:
    return _ingress(fromEntities=["world"], icmps=[{"fields": [field]}])


# What is wrong, and the words that tell it: the field, and what to write instead.
REFUSED: list[tuple[Any, tuple[str, ...]]] = [
    (None, ("spec", "Required value")),
    ({"description": "x" * 257}, ("spec.description", "256")),
    ({"extends": ""}, ("spec.extends", "leave extends out")),
    ({"extends": "not a name"}, ("spec.extends", "must be the name of a profile")),
    ({"extends": "x" * 64}, ("spec.extends", "63")),
    ({"intraNamespace": "allow"}, ("spec.intraNamespace", "boolean")),
    ({"ingress": {}}, ("spec.ingress", "array")),
    ({"ingress": [{"fromEntities": ["host"]}] * 65}, ("spec.ingress", "64")),
    ({"egress": [{"toEntities": ["host"]}] * 65}, ("spec.egress", "64")),
    # peers
    (_ingress(), ("spec.ingress[0]", "add one of fromEndpoints", "fromEntities: [all]")),
    (_ingress(fromEndpoint=[{}]), ("spec.ingress[0]", "add one of fromEndpoints")),
    (_ingress(toPorts=[{"ports": [{"port": "80"}]}]), ("spec.ingress[0]", "says not from whom")),
    (_ingress(fromEndpoints=[]), ("spec.ingress[0].fromEndpoints", "at least 1")),
    (_ingress(fromEntities=[]), ("spec.ingress[0].fromEntities", "at least 1")),
    (_ingress(fromCIDR=[]), ("spec.ingress[0].fromCIDR", "at least 1")),
    (_ingress(fromCIDRSet=[]), ("spec.ingress[0].fromCIDRSet", "at least 1")),
    (
        _ingress(fromEntities=["host"], fromCIDR=["10.0.0.0/8"]),
        ("spec.ingress[0]", "write a rule for each"),
    ),
    (_egress(), ("spec.egress[0]", "add one of toEndpoints", "toEntities: [all]")),
    (_egress(toFQDNs=[]), ("spec.egress[0].toFQDNs", "at least 1")),
    (
        _egress(toFQDNs=[{"matchName": "a.b"}], toEndpoints=[{}]),
        ("spec.egress[0]", "write a rule for each"),
    ),
    (_ingress(fromEntities=["wrold"]), ("spec.ingress[0].fromEntities[0]", '"wrold"', '"world"')),
    (_egress(toEntities=["none"]), ("spec.egress[0].toEntities[0]", "supported values")),
    (_egress(toEntities=["world-ipv4"]), ("toEntities[0]", "supported values", '"world"')),
    # labels
    (_selector(matchLabels={"app": "not a value"}), ("matchLabels.app", "should match")),
    (_selector(matchLabels={"app": 1}), ("matchLabels.app", "string")),
    (_expression(key="app"), ("matchExpressions[0].operator", "Required")),
    (_expression(operator="Exists"), ("matchExpressions[0].key", "Required")),
    (_expression(key="", operator="Exists"), ("matchExpressions[0].key", "at least 1")),
    (_expression(key="a", operator="in", values=["b"]), ("operator", "supported values", '"In"')),
    (_expression(key="a", operator="In"), ("matchExpressions[0]", "need values")),
    (_expression(key="a", operator="NotIn", values=[]), ("matchExpressions[0]", "need values")),
    (
        _expression(key="a", operator="Exists", values=["b"]),
        ("matchExpressions[0]", "leave values out"),
    ),
    (_expression(key="a", operator="In", values=["b c"]), ("values[0]", "should match")),
    # networks
    (_ingress(fromCIDR=["192.168.1.20"]), ("fromCIDR[0]", "192.168.1.20/32")),
    (_ingress(fromCIDR=["192.168.1.20/24"]), ("fromCIDR[0]", "bits set after the prefix")),
    (_egress(toCIDR=["010.0.0.0/8"]), ("toCIDR[0]", "must be a network")),
    (
        _egress(toCIDRSet=[{"except": ["10.0.0.0/8"]}]),
        ("toCIDRSet[0]", "exactly one of cidr and cidrGroupRef"),
    ),
    (
        _egress(toCIDRSet=[{"cidr": "10.0.0.0/8", "cidrGroupRef": "lan"}]),
        ("toCIDRSet[0]", "exactly one of cidr and cidrGroupRef"),
    ),
    (
        _egress(toCIDRSet=[{"cidrGroupRef": "lan", "except": ["10.0.0.0/8"]}]),
        ("toCIDRSet[0]", "except goes only with cidr"),
    ),
    (_egress(toCIDRSet=[{"cidr": "10.0.0.0"}]), ("toCIDRSet[0].cidr", "must be a network")),
    (
        _egress(toCIDRSet=[{"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}]),
        ("toCIDRSet[0]", "must lie within cidr"),
    ),
    (
        _egress(toCIDRSet=[{"cidr": "10.0.0.0/8", "except": ["10.0.0.1"]}]),
        ("except[0]", "must be a network"),
    ),
    # names
    (_egress(toFQDNs=[{}]), ("toFQDNs[0]", "exactly one of matchName")),
    (
        _egress(toFQDNs=[{"matchName": "a.org", "matchPattern": "*.org"}]),
        ("toFQDNs[0]", "exactly one of matchName"),
    ),
    (_egress(toFQDNs=[{"matchName": "*.example.org"}]), ("matchName", "matchPattern")),
    (_egress(toFQDNs=[{"matchName": "https://a.org"}]), ("matchName", "api.example.org")),
    (_egress(toFQDNs=[{"matchName": "192.0.2.1"}]), ("matchName", "toCIDR")),
    (_egress(toFQDNs=[{"matchName": "x" * 256}]), ("matchName", "255")),
    (_egress(toFQDNs=[{"matchPattern": "[a-z].org"}]), ("matchPattern", "*.example.org")),
    # ports
    (_egress(toEntities=["world"], toPorts=[]), ("spec.egress[0].toPorts", "at least 1")),
    (_egress(toEntities=["world"], toPorts=[{}]), ("toPorts[0].ports", "Required")),
    (_ports(), ("toPorts[0].ports", "at least 1")),
    (_ports(*_MANY_PORTS), ("toPorts[0].ports", "40")),
    (_ports({"protocol": "TCP"}), ("ports[0].port", "Required")),
    (_ports({"port": 443}), ("ports[0].port", "string")),
    (_ports({"port": "65536"}), ("ports[0].port", "0 to 65535")),
    (_ports({"port": "080"}), ("ports[0].port", "without leading zeros")),
    (_ports({"port": "-1"}), ("ports[0].port", "must be a number")),
    (_ports({"port": ""}), ("ports[0].port", "must be a number")),
    (_ports({"port": "web--1"}), ("ports[0].port", "single '-'")),
    (_ports({"port": "a-name-too-long-x"}), ("ports[0].port", "15")),
    (_ports({"port": "80", "endPort": 79}), ("ports[0]", "must not be less")),
    (_ports({"port": "0", "endPort": 79}), ("ports[0]", "from 1 on")),
    (
        _ports({"port": "http", "endPort": 80}),
        ("ports[0]", "endPort needs a port that is a number"),
    ),
    (_ports({"port": "80", "endPort": 65536}), ("ports[0].endPort", "65535")),
    (_ports({"port": "80", "protocol": "tcp"}), ("ports[0].protocol", '"TCP"')),
    # requests
    (_ports({"port": "80", "protocol": "TCP"}, rules={}), ("toPorts[0].rules.http", "Required")),
    (
        _ports({"port": "80", "protocol": "TCP"}, rules={"http": []}),
        ("toPorts[0].rules.http", "at least 1"),
    ),
    (_http(), ("rules.http[0]", "leave rules out")),
    (_http(path="/(api"), ("rules.http[0].path", "missing closing )")),
    (_http(method="GET[", host="a"), ("rules.http[0].method", "missing closing ]")),
    (_http(host="*.example.org"), ("rules.http[0].host", "missing argument to repetition")),
    (_http(path=""), ("rules.http[0].path", "at least 1")),
    (_http(headers=[]), ("rules.http[0].headers", "at least 1")),
    (_ports({"port": "80"}, rules={"http": [{"path": "/"}]}), ("toPorts[0]", "protocol: TCP")),
    (
        _ports({"port": "0", "protocol": "TCP"}, rules={"http": [{"path": "/"}]}),
        ("toPorts[0]", "not 0"),
    ),
    # ICMP
    (_ingress(fromEntities=["world"], icmps=[]), ("spec.ingress[0].icmps", "at least 1")),
    (_ingress(fromEntities=["world"], icmps=[{}]), ("icmps[0].fields", "Required")),
    (_icmp(family="IPv4"), ("fields[0].type", "Required")),
    (_icmp(type=256), ("fields[0].type", "255")),
    (_icmp(type="256"), ("fields[0].type", "should match")),
    (_icmp(type="Ping"), ("fields[0]", "write EchoRequest")),
    (_icmp(type="PacketTooBig"), ("fields[0]", "family: IPv6")),
    (_icmp(type="Photuris", family="IPv6"), ("fields[0]", "PacketTooBig")),
    (_icmp(type=8, family="ipv4"), ("fields[0].family", '"IPv4"')),
    (
        _ingress(
            fromEntities=["world"],
            icmps=[{"fields": [{"type": 8}]}],
            toPorts=[{"ports": [{"port": "80"}]}],
        ),
        ("spec.ingress[0]", "both toPorts and icmps"),
    ),
]
