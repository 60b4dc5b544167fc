"""Deny rules, and policies that only add. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from homelab_netpol.cilium.networks import contains
from homelab_netpol.cilium.terms import parse_cidr
from homelab_netpol.lint.conditions import requirements
from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.peers import networks_of
from homelab_netpol.lint.policies import DIRECTIONS, RuleView, items, mapping
from homelab_netpol.lint.rule import Hit, Rule, Severity

_CLOSING_WORDS = re.compile(
    r"\b(deny|denies|block|blocks|isolate|isolates|isolation|restrict\w*|lock\w*down)\b", re.I
)
# More are in no policy that is written by hand.
_MOST_PAIRS = 250_000
_WORLD = frozenset({"world", "all"})


def _deny_closes(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        if not policy.cilium:
            continue
        for spec in policy.specs:
            if "endpointSelector" not in spec.body:
                continue
            said = mapping(spec.body.get("enableDefaultDeny"))
            for direction in DIRECTIONS:
                denies = items(spec.body.get(f"{direction}Deny"))
                if denies and not items(spec.body.get(direction)) and said.get(direction) is None:
                    yield Hit(
                        policy.manifest,
                        (*spec.path, f"{direction}Deny"),
                        f"also denies all other {direction} of these pods that no policy allows:"
                        f" enableDefaultDeny.{direction} is not given, and then a deny rule"
                        " switches it on",
                    )


DENY_CLOSES = Rule(
    id="NP110",
    name="deny-rule-closes",
    severity=Severity.WARNING,
    summary="Only deny rules in a direction, and no word on the default deny that they bring.",
    why="In Cilium any rule of a direction, a deny rule too, makes the direction one in which only"
    " what is allowed passes. A policy that was to keep one peer out keeps all others out"
    " too, where no other policy lets them in.",
    fix="Say which is meant: `enableDefaultDeny: {ingress: false}` for the deny rules alone, or"
    " `true`.",
    wrong=cilium_policy(
        "no-cameras",
        """\
  endpointSelector: {}
  ingressDeny:
    - fromCIDR: [192.168.66.0/24]
""",
    ),
    right=cilium_policy(
        "no-cameras",
        """\
  endpointSelector: {}
  enableDefaultDeny: {ingress: false}
  ingressDeny:
    - fromCIDR: [192.168.66.0/24]
