"""Random policies and pods that name what is around them: Services, CIDR groups, ports by name.

Beside what `Generator` makes: service accounts, every sort of ICMP, names on the internet.
"""

from __future__ import annotations

import dataclasses

from tests.truth.random_policies import (
    NAMESPACES,
    PORTS,
    VALUES,
    Generator,
    Json,
    PodFacts,
)

SERVICE_ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
_ACCOUNTS = ("default", "web", "db")
_PORT_NAMES = ("metrics", "http", "Dns")
_TEAMS = ("data", "web")
_GROUPS = ("partners", "home", "empty", "unknown")
_GROUP_CIDRS = ("203.0.113.0/24", "198.51.100.1/32", "10.0.0.0/8", "192.0.2.0/24", "169.254.0.0/16")
_SERVICES = ("db", "web", "outside")
_NAMES = ("example.org", "*.example.org", "api.example.net", "**.example.net")
_ICMP_TYPES = (8, "EchoRequest", "8", 13, "Timestamp", 0, "EchoReply", 3, 128, "ParameterProblem")
_HTTP: tuple[Json, ...] = ({"path": "/metrics"}, {"method": "GET", "path": "/"}, {})


class GeneratorAround(Generator):
    """Makes worlds with surroundings; the same seed gives the same ones."""

    def pods(self) -> list[PodFacts]:
        """Three pods in each namespace."""
        return [
            dataclasses.replace(
                pod, service_account=self._one_of(*_ACCOUNTS), ports=self._named_ports()
            )
            for pod in super().pods()
        ]

    def cidr_groups(self) -> list[Json]:
        """Three groups, of which the last holds nothing."""
        return [
            {
                "apiVersion": "cilium.io/v2",
                "kind": "CiliumCIDRGroup",
                "metadata": {"name": name, "labels": self._team()},
                "spec": {"externalCIDRs": [] if name == "empty" else [*self._some(*_GROUP_CIDRS)]},
            }
            for name in _GROUPS[:3]
        ]

    def services(self) -> list[Json]:
        """A few, of which some have no selector, or select nothing."""
        return [
            {
                "namespace": namespace,
                "name": name,
                "labels": self._team(),
                "selector": {} if name == "outside" else {"app": self._one_of(*VALUES)},
                "backends": [*self._some("203.0.113.7", "198.51.100.1", "192.0.2.10")]
                if name == "outside" and self._by_chance(0.8)
                else [],
            }
            for namespace in NAMESPACES
            for name in self._some(*_SERVICES)
        ]

    def _named_ports(self) -> dict[str, tuple[int, str]]:
        return {
            name: (self._one_of(*PORTS), self._one_of("TCP", "TCP", "UDP"))
            for name in ("metrics", "http", "dns")
            if self._by_chance(0.5)
        }

    def _team(self) -> dict[str, str]:
        return {"team": self._one_of(*_TEAMS)} if self._by_chance(0.7) else {}

    def _cilium_rule(self, way: str, deny: bool) -> Json:
        rule = super()._cilium_rule(way, deny)
        if self._by_chance(0.06):
            rule.pop("toPorts", None)
            rule["icmps"] = [{"fields": [self._icmp() for _ in range(self.random.randint(1, 2))]}]
        return rule

    def _icmp(self) -> Json:
        kind = self._one_of(*_ICMP_TYPES)
        if kind in ("Timestamp",):
            return {"type": kind}
        family: Json = {"family": self._one_of("IPv4", "IPv6")} if self._by_chance(0.7) else {}
        return {**family, "type": kind}

    def _cilium_peers(self, way: str, deny: bool) -> Json:
        chance = self.random.random()
        if chance < 0.06:
            items = [self._cidr_item() for _ in range(self.random.randint(1, 2))]
            return {f"{way}CIDRSet": items}
        if way == "to" and chance < 0.13:
            return {"toServices": [self._service() for _ in range(self.random.randint(1, 2))]}
        if way == "to" and not deny and chance < 0.16:
            names = ({"matchPattern" if "*" in one else "matchName": one} for one in _NAMES)
            return {"toFQDNs": [*self._some(*names)]}
        return super()._cilium_peers(way, deny)

    def _cidr_item(self) -> Json:
        if self._by_chance(0.5):
            item: Json = {"cidrGroupRef": self._one_of(*_GROUPS)}
        else:
            item = {"cidrGroupSelector": self._by_team(_TEAMS)}
        if self._by_chance(0.1):
            item["except"] = ["203.0.113.7/32"]
        return item

    def _service(self) -> Json:
        where: Json = {"namespace": self._one_of(*NAMESPACES)} if self._by_chance(0.8) else {}
        if self._by_chance(0.7):
            return {"k8sService": {"serviceName": self._one_of(*_SERVICES), **where}}
        return {"k8sServiceSelector": {"selector": self._by_team((*_TEAMS, "other")), **where}}

    def _by_team(self, values: tuple[str, ...]) -> Json:
        if self._by_chance(0.6):
            return {"matchLabels": {"team": self._one_of(*values)}}
        operator = self._one_of("In", "NotIn", "Exists", "DoesNotExist")
        expression: Json = {"key": "team", "operator": operator}
        if operator in ("In", "NotIn"):
            expression["values"] = [*self._some(*values)]
        return {"matchExpressions": [expression]}

    def _to_ports(self, deny: bool) -> Json:
        item = super()._to_ports(deny)
        if not deny and "rules" not in item and self._by_chance(0.05):
            item["ports"] = [{"port": str(self._one_of(*PORTS)), "protocol": "TCP"}]
            item["rules"] = {"http": [self._one_of(*_HTTP)]}
        return item

    def _port(self) -> Json:
        if self._by_chance(0.1):
            protocol = self._one_of("TCP", "UDP", "ANY")
            return {"port": self._one_of(*_PORT_NAMES), "protocol": protocol}
        if self._by_chance(0.02):
            return {
                "port": self._one_of("8", "0", "128"),
                "protocol": self._one_of("ICMP", "icmpv6"),
            }
        return super()._port()

    def _kubernetes_port(self) -> Json:
        if self._by_chance(0.1):
            return {"port": self._one_of("metrics", "http"), "protocol": self._one_of("TCP", "UDP")}
        return super()._kubernetes_port()

    def _key(
        self, prefixes: bool, subject: bool, keys: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...]]:
        if prefixes and self._by_chance(0.04):
            return self._one_of("", "k8s:", "any:") + SERVICE_ACCOUNT, _ACCOUNTS
        return super()._key(prefixes, subject, keys)
