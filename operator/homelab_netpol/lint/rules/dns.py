"""DNS: forgotten after a default deny, and the DNS rule that `toFQDNs` lives on. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from homelab_netpol.cilium.dns_patterns import dns_pattern_holds
from homelab_netpol.cilium.selectors import Requirement
from homelab_netpol.lint.conditions import network_policy_peer, own_namespace, requirements
from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.policies import EGRESS, PolicyView, RuleView, items, mapping
from homelab_netpol.lint.rule import Hit, Rule, Severity

_DNS = "53"
# On which pods of DNS servers listen, where a Service translates.
_DNS_OF_PODS = ("1053", "5353", "9053")
# Peers that are not called by a name.
_BY_ADDRESS = frozenset({"CIDR", "CIDRSet", "Nodes"})


def _forgotten(given: Given) -> Iterator[Hit]:
    if given.with_operator and given.catalogue.settings.dns.servers:
        return  # its baseline lets every pod ask, and stands wherever it denies
    servers = {each.namespace for each in given.catalogue.settings.dns.servers}
    for policy in given.by_hand:
        for spec in policy.specs:
            named = [each for each in spec.of(EGRESS, deny=False) if _calls_by_name(each)]
            if not named or not spec.closes(EGRESS) or spec.subject is None:
                continue
            if any(
                _may_ask(rule, other, servers)
                for other in given.of_namespace(policy.namespace)
                for rule in other.rules
                if rule.direction == EGRESS and not rule.deny
            ):
                continue
            yield Hit(
                policy.manifest,
                (*spec.path, EGRESS),
                "closes egress, and no policy that is given lets these pods ask the cluster's DNS:"
                " no name can be resolved",
            )


def _calls_by_name(rule: RuleView) -> bool:
    """It allows something that clients call by a name."""
    if rule.allows_nothing:
        return False
    if not rule.cilium:
        return any("ipBlock" not in mapping(each) for each in rule.peers())
    return any(rule.peers(kind) for kind in rule.peer_kinds if kind not in _BY_ADDRESS)


def _may_ask(rule: RuleView, policy: PolicyView, servers: set[str | None]) -> bool:
    """It lets its pods ask DNS servers, or may: that it does not is certain otherwise."""
    if rule.has_ports and not any(_is_dns(port.get("port"), port) for _, port in rule.ports()):
        return bool(_dns_names(rule))  # servers that listen on another port
    if not rule.cilium:
        peers = rule.peers()
        return not peers or any(
            _may_mean(network_policy_peer(mapping(each), policy.namespace), servers)
            for each in peers
        )
    kinds = [kind for kind in rule.peer_kinds if rule.peers(kind)]
    if not kinds:
        return rule.has_ports
    if kinds == ["FQDNs"]:
        return False
    if kinds != ["Endpoints"]:
        return True
    return any(
        _may_mean(_with_own(requirements(each), policy.namespace), servers)
        for each in rule.peers("Endpoints")
    )


def _is_dns(number: Any, port: Any) -> bool:
    text, end = str(number), port.get("endPort")
    if number is None or not text.isdigit():
        return True
    if not isinstance(end, int):
        return text in (_DNS, "0", *_DNS_OF_PODS)
    return text == "0" or int(text) <= int(_DNS) <= end


def _with_own(found: list[Requirement] | None, namespace: str) -> list[Requirement] | None:
    if found is None or not namespace or any(one.is_of_namespace for one in found):
        return found
    return [*found, own_namespace(namespace)]


def _may_mean(found: list[Requirement] | None, servers: set[str | None]) -> bool:
    """A selector may mean pods of a namespace with DNS servers."""
    if found is None:
        return True
    names = [one for one in found if one.is_of_namespace_name]
    return any(all(one.holds(each) for one in names) for each in servers) or None in servers


DNS_FORGOTTEN = Rule(
    id="NP109",
    name="dns-forgotten",
    severity=Severity.WARNING,
    summary="Egress is closed and opened again to peers that are called by name, without DNS.",
    why="A pod that may reach a Service and not the cluster's DNS does not get to know the"
    " Service's address: it fails with a timeout of name resolution. With the operator there,"
    " `baseline-dns-egress` allows every pod DNS, and nothing is reported.",
    fix="Allow the DNS servers on port 53, UDP and TCP.",
    wrong=cilium_policy(
        "photos-to-database",
        """\
  endpointSelector: {}
  egress:
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: database}
      toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-to-database",
        """\
  endpointSelector: {}
  egress:
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: database}
      toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}
      toPorts: [{ports: [{port: "53", protocol: UDP}, {port: "53", protocol: TCP}]}]
""",
    ),
    check=_forgotten,
)