""",
    ),
    check=_deny_closes,
)


def _additive(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        if not policy.cilium:
            continue
        words = f"{policy.manifest.name.replace('-', ' ')} "
        for spec in policy.specs:
            said = mapping(spec.body.get("enableDefaultDeny"))
            description = spec.body.get("description")
            text = words + (description if isinstance(description, str) else "")
            for direction in DIRECTIONS:
                rules = spec.of(direction, deny=False)
                if said.get(direction) is not False or not rules:
                    continue
                if spec.of(direction, deny=True):
                    continue
                where = (*spec.path, "enableDefaultDeny", direction)
                if all(rule.allows_nothing for rule in rules):
                    message = (
                        f"the {direction} rules do nothing: they allow nothing, and this keeps"
                        " them from denying"
                    )
                    yield Hit(policy.manifest, where, message)
                elif _CLOSING_WORDS.search(text):
                    message = (
                        f"the {direction} rules deny nothing, whatever the name or description"
                        " says: they only add to what is allowed"
                    )
                    yield Hit(policy.manifest, where, message)


ADDITIVE = Rule(
    id="NP111",
    name="additive-policy-read-as-closing",
    severity=Severity.WARNING,
    summary="`enableDefaultDeny: false` in a policy that is to close something.",
    why="Such a policy only adds to what is allowed. Where no other policy closes the direction,"
    " all of it stays open; and where its rules allow nothing, it does nothing at all.",
    fix="Take `enableDefaultDeny` out, or name the policy for what it adds.",
    wrong=cilium_policy(
        "photos-restrict",
        """\
  endpointSelector: {}
  enableDefaultDeny: {ingress: false}
  ingress:
    - fromEndpoints: [{matchLabels: {app: proxy}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-from-proxy",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{matchLabels: {app: proxy}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_additive,
)


def _deny_wins(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        if not policy.cilium:
            continue
        for spec in policy.specs:
            for direction in DIRECTIONS:
                denies = spec.of(direction, deny=True)
                allows = spec.of(direction, deny=False)
                if len(denies) * len(allows) > _MOST_PAIRS:
                    continue
                for rule in allows:
                    over = next((each for each in denies if _covers(each, rule)), None)
                    if over is not None:
                        place = f"{direction}Deny[{over.path[-1]}]"
                        yield Hit(
                            policy.manifest,
                            rule.path,
                            f"never holds: {place} denies all of it, and a deny rule wins wherever"
                            " it stands",
                        )


def _covers(deny: RuleView, allow: RuleView) -> bool:
    """Whether a deny rule certainly hits everything that another one allows."""
    if allow.allows_nothing or not _covers_ports(deny, allow):
        return False
    kinds = [kind for kind in allow.peer_kinds if allow.peers(kind)]
    if len(kinds) != 1:
        return False
    [kind] = kinds
    return all(_covers_peer(deny, kind, peer) for peer in allow.peers(kind))


def _covers_peer(deny: RuleView, kind: str, peer: Any) -> bool:
    entities = {each for each in deny.peers("Entities") if isinstance(each, str)}
    if "all" in entities:
        return True
    match kind:
        case "Entities":
            return isinstance(peer, str) and peer in entities
        case "CIDR" | "CIDRSet":
            cidr = peer if kind == "CIDR" else mapping(peer).get("cidr")
            if not isinstance(cidr, str):
                return False
            return bool(entities & _WORLD) or _in_networks(deny, cidr)
        case "FQDNs":
            return bool(entities & _WORLD)
        case "Endpoints":
            asked = requirements(peer)
            others = [requirements(each) for each in deny.peers("Endpoints")]
            return asked is not None and any(
                each is not None and _same(each) == _same(asked) for each in others
            )
    return False


def _same(found: list[Any]) -> set[tuple[Any, ...]]:
    return {(one.source, one.key, one.operator, frozenset(one.values)) for one in found}


def _in_networks(deny: RuleView, cidr: str) -> bool:
    inner = parse_cidr(cidr)
    outer = (parse_cidr(each.cidr) for each in networks_of(deny) if each.whole)
    return inner is not None and any(each is not None and contains(each, inner) for each in outer)


def _covers_ports(deny: RuleView, allow: RuleView) -> bool:
    if not deny.has_ports:
        return True
    if items(deny.body.get("icmps")) or items(allow.body.get("icmps")):
        return False
    denied = [_port(port) for _, port in deny.ports()]
    allowed = [_port(port) for _, port in allow.ports()]
    return bool(allowed) and all(each in denied for each in allowed)


def _port(port: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(port.get(each)) for each in ("port", "endPort", "protocol"))


DENY_WINS = Rule(
    id="NP114",
    name="allowed-and-denied",
    severity=Severity.ERROR,
    summary="A rule allows what a deny rule of the same policy denies.",
    why="Rules have no order: neither the one that comes first wins nor the narrower one. A deny"
    " rule wins over every rule that allows, of every policy, the escape hatch's included.",
    fix="Narrow the deny rule: leave the exception out of it (`except`, a selector that does not"
    " mean it). Or take the deny rule out, as what nothing allows is denied anyway.",
    wrong=cilium_policy(
        "photos-from-nas",
        """\
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.10/32]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
  ingressDeny:
    - fromCIDR: [192.168.0.0/16]
""",
    ),
    right=cilium_policy(
        "photos-from-nas",
        """\
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.10/32]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
  ingressDeny:
    - fromCIDRSet: [{cidr: 192.168.0.0/16, except: [192.168.1.10/32]}]
""",
    ),
    check=_deny_wins,
)


RULES = (DENY_CLOSES, ADDITIVE, DENY_WINS)
