"""The drops that a node can produce, by rows of docs/dropped.md, and what the row says to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.spaces import (
    GATEWAY_PORTS,
    INTERNET_PORTS,
    INTRA_NAMESPACE,
    LAN_PORTS,
    PROFILE,
    WEBHOOKS,
    WORLD_PORTS,
    access,
)
from tests.datapath.home import APP

_SENDER, _RECEIVER = f"{APP}/sender", f"{APP}/receiver"
_ISOLATED = {PROFILE: "isolated"}
_INTERNAL = {PROFILE: "internal"}


@dataclass(frozen=True)
class Case:
    """One drop.

    Attributes:
        probe: From whom, to whom, by which protocol, on which port.
        labels: Of the app's Namespace.
        to_label: What is to be set there, by the row.
        annotations: Of the app's Namespace.
        to_annotate: What is to be set there, by the row.
        to_define: What else is to be made: its kind, and fields of its spec. A SharedResource is to
            be granted to the app.
    """

    probe: tuple[str, str, str, int]
    labels: Mapping[str, str]
    to_label: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    to_annotate: Mapping[str, str] = field(default_factory=dict)
    to_define: tuple[str, Mapping[str, Any]] | None = None


CASES = {
    "no-grant-on-postgres": Case(
        (_SENDER, "database-primary", "TCP", 5432), _ISOLATED, {access("postgres"): "true"}
    ),
    "no-grant-on-dragonfly": Case(
        (_SENDER, "cache", "TCP", 6379), {PROFILE: "standard"}, {access("dragonfly"): "true"}
    ),
    "no-grant-on-garage-s3": Case(
        (_SENDER, "garage", "TCP", 3900), _INTERNAL, {access("garage-s3"): "true"}
    ),
    "no-grant-on-kube-api": Case(
        (_SENDER, "kube-apiserver", "TCP", 6443), _ISOLATED, {access("kube-api"): "true"}
    ),
    "no-https": Case(
        (_SENDER, "outside-address", "TCP", 443), _INTERNAL, {PROFILE: "internal-egress"}
    ),
    "another-port-of-the-internet": Case(
        (_SENDER, "outside-address", "UDP", 443),
        {PROFILE: "internal-egress"},
        to_annotate={INTERNET_PORTS: "443,UDP/443"},
    ),
    "an-address-of-the-home-network": Case(
        (_SENDER, "lan-address", "TCP", 8080),
        _ISOLATED,
        to_define=("SharedResource", {"cidrs": ["192.168.77.1/32"], "ports": [{"port": 8080}]}),
    ),
    "another-app": Case(
        (_SENDER, "neighbour/receiver", "TCP", 8080),
        _INTERNAL,
        to_define=("SharedResource", {"namespace": "neighbour", "ports": [{"port": 8080}]}),
    ),
    "a-port-beside-the-granted-one": Case(
        (_SENDER, "database-primary", "TCP", 6379),
        {**_ISOLATED, access("postgres"): "true"},
        to_define=("SharedResource", {"namespace": "database", "ports": [{"port": 6379}]}),
    ),
    "a-process-of-the-node": Case(
        (_SENDER, "host", "TCP", 9090),
        _ISOLATED,
        # That other nodes are meant as well, the drop does not show.
        to_define=("SharedResource", {"entities": ["host"], "ports": [{"port": 9090}]}),
    ),
    "the-own-gateway": Case(
        (_SENDER, "gateway-internal", "TCP", 443), _ISOLATED, {access("gateway"): "internal"}
    ),
    "no-ingress-at-all": Case(
        ("gateway-internal", _RECEIVER, "TCP", 8080), _ISOLATED, {PROFILE: "internal"}
    ),
    "no-profile": Case(("gateway-internal", _RECEIVER, "TCP", 8080), {}, {PROFILE: "internal"}),
    "a-misspelt-profile": Case(
        (_SENDER, "outside-address", "TCP", 443),
        {PROFILE: "standart"},
        {PROFILE: "internal-egress"},
    ),
    "not-this-gateway": Case(
        ("gateway-external", _RECEIVER, "TCP", 8080),
        {PROFILE: "internal-egress"},
        {PROFILE: "standard"},
    ),
    "another-port-of-the-gateway": Case(
        ("gateway-internal", _RECEIVER, "TCP", 8080),
        _INTERNAL,
        annotations={GATEWAY_PORTS: "9090"},
        to_annotate={GATEWAY_PORTS: "8080,9090"},
    ),
    "straight-from-the-home-network": Case(
        ("lan-address", _RECEIVER, "TCP", 9090), _ISOLATED, to_annotate={LAN_PORTS: "9090"}
    ),
    "straight-from-the-internet": Case(
        ("outside-address", _RECEIVER, "UDP", 443), _INTERNAL, to_annotate={WORLD_PORTS: "UDP/443"}
    ),
    "a-webhook": Case(("kube-apiserver", _RECEIVER, "TCP", 8080), _ISOLATED, {WEBHOOKS: "allow"}),
    "within-the-namespace": Case(
        (_SENDER, _RECEIVER, "TCP", 8080), _ISOLATED, {INTRA_NAMESPACE: "allow"}
    ),
    "a-policy-of-the-platform": Case(
        ("lan-address", "database-primary", "TCP", 5432),
        {},
        to_define=("CiliumNetworkPolicy", {}),
    ),
}