def _without_dns_rule(given: Given) -> Iterator[Hit]:
    if given.with_operator and given.catalogue.settings.dns.proxy:
        return  # its baseline sends every lookup through the proxy
    for policy in given.policies:
        for rule in policy.rules:
            names = [mapping(each) for each in rule.peers("FQDNs")] if rule.cilium else []
            if not names:
                continue
            patterns = _looked_at(given, policy)
            # Another tree may hold the rule.
            severity = None if given.whole else Severity.WARNING
            if not patterns:
                yield Hit(
                    policy.manifest,
                    (*rule.path, "toFQDNs"),
                    "opens nothing: no policy that is given sends the lookups of these pods through"
                    " Cilium's DNS proxy, so that no address is known for the names",
                    severity,
                )
                continue
            for index, name in enumerate(names):
                text = name.get("matchName")
                if isinstance(text, str) and not _is_looked_at(text, patterns):
                    yield Hit(
                        policy.manifest,
                        (*rule.path, "toFQDNs", index),
                        f"{text} opens nothing: the DNS rules that are given do not let it be"
                        " looked up",
                        severity,
                    )


def _looked_at(given: Given, policy: PolicyView) -> list[str]:
    """The names and patterns of all DNS rules that may be about a policy's pods."""
    return [
        text
        for other in given.of_namespace(policy.namespace)
        for rule in other.rules
        if rule.cilium and rule.direction == EGRESS
        for text in _dns_names(rule)
    ]


def _dns_names(rule: RuleView) -> list[str]:
    """The names and patterns that the DNS rules within a rule let be looked up."""
    return [
        text
        for entry in (items(rule.body.get("toPorts")) if rule.cilium else ())
        for dns in items(mapping(mapping(entry).get("rules")).get("dns"))
        for text in mapping(dns).values()
        if isinstance(text, str)
    ]


def _is_looked_at(name: str, patterns: list[str]) -> bool:
    return any(each == "*" or dns_pattern_holds(each, name) for each in patterns)


FQDN_WITHOUT_DNS = Rule(
    id="NP108",
    name="fqdn-without-dns-rule",
    severity=Severity.ERROR,
    summary="`toFQDNs` without a DNS rule for the same pods.",
    why="An error in a cluster; in files, where another tree may hold the rule, a warning. Cilium"
    " learns the addresses of a name from the answers that pass its DNS proxy, and only"
    " lookups under a rule with `rules: {dns: [...]}` do. Without one the name has no address,"
    " and the rule opens nothing. The setting `dns.proxy` makes the operator's baseline such a"
    " rule.",
    fix='Add a rule to the DNS servers, port 53, with `rules: {dns: [{matchPattern: "*"}]}`.',
    wrong=cilium_policy(
        "photos-to-maps",
        """\
  endpointSelector: {}
  egress:
    - toFQDNs: [{matchName: tiles.example.org}]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}
      toPorts: [{ports: [{port: "53", protocol: ANY}]}]
""",
    ),
    right=cilium_policy(
        "photos-to-maps",
        """\
  endpointSelector: {}
  egress:
    - toFQDNs: [{matchName: tiles.example.org}]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}
      toPorts:
        - ports: [{port: "53", protocol: ANY}]
          rules: {dns: [{matchPattern: "*"}]}
""",
    ),
    check=_without_dns_rule,
)

RULES = (FQDN_WITHOUT_DNS, DNS_FORGOTTEN)
