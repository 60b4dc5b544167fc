"""Small worlds of pods, and policies as people write them: all four kinds, all sorts of rules.

Nothing here knows what is allowed. Most of what it makes is in force in Cilium; a little is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.dice import seeded
from tests.truth.random_cluster_policies import cluster_policy

NAMESPACES: dict[str, dict[str, str]] = {
    "shop": {"team": "web", "tier": "front"},
    "database": {"team": "data"},
    "monitoring": {"team": "data", "tier": "back"},
}
KEYS = ("app", "role", "app.kubernetes.io/name")
VALUES = ("web", "db", "job")
PORTS = (53, 80, 443, 5432, 8080, 15008)
PROTOCOLS = ("TCP", "TCP", "UDP", "SCTP")
ENTITIES = (
    *("all", "cluster", "health", "host", "ingress", "init", "kube-apiserver", "remote-node"),
    *("unmanaged", "world", "none", "cluster-mesh"),
)
CIDRS = ("169.254.0.0/16", "203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8", "203.0.113.7/32")

_NAMESPACE_KEY = "io.kubernetes.pod.namespace"
_LABELS_PREFIX = "io.cilium.k8s.namespace.labels."

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class PodFacts:
    """A pod of a world; its ports by their names, each with number and protocol."""

    name: str
    namespace: str
    labels: dict[str, str]
    service_account: str = "default"
    ports: dict[str, tuple[int, str]] = field(default_factory=dict)


class Generator:
    """Makes worlds; the same seed gives the same ones."""

    def __init__(self, seed: str) -> None:
        self.random = seeded(seed)

    def pods(self) -> list[PodFacts]:
        """Three pods in each namespace."""
        return [
            PodFacts(f"{namespace}/{number}", namespace, self._labels())
            for namespace in NAMESPACES
            for number in range(3)
        ]

    def policies(self) -> list[Json]:
        """One to six policies of any kind."""
        count = self.random.randint(1, 6)
        return [self._policy(f"policy-{number}") for number in range(count)]

    def _policy(self, name: str) -> Json:
        if self._by_chance(0.15):
            return cluster_policy(self.random, name)
        kind = self._one_of("CiliumNetworkPolicy", "CiliumNetworkPolicy", "NetworkPolicy", "CCNP")
        metadata: Json = {"name": name, "uid": name, "generation": 1}
        if kind == "CCNP":
            kind = "CiliumClusterwideNetworkPolicy"
        else:
            metadata["namespace"] = self._one_of(*NAMESPACES)
        clusterwide = "namespace" not in metadata
        policy: Json = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata}
        if kind == "NetworkPolicy":
            return policy | {"apiVersion": "networking.k8s.io/v1", "spec": self._kubernetes_spec()}
        if self._by_chance(0.2):
            return policy | {"specs": [self._cilium_spec(clusterwide) for _ in range(2)]}
        return policy | {"spec": self._cilium_spec(clusterwide)}

    def _cilium_spec(self, clusterwide: bool) -> Json:
        if clusterwide and self._by_chance(0.1):
            return {"nodeSelector": {}, "ingress": [{"fromEntities": ["cluster"]}]}
        spec: Json = {"endpointSelector": self._selector(prefixes=True, subject=True)}
        sections = self._some("ingress", "egress", "ingress", "egress", "ingressDeny", "egressDeny")
        for section in sections:
            way = "from" if section.startswith("ingress") else "to"
            count = self.random.randint(0 if self._by_chance(0.1) else 1, 2)
            deny = section.endswith("Deny")
            spec[section] = [self._cilium_rule(way, deny) for _ in range(count)]
        if self._by_chance(0.3):
            answers: list[bool | None] = [True, False, False, None]
            spec["enableDefaultDeny"] = {
                direction: self.random.choice(answers)
                for direction in self._some("ingress", "egress")
            }
        return spec

    def _cilium_rule(self, way: str, deny: bool) -> Json:
        rule = self._cilium_peers(way, deny)
        if self._by_chance(0.05):
            rule["icmps"] = [{"fields": [{"family": "IPv4", "type": 8}]}]
        elif not self._by_chance(0.35):
            rule["toPorts"] = [self._to_ports(deny) for _ in range(self.random.randint(1, 2))]
        if not deny and self._by_chance(0.02):
            rule["authentication"] = {"mode": self._one_of("required", "disabled")}
        if self._by_chance(0.01):
            rule["fromTheFuture"] = ["unknown"]
        return rule

    def _cilium_peers(self, way: str, deny: bool) -> Json:
        kind = self._one_of(*["Endpoints"] * 6, *["Entities"] * 3, "CIDR", "CIDRSet", "", "odd")
        if kind == "Endpoints":
            return {way + kind: [self._selector(True) for _ in range(self.random.randint(1, 2))]}
        if kind == "Entities":
            return {way + kind: list(self._some(*ENTITIES)[:2])}
        if kind == "CIDR":
            return {way + kind: list(self._some(*CIDRS))}
        if kind == "CIDRSet":
            block: Json = {"cidr": "0.0.0.0/0", "except": list(self._some(*CIDRS[:2]))}
            return {way + kind: [block]}
        if kind == "":
            return {}
        odd: list[Json] = [
            {way + "Endpoints": []},
            {way + "Entities": []},
            {way + "CIDR": []},
            {way + "CIDRSet": []},
            {way + "Nodes": []},
            {way + "Groups": []},
            {way + "Nodes": [{}]},
            {way + "CIDRSet": [{"cidrGroupRef": "partners"}]},
            {way + "Entities": ["all"], way + "Endpoints": [{}]},
        ]
        if way == "to" and not deny:
            service = {"k8sService": {"serviceName": "db", "namespace": "database"}}
            odd += [{"toFQDNs": [{"matchName": "example.org"}]}, {"toServices": [service]}]
        return self.random.choice(odd)

    def _to_ports(self, deny: bool) -> Json:
        ports = [
            self._port() for _ in range(self.random.randint(0 if self._by_chance(0.1) else 1, 2))
        ]
        item: Json = {"ports": ports}
        if not deny and self._by_chance(0.1):
            item["ports"] = [{"port": str(self._one_of(*PORTS)), "protocol": "TCP"}]
            item["rules"] = {"http": [{"path": "/metrics"}] if self._by_chance(0.8) else []}
        return item

    def _port(self) -> Json:
        port: Json = {"port": str(self._one_of(*PORTS))}
        if self._by_chance(0.2):
            port["port"] = "0"
        elif self._by_chance(0.03):
            port["port"] = "metrics"
        elif self._by_chance(0.25):
            port["endPort"] = self._one_of(0, 100, 8080, 65535)
        if self._by_chance(0.8):
            port["protocol"] = self._one_of(*PROTOCOLS, "ANY", "tcp", "VRRP")
            if port["protocol"] == "VRRP":
                port["port"] = "0"
        if self._by_chance(0.02):
            port["endPort"] = 9000  # also beside port 0 and names
        return port

    def _kubernetes_spec(self) -> Json:
        spec: Json = {"podSelector": self._selector(False, subject=True)}
        for section, way in (("ingress", "from"), ("egress", "to")):
            if self._by_chance(0.6):
                count = self.random.randint(0, 2)
                spec[section] = [self._kubernetes_rule(way) for _ in range(count)]
        if self._by_chance(0.7):
            spec["policyTypes"] = list(self._some("Ingress", "Egress"))
        return spec

    def _kubernetes_rule(self, way: str) -> Json:
        rule: Json = {}
        if not self._by_chance(0.2):
            rule[way] = [self._kubernetes_peer() for _ in range(self.random.randint(0, 2))]
        if not self._by_chance(0.3):
            rule["ports"] = [self._kubernetes_port() for _ in range(self.random.randint(0, 2))]
        return rule

    def _kubernetes_peer(self) -> Json:
        if self._by_chance(0.15):
            return {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(self._some(*CIDRS[:2]))}}
        namespaces = self._selector(False, keys=("team", "tier", "kubernetes.io/metadata.name"))
        return {
            part: selector
            for part, selector in (
                ("namespaceSelector", namespaces),
                ("podSelector", self._selector(False)),
            )
            if self._by_chance(0.6)
        }

    def _kubernetes_port(self) -> Json:
        port: Json = {}
        if not self._by_chance(0.2):
            port["port"] = "metrics" if self._by_chance(0.03) else self._one_of(*PORTS)
            if isinstance(port["port"], int) and self._by_chance(0.2):
                port["endPort"] = 9000 if port["port"] < 9000 else 65535
        if self._by_chance(0.7):
            port["protocol"] = self._one_of(*PROTOCOLS)
        return port

    def _selector(
        self, prefixes: bool, subject: bool = False, keys: tuple[str, ...] = KEYS
    ) -> Json:
        if self._by_chance(0.3):
            return {}
        selector: Json = {}
        for _ in range(self.random.randint(1, 2)):
            key, values = self._key(prefixes, subject, keys)
            if self._by_chance(0.7):
                selector.setdefault("matchLabels", {})[key] = self._one_of(*values)
                continue
            operator = self._one_of("In", "NotIn", "Exists", "DoesNotExist")
            expression: Json = {"key": key, "operator": operator}
            if operator in ("In", "NotIn"):
                expression["values"] = list(self._some(*values))
            selector.setdefault("matchExpressions", []).append(expression)
        return selector

    def _key(
        self, prefixes: bool, subject: bool, keys: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...]]:
        key = self._one_of(*keys)
        values: tuple[str, ...] = ("data", "web", "front") if key in ("team", "tier") else VALUES
        if key == "kubernetes.io/metadata.name":
            values = tuple(NAMESPACES)
        if not prefixes:
            return key, values
        if self._by_chance(0.01):
            return "io.cilium.k8s.policy.serviceaccount", ("default", "db")
        if self._by_chance(0.02):
            return f"reserved:{self._one_of('host', 'health', 'init', 'none')}", ("",)
        if self._by_chance(0.05 if subject else 0.35):
            key, values = _NAMESPACE_KEY, tuple(NAMESPACES)
        elif self._by_chance(0.1 if subject else 0.2):
            key, values = _LABELS_PREFIX + self._one_of("team", "tier"), ("data", "web", "front")
        return self._one_of("", "k8s:", "any:") + key, values

    def _labels(self) -> dict[str, str]:
        return {key: self._one_of(*VALUES) for key in self._some(*KEYS)}

    def _some(self, *choices: T) -> tuple[T, ...]:
        return tuple(self.random.sample(choices, self.random.randint(1, min(2, len(choices)))))

    def _one_of(self, *choices: T) -> T:
        return self.random.choice(choices)

    def _by_chance(self, chance: float) -> bool:
        return self.random.random() < chance
