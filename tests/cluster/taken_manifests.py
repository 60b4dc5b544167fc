"""NetworkProfiles and SharedResources that the API server must take, and keep as they are."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]

_PROMETHEUS = {
    "matchLabels": {
        "k8s:io.kubernetes.pod.namespace": "monitoring",
        "app.kubernetes.io/name": "prometheus",
    }
}
PROFILES: dict[str, Spec] = {
    "empty": {},
    "text only": {"description": "x" * 256},
    "built on another": {"extends": "internal-egress", "intraNamespace": False},
    "empty lists": {"ingress": [], "egress": []},
    "own namespace": {"ingress": [{"fromEndpoints": [{}]}]},
    "pods by labels": {
        "ingress": [
            {
                "fromEndpoints": [
                    _PROMETHEUS,
                    {
                        "matchExpressions": [
                            {"key": "any:tier", "operator": "In", "values": ["web", ""]},
                            {"key": "io.cilium.k8s.namespace.labels.team", "operator": "Exists"},
                        ]
                    },
                ],
                "toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}, {"port": "metrics"}]}],
            }
        ]
    },
    "everybody": {"ingress": [{"fromEntities": ["all"]}], "egress": [{"toEntities": ["all"]}]},
    "entities": {
        "ingress": [{"fromEntities": ["cluster", "health", "host", "ingress", "init"]}],
        "egress": [{"toEntities": ["kube-apiserver", "remote-node", "unmanaged", "world"]}],
    },
    "networks": {
        "ingress": [{"fromCIDR": ["192.168.1.0/24", "fd00::/8"]}],
        "egress": [
            {
                "toCIDRSet": [
                    {"cidr": "10.0.0.0/8", "except": ["10.96.0.0/12"]},
                    {"cidrGroupRef": "vpn"},
                ]
            }
        ],
    },
    "names": {
        "egress": [
            {
                "toFQDNs": [{"matchName": "api.example.org"}, {"matchPattern": "**.example.org"}],
                "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
            }
        ]
    },
    "requests": {
        "egress": [
            {
                "toEndpoints": [{}],
                "toPorts": [
                    {
                        "ports": [{"port": "80", "protocol": "TCP"}],
                        "rules": {
                            "http": [
                                {"method": "GET|HEAD", "path": "/api/.*", "host": "a\\.b"},
                                {"headers": ["X-Token abc"]},
                            ]
                        },
                    }
                ],
            }
        ]
    },
    "pings": {
        "ingress": [
            {
                "fromEntities": ["world"],
                "icmps": [
                    {
                        "fields": [
                            {"type": 8},
                            {"type": "0"},
                            {"type": "EchoRequest"},
                            {"family": "IPv6", "type": "PacketTooBig"},
                        ]
                    }
                ],
            }
        ]
    },
    "a range, and every port": {
        "egress": [
            {
                "toEntities": ["world"],
                "toPorts": [
                    {"ports": [{"port": "27000", "endPort": 27100, "protocol": "UDP"}]},
                    {"ports": [{"port": "0", "protocol": "SCTP"}, {"port": "1", "endPort": 1}]},
                ],
            }
        ]
    },
}

POSTGRES: Spec = {"namespace": "database", "ports": [{"port": 5432, "protocol": "TCP"}]}

RESOURCES: dict[str, Spec] = {
    "a namespace": POSTGRES,
    "some of its pods": {
        **POSTGRES,
        "description": "x" * 256,
        "podLabels": {"cnpg.io/cluster": "main", "empty": ""},
        "target": "exclusive",
    },
    "an API outside": {
        "fqdns": [{"matchName": "api.stripe.com"}, {"matchPattern": "*.stripe.com"}],
        "ports": [{"port": 443, "protocol": "TCP"}],
    },
    "a NAS": {
        "cidrs": ["192.168.1.20/32", "fd00::20/128"],
        "ports": [{"port": 2049, "protocol": "TCP"}],
    },
    "networks with parts left out, and by name": {
        "cidrs": ["203.0.113.0/24"],
        "cidrSets": [
            {"cidr": "10.0.0.0/8", "except": ["10.96.0.0/12", "10.1.0.0/16"]},
            {"cidr": "fd00::/8"},
        ],
        "cidrGroups": ["lan", "vpn.example.org"],
        "ports": [{"port": 443, "protocol": "TCP"}],
    },
    "one database for each app": {
        **POSTGRES,
        "podLabels": {"cnpg.io/podRole": "instance"},
        "valueLabel": "cnpg.io/cluster",
        "allowAll": False,
    },
    "entities": {
        "entities": ["kube-apiserver", "host"],
        "ports": [{"port": 6443, "protocol": "TCP"}],
    },
    "a game server": {
        "namespace": "games",
        "target": "none",
        "ports": [{"port": 27000, "endPort": 27100, "protocol": "UDP"}],
    },
    "for some": {
        **POSTGRES,
        "allowFrom": {
            "matchLabels": {"team": "home"},
            "matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["guest"]},
                {"key": "tier", "operator": "Exists"},
            ],
        },
    },
}


def _rules(**rules: Any) -> Spec:
    ports = [{"ports": [{"port": "80", "protocol": "TCP"}], "rules": rules}]
    return {"egress": [{"toEntities": ["all"], "toPorts": ports}]}


# Fields that nobody knows, each somewhere else: they must reach the operator, which refuses them.
MISTYPED_PROFILES: dict[str, Spec] = {
    "spec": {"ingres": []},
    "ingress": {"ingress": [{"fromEntities": ["host"], "toPort": [{"ports": ["1"]}]}]},
    "egress": {"egress": [{"toEntities": ["host"], "toPort": [{"ports": ["1"]}]}]},
    "selector": {"ingress": [{"fromEndpoints": [{"matchLabel": {"a": "b"}}]}]},
    "expression": {
        "ingress": [
            {
                "fromEndpoints": [
                    {"matchExpressions": [{"key": "a", "operator": "Exists", "value": ["b"]}]}
                ]
            }
        ]
    },
    "network": {"egress": [{"toCIDRSet": [{"cidr": "10.0.0.0/8", "exept": ["10.1.0.0/16"]}]}]},
    "name": {"egress": [{"toFQDNs": [{"matchName": "a.org", "port": 1}]}]},
    "ports": {
        "egress": [{"toEntities": ["all"], "toPorts": [{"ports": [{"port": "1"}], "rule": {}}]}]
    },
    "port": {
        "egress": [
            {"toEntities": ["all"], "toPorts": [{"ports": [{"port": "1", "protcol": "UDP"}]}]}
        ]
    },
    "rules": _rules(http=[{"path": "/"}], dns=[]),
    "request": _rules(http=[{"path": "/", "metod": "GET"}]),
    "icmps": {
        "ingress": [{"fromEntities": ["all"], "icmps": [{"fields": [{"type": 8}], "field": []}]}]
    },
    "icmp": {
        "ingress": [{"fromEntities": ["all"], "icmps": [{"fields": [{"type": 8, "code": 1}]}]}]
    },
}

MISTYPED_RESOURCES: dict[str, Spec] = {
    "spec": POSTGRES | {"allowForm": {"matchLabels": {"a": "b"}}},
    "port": POSTGRES | {"ports": [{"port": 1, "protocol": "TCP", "endport": 2}]},
    "name": {
        "fqdns": [{"matchName": "a.org", "port": 1}],
        "ports": [{"port": 443, "protocol": "TCP"}],
    },
    "allowFrom": POSTGRES | {"allowFrom": {"matchLabels": {"a": "b"}, "matchExpression": []}},
    "expression": POSTGRES
    | {"allowFrom": {"matchExpressions": [{"key": "a", "operator": "Exists", "value": ["b"]}]}},
}
