"""Random rules for the comparison of our checks with Cilium's: sound, nearly sound, and damaged.

Every choice comes from one seeded generator. A value is taken from a pool of sound ones, now and
then from one of wrong ones; then something anywhere in the rule may be damaged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.dice import seeded
from tests.truth import random_expressions, random_values
from tests.truth.random_damage import damaged, mistyped
from tests.truth.random_values import Pool

Rule = dict[str, Any]

# How often a value comes from the pool of wrong ones. A rule has about 30 values.
_WRONG = 0.008
# And how often it is mistyped as well, which need not make it wrong.
_MISTYPED = 0.008


class RandomRules:
    """Makes rules.

    Args:
        seed: of the random generator; the same seed gives the same rules.
    """

    def __init__(self, seed: int) -> None:
        self._random = seeded(seed)

    def rules(self, count: int) -> list[Any]:
        """So many rules; about half of them have been damaged on purpose."""
        return [self._rule() for _ in range(count)]

    def expressions(self, count: int) -> list[str]:
        """So many regular expressions, thrown together from pieces of them."""
        return [self._expression_of_pieces(8) for _ in range(count)]

    def _rule(self) -> Any:
        r = self._random
        rule: Rule = {"endpointSelector": self._selector()}
        directions = r.sample(
            ["ingress", "egress", "ingressDeny", "egressDeny"], r.choice([1, 1, 2])
        )
        for direction in directions:
            rule[direction] = self._many(partial(self._direction, direction), 1, 3)
        self._perhaps(rule, "enableDefaultDeny", 0.2, self._default_deny)
        self._perhaps(rule, "description", 0.1, lambda: "what it is for")
        self._perhaps(rule, "labels", 0.05, lambda: [{"key": "team", "value": "home"}])
        self._perhaps(rule, "log", 0.05, lambda: {"value": self._from(random_values.LOG)})
        self._perhaps(rule, "nodeSelector", 0.003, self._selector)
        for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
            rule = damaged(rule, r)
        return rule

    def _direction(self, direction: str) -> Rule:
        r = self._random
        ingress, deny = direction.startswith("in"), direction.endswith("Deny")
        way = "from" if ingress else "to"
        rule: Rule = {}
        for _ in range(1 if r.random() > _WRONG else 2):
            if r.random() < 0.97:
                kinds = ["Endpoints", "Entities", "CIDR", "CIDRSet", "Groups", "Services", "FQDNs"]
                weights = [8, 5, 4, 4, 0.3, 0.3, 3]
                [kind] = r.choices(kinds, weights)
                if kind in ("Services", "FQDNs") and (ingress or deny) and r.random() > _WRONG:
                    kind = "Endpoints"
                rule[f"{way}{kind}"] = self._peers(kind)
        self._perhaps(rule, f"{way}Nodes", 0.003, lambda: [self._selector()])
        self._perhaps(rule, f"{way}Requires", 0.003, lambda: r.choice([[], ["x"], [{}]]))
        chosen = r.random()
        if chosen < 0.6:
            ports = self._denied_ports if deny else lambda: self._port_rule(ingress)
            rule["toPorts"] = self._many(ports, 1, 2)
        if 0.59 < chosen < 0.75:
            rule["icmps"] = self._many(self._icmp, 1, 2)
        if not deny or r.random() < _WRONG:
            self._perhaps(
                rule,
                "authentication",
                0.03,
                lambda: {"mode": self._from(random_values.AUTHENTICATION)},
            )
        return rule

    def _peers(self, kind: str) -> list[Any]:
        makers: dict[str, Callable[[], Any]] = {
            "Endpoints": self._selector,
            "Entities": lambda: self._from(random_values.ENTITIES),
            "CIDR": lambda: self._from(random_values.CIDRS),
            "CIDRSet": self._cidr_set,
            "Groups": lambda: {"aws": {"securityGroupsIds": ["sg-1"], "labels": {"a": "b"}}},
            "Services": self._service,
            "FQDNs": self._fqdn,
        }
        return self._many(makers[kind], 1, 3)

    def _selector(self) -> Rule:
        r = self._random
        selector: Rule = {}
        if r.random() < 0.5:
            selector["matchLabels"] = {
                self._from(random_values.LABEL_KEYS): self._from(random_values.LABEL_VALUES)
                for _ in range(r.choice([0, 1, 1, 2]))
            }
        if r.random() < 0.3:
            selector["matchExpressions"] = self._many(self._expression, 0, 2)
        return selector

    def _expression(self) -> Rule:
        operator = self._from(random_values.OPERATORS)
        expression: Rule = {"key": self._from(random_values.LABEL_KEYS), "operator": operator}
        wants_values = operator in ("In", "NotIn")
        if wants_values != (self._random.random() < _WRONG):
            expression["values"] = self._many(lambda: self._from(random_values.LABEL_VALUES), 1, 3)
        return expression

    def _cidr_set(self) -> Rule:
        r = self._random
        [kind] = r.choices(["cidr", "cidrGroupRef", "cidrGroupSelector"], [8, 1, 1])
        makers: dict[str, Callable[[], Any]] = {
            "cidr": lambda: self._from(random_values.CIDRS),
            "cidrGroupRef": lambda: self._from(random_values.OBJECT_NAMES),
            "cidrGroupSelector": self._selector,
        }
        item: Rule = {kind: makers[kind]()}
        if r.random() < 0.3:
            outer = r.choice(list(random_values.INSIDE))
            item = {"cidr": outer, "except": [r.choice(random_values.INSIDE[outer])]}
            if r.random() < 0.1:
                item["except"].append(
                    r.choice([r.choice(random_values.INSIDE[outer]), "10.0.0.0/8"])
                )
        if r.random() < _WRONG:
            item[r.choice(list(makers))] = r.choice(["", "10.0.0.0/8", {}])
        return item

    def _service(self) -> Rule:
        by_name = {"k8sService": {"serviceName": "web", "namespace": "shop"}}
        by_labels = {"k8sServiceSelector": {"selector": self._selector(), "namespace": "shop"}}
        return self._random.choice([by_name, by_labels])

    def _fqdn(self) -> Rule:
        name = {"matchName": self._from(random_values.DNS_NAMES)}
        pattern = {"matchPattern": self._from(random_values.DNS_PATTERNS)}
        if self._random.random() < _WRONG:
            return self._random.choice([{}, {**name, **pattern}, {"matchName": "", **pattern}])
        return self._random.choice([name, pattern])

    def _port_rule(self, ingress: bool) -> Rule:
        r = self._random
        layer_7 = r.choices(["", "http", "dns"], [6, 3, 0.1 if ingress else 1])[0]
        rule: Rule = {"ports": self._many(lambda: self._port(layer_7), 1, 3)}
        if layer_7 == "http":
            rule["rules"] = {"http": self._many(self._http, 1, 2)}
        if layer_7 == "dns":
            rule["rules"] = {"dns": self._many(self._fqdn, 1, 2)}
        rare = 0.15 if r.random() < 0.1 else 0.005
        tls = {"secret": {"name": "tls", "namespace": "shop"}, "certificate": "tls.crt"}
        self._perhaps(rule, "serverNames", rare, lambda: self._many(self._server_name, 1, 2))
        self._perhaps(rule, "terminatingTLS", rare, lambda: dict(tls))
        self._perhaps(rule, "originatingTLS", rare, lambda: {"secret": {"name": "tls"}})
        self._perhaps(rule, "listener", 0.01 if ingress else 0.03, self._listener)
        return rule

    def _denied_ports(self) -> Rule:
        return {"ports": self._many(lambda: self._port(""), 1, 3)}

    def _server_name(self) -> Any:
        return self._from(random_values.DNS_PATTERNS)

    def _listener(self) -> Rule:
        r = self._random
        listener: Rule = {"name": "web", "envoyConfig": {"name": "config"}}
        self._perhaps(listener, "priority", 0.5, lambda: r.choice([1, 50, 100, 0, 101]))
        kinds = ["CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig", "EnvoyConfig"]
        self._perhaps(listener["envoyConfig"], "kind", 0.5, lambda: r.choice(kinds))
        return listener

    def _port(self, layer_7: str) -> Rule:
        r = self._random
        number = self._from(random_values.PORTS)
        if layer_7 and number == "0" and r.random() > _WRONG:
            number = "53"
        port: Rule = {"port": number}
        if layer_7 == "http":
            port["protocol"] = "TCP" if r.random() > _WRONG else r.choice(["UDP", "ANY", "tcp"])
        else:
            self._perhaps(port, "protocol", 0.8, lambda: self._from(random_values.PROTOCOLS))
        ranged = layer_7 != "dns" and number in ("1", "80", "443", "8080")
        ends = [0, 8080, 9999, 65535, 65535] if ranged else [0, 80, 443, 65535]
        self._perhaps(port, "endPort", 0.2 if ranged else 0.01, lambda: r.choice(ends))
        return port

    def _http(self) -> Rule:
        rule: Rule = {}
        self._perhaps(rule, "path", 0.7, lambda: self._expression_text(random_expressions.PATHS))
        self._perhaps(rule, "method", 0.5, lambda: self._from(random_expressions.METHODS))
        self._perhaps(rule, "host", 0.1, lambda: self._from(random_expressions.HOSTS))
        self._perhaps(rule, "headers", 0.1, lambda: ["X-Token: 1", "X-Other"])
        self._perhaps(rule, "headerMatches", 0.1, lambda: self._many(self._header, 1, 2))
        return rule

    def _expression_text(self, pool: Pool) -> Any:
        """Mostly from the pool; else pieces of expressions, thrown together."""
        if self._random.random() > 0.1:
            return self._from(pool)
        return self._expression_of_pieces(4)

    def _expression_of_pieces(self, most: int) -> str:
        count = self._random.randint(1, most)
        return "".join(self._random.choices(random_expressions.PIECES, k=count))

    def _header(self) -> Rule:
        header: Rule = {"name": self._from(random_values.HEADER_NAMES)}
        self._perhaps(header, "value", 0.5, lambda: "1")
        self._perhaps(header, "mismatch", 0.5, lambda: self._from(random_values.MISMATCHES))
        self._perhaps(
            header, "secret", 0.2, lambda: {"name": self._from(random_values.OBJECT_NAMES)}
        )
        return header

    def _icmp(self) -> Rule:
        return {"fields": self._many(self._icmp_field, 1, 3)}

    def _icmp_field(self) -> Rule:
        [family] = self._random.choices(["", "IPv4", "IPv6", "ipv6"], [1, 2, 2, 2 * _WRONG])
        pool = random_values.ICMP_V6 if family == "IPv6" else random_values.ICMP_V4
        field: Rule = {"type": self._from(pool)}
        if family:
            field["family"] = family
        return field

    def _default_deny(self) -> Rule:
        return {way: self._random.random() < 0.5 for way in ("ingress", "egress")}

    def _perhaps(self, where: Rule, key: str, share: float, make: Callable[[], Any]) -> None:
        if self._random.random() < share:
            where[key] = make()

    def _many(self, make: Callable[[], Any], least: int, most: int) -> list[Any]:
        r = self._random
        if r.random() < 0.002:
            return [make() for _ in range(r.choice([0, 40, 41]))]
        return [make() for _ in range(r.randint(least, most))]

    def _from(self, pool: Pool) -> Any:
        r = self._random
        value = r.choice(pool.wrong if pool.wrong and r.random() < _WRONG else pool.sound)
        return mistyped(value, r) if isinstance(value, str) and r.random() < _MISTYPED else value
