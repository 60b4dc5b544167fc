"""SharedResources that the API server must refuse, and the words in which it must say so."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]

_POSTGRES: Spec = {"namespace": "database", "ports": [{"port": 5432}]}


def _with(**more: Any) -> Spec:
    return {**_POSTGRES, **more}


def _port(**port: Any) -> Spec:
    return _with(ports=[port])


def _allow(**expression: Any) -> Spec:
    return _with(allowFrom={"matchExpressions": [expression]})


_PORT: Spec = {"ports": [{"port": 443}]}


def _except(*networks: str) -> Spec:
    return {**_PORT, "cidrSets": [{"cidr": "10.0.0.0/8", "except": list(networks)}]}


# What is wrong, and the words that tell it: the field, and what to write instead.
REFUSED: list[tuple[Any, tuple[str, ...]]] = [
    (None, ("spec", "Required value")),
    (_with(description="x" * 257), ("spec.description", "256")),
    # what it is
    (_PORT, ("spec", "add one of namespace, entities, fqdns and cidrs")),
    (_with(entities=["host"]), ("spec", "write a SharedResource for each")),
    (_with(fqdns=[{"matchName": "a.org"}]), ("spec", "write a SharedResource for each")),
    (_with(cidrs=["10.0.0.0/8"]), ("spec", "write a SharedResource for each")),
    (_with(namespace=""), ("spec.namespace", "must be the name of a Namespace")),
    (_with(namespace="Database"), ("spec.namespace", "must be the name of a Namespace")),
    (_with(namespace="a.b"), ("spec.namespace", "must be the name of a Namespace")),
    (_with(namespace="x" * 64), ("spec.namespace", "63")),
    (_with(cluster="Cabin"), ("spec.cluster", "must be a cluster's name", "home")),
    (_with(cluster="x" * 33), ("spec.cluster", "32")),
    ({**_PORT, "cidrs": ["2001:db8::1"]}, ("spec.cidrs[0]", "192.168.1.20/32")),
    ({**_PORT, "cidrs": ["2001:db8::1/64"]}, ("spec.cidrs[0]", "bits set after the prefix")),
    ({**_PORT, "cidrs": ["fe80::1%eth0/128"]}, ("spec.cidrs[0]", "must be a network")),
    ({**_PORT, "cidrs": ["::ffff:192.168.1.0/120"]}, ("spec.cidrs[0]", "must be a network")),
    (
        {**_PORT, "cidrs": ["10.0.0.0/8"], "cluster": "cabin"},
        ("spec", "cluster needs a namespace"),
    ),
    (_with(podLabels={}), ("spec.podLabels", "at least 1")),
    (_with(podLabels={"app": "not a value"}), ("spec.podLabels.app", "should match")),
    (
        {**_PORT, "cidrs": ["10.0.0.0/8"], "podLabels": {"app": "a"}},
        ("spec", "podLabels needs a namespace"),
    ),
    ({**_PORT, "entities": []}, ("spec.entities", "at least 1")),
    ({**_PORT, "entities": ["kube-api"]}, ("spec.entities[0]", '"kube-apiserver"')),
    ({**_PORT, "fqdns": []}, ("spec.fqdns", "at least 1")),
    ({**_PORT, "fqdns": [{}]}, ("spec.fqdns[0]", "exactly one of matchName")),
    (
        {**_PORT, "fqdns": [{"matchName": "a.org", "matchPattern": "*.org"}]},
        ("spec.fqdns[0]", "exactly one of matchName"),
    ),
    ({**_PORT, "fqdns": [{"matchName": "*.org"}]}, ("fqdns[0].matchName", "matchPattern")),
    ({**_PORT, "fqdns": [{"matchName": "192.0.2.1"}]}, ("fqdns[0].matchName", "cidrs")),
    ({**_PORT, "fqdns": [{"matchPattern": "a b"}]}, ("matchPattern", "*.example.org")),
    ({**_PORT, "cidrs": []}, ("spec.cidrs", "at least 1")),
    ({**_PORT, "cidrs": ["192.168.1.20"]}, ("spec.cidrs[0]", "192.168.1.20/32")),
    ({**_PORT, "cidrs": ["192.168.1.20/24"]}, ("spec.cidrs[0]", "bits set after the prefix")),
    ({**_PORT, "cidrSets": []}, ("spec.cidrSets", "at least 1")),
    ({**_PORT, "cidrSets": [{"except": ["10.0.0.0/8"]}]}, ("cidrSets[0].cidr", "Required")),
    (_except("10.0.0.1"), ("cidrSets[0].except[0]", "must be a network")),
    (_except("192.168.0.0/16"), ("spec.cidrSets[0]", "must be a part of cidr")),
    (_except("fd00::/8"), ("spec.cidrSets[0]", "must be a part of cidr")),
    (_except("10.0.0.0/8"), ("spec.cidrSets[0]", "and not all of it")),
    (_except("10.1.0.0/16", "10.1.2.0/24"), ("spec.cidrSets[0]", "two of the networks overlap")),
    (_except("10.1.0.0/16", "10.1.0.0/16"), ("spec.cidrSets[0]", "name each part once")),
    ({**_PORT, "cidrGroups": ["Lan_1"]}, ("spec.cidrGroups[0]", "a CiliumCIDRGroup")),
    (_with(cidrGroups=["lan"]), ("spec", "write a SharedResource for each")),
    # values of a label
    (
        {**_PORT, "cidrs": ["10.0.0.0/8"], "valueLabel": "a"},
        ("spec", "valueLabel needs a namespace"),
    ),
    (_with(valueLabel="not a key"), ("spec.valueLabel", "must be the key of a label")),
    (_with(valueLabel="app", podLabels={"app": "a"}), ("spec", "podLabels says one value")),
    (_with(allowAll=False), ("spec", "allowAll: false needs a valueLabel")),
    (_with(valueLabel="app", allowAll="no"), ("spec.allowAll", "boolean")),
    # ports
    ({"namespace": "database"}, ("spec.ports", "Required")),
    (_with(ports=[]), ("spec.ports", "at least 1")),
    (_with(ports=[{"port": number} for number in range(1, 42)]), ("spec.ports", "40")),
    (_port(), ("spec.ports[0].port", "Required")),
    (_port(port="5432"), ("spec.ports[0].port", "integer")),
    (_port(port=0), ("spec.ports[0].port", "greater than or equal to 1")),
    (_port(port=65536), ("spec.ports[0].port", "65535")),
    (_port(port=80, endPort=79), ("spec.ports[0]", "endPort must not be less than port")),
    (_port(port=80, endPort=65536), ("spec.ports[0].endPort", "65535")),
    (_port(port=80, protocol="ANY"), ("spec.ports[0].protocol", '"TCP"')),
    # the target side
    (_with(target="both"), ("spec.target", '"additive"', '"exclusive"', '"none"')),
    (
        {**_PORT, "entities": ["world"], "target": "exclusive"},
        ("spec", "target: exclusive needs a namespace"),
    ),
    # who may ask
    (_with(allowFrom={}), ("spec.allowFrom", "leave allowFrom out to let everybody ask")),
    (_with(allowFrom={"matchLabel": {"a": "b"}}), ("spec.allowFrom", "add matchLabels")),
    (_with(allowFrom={"matchLabels": {}}), ("allowFrom.matchLabels", "at least 1")),
    (_with(allowFrom={"matchLabels": {"a": "b c"}}), ("matchLabels.a", "should match")),
    (_with(allowFrom={"matchExpressions": []}), ("matchExpressions", "at least 1")),
    (_allow(key="a"), ("matchExpressions[0].operator", "Required")),
    (_allow(operator="Exists"), ("matchExpressions[0].key", "Required")),
    (_allow(key="a b", operator="Exists"), ("key", "must be the key of a label")),
    (_allow(key="a", operator="Is", values=["b"]), ("operator", '"In"')),
    (_allow(key="a", operator="In"), ("matchExpressions[0]", "need values")),
    (_allow(key="a", operator="DoesNotExist", values=["b"]), ("leave values out",)),
]
