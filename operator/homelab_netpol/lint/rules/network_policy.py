"""Kubernetes' NetworkPolicy: which directions it is about, and what its lists mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from homelab_netpol.cilium.evaluation.matchers import select
from homelab_netpol.lint.conditions import network_policy_peer
from homelab_netpol.lint.examples import network_policy
from homelab_netpol.lint.given import Given, GivenPods
from homelab_netpol.lint.peers import peers_of
from homelab_netpol.lint.policies import (
    DIRECTIONS,
    EGRESS,
    INGRESS,
    PolicyView,
    RuleView,
    SpecView,
    items,
    mapping,
)
from homelab_netpol.lint.rule import Hit, RemoveField, Rule, SetField, Severity


def _specs(given: Given) -> Iterator[tuple[PolicyView, SpecView]]:
    for policy in given.policies:
        for spec in () if policy.cilium else policy.specs:
            yield policy, spec


def _types_missing(given: Given) -> Iterator[Hit]:
    for policy, spec in _specs(given):
        if spec.body.get("policyTypes") or EGRESS not in spec.body:
            continue
        has_egress = bool(items(spec.body[EGRESS]))
        if has_egress and items(spec.body.get(INGRESS)):
            continue  # both directions have rules, and both are closed
        if has_egress:
            message = (
                "policyTypes is not given: the policy closes ingress as well, and no rule allows"
                " any"
            )
            value = "[Ingress, Egress]"
        else:
            message = (
                "policyTypes is not given, and egress has no rule: the policy is about ingress"
                " only, and closes no egress"
            )
            value = "[Ingress]"
        edit = None if "policyTypes" in spec.body else SetField(spec.path, "policyTypes", value)
        yield Hit(policy.manifest, (*spec.path, EGRESS), message, edit=edit)


TYPES_MISSING = Rule(
    id="NP202",
    name="policy-types-missing",
    severity=Severity.WARNING,
    summary="A NetworkPolicy with `egress` and without `policyTypes`.",
    why="Without `policyTypes` a NetworkPolicy is always about ingress, and about egress only if it"
    " has an egress rule. One with egress rules alone closes all ingress, and `egress: []` closes"
    " nothing.",
    fix="Write `policyTypes`. `--fix` writes what is in force, for its author to look at.",
    wrong=network_policy(
        "photos-to-nas",
        """\
  podSelector: {}
  egress:
    - to: [{ipBlock: {cidr: 192.168.1.10/32}}]
      ports: [{port: 2049, protocol: TCP}]
""",
    ),
    right=network_policy(
        "photos-to-nas",
        """\
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 192.168.1.10/32}}]
      ports: [{port: 2049, protocol: TCP}]
""",
    ),
    check=_types_missing,
    fixable=True,
)


def _left_out(given: Given) -> Iterator[Hit]:
    for policy, spec in _specs(given):
        types = items(spec.body.get("policyTypes"))
        for direction in DIRECTIONS if types else ():
            if direction not in spec.body or direction.title() in types:
                continue
            where = (*spec.path, direction)
            if items(spec.body[direction]):
                yield Hit(
                    policy.manifest,
                    where,
                    f"policyTypes leaves {direction.title()} out: Kubernetes has these rules"
                    " ignored, and Cilium applies them",
                )
            elif isinstance(spec.body[direction], list):
                yield Hit(
                    policy.manifest,
                    where,
                    f"is empty, and policyTypes leaves {direction.title()} out: it closes nothing",
                    Severity.WARNING,
                    RemoveField(where),
                )


TYPE_LEFT_OUT = Rule(
    id="NP203",
    name="policy-type-left-out",
    severity=Severity.ERROR,
    summary="A NetworkPolicy has a direction that its `policyTypes` leaves out.",
    why="Kubernetes' own rule is that such rules are ignored; Cilium applies them all the same, and"
    " closes the direction by them. The same manifest means two things. An empty list is"
    " ignored by both: it looks like a default deny, and is none.",
    fix="Add the direction to `policyTypes`, or take its rules out. `--fix` takes an empty"
    " list out.",
    wrong=network_policy(
        "photos-from-proxy",
        """\
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: proxy}}}]
      ports: [{port: 8080, protocol: TCP}]
  egress: []
""",
    ),
    right=network_policy(
        "photos-from-proxy",
        """\
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: proxy}}}]
      ports: [{port: 8080, protocol: TCP}]
  egress: []
""",
    ),
    check=_left_out,
    fixable=True,
)


def _or_for_and(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        for rule in policy.rules if policy.cilium and policy.namespace else ():
            yield from _or_in_cilium(given, policy, rule)
    for policy, spec in _specs(given):
        for rule in spec.rules:
            peers = [mapping(each) for each in rule.peers()]
            for index, (first, second) in enumerate(pairwise(peers)):
                if not _is_pair(first, second) or _is_meant(given, policy, second):
                    continue
                yield Hit(policy.manifest, (*rule.path, rule.way, index + 1), _said(policy))


def _or_in_cilium(given: Given, policy: PolicyView, rule: RuleView) -> Iterator[Hit]:
    """The same in the words of a CiliumNetworkPolicy."""
    peers = list(peers_of(rule, policy))
    for first, second in pairwise(peers):
        is_pair = bool(first.requirements and second.requirements) and (
            all(one.is_of_namespace for one in first.requirements)
            and not any(one.is_of_namespace for one in second.requirements)
        )
        pods = given.pods(policy.namespace)
        if is_pair and not any(second.selector.matches(each.pod) is not False for each in pods):
            yield Hit(policy.manifest, second.path, _said(policy))


def _said(policy: PolicyView) -> str:
    return (
        "is a peer of its own: the rule is for every pod of the namespaces above, and for these"
        f" pods of {policy.namespace}, not for these pods of those namespaces"
    )


def _is_pair(first: object, second: object) -> bool:
    """A namespaceSelector alone, and then a podSelector alone."""
    one, two = mapping(first), mapping(second)
    return (
        set(one) == {"namespaceSelector"}
        and set(two) == {"podSelector"}
        and any(mapping(two["podSelector"]).values())
    )


def _is_meant(given: Given, policy: PolicyView, peer: object) -> bool:
    """The pods of the second are in the policy's own namespace."""
    found = network_policy_peer(mapping(peer), policy.namespace)
    pods: list[GivenPods] = list(given.pods(policy.namespace))
    return found is None or any(select(found).matches(each.pod) is not False for each in pods)


OR_FOR_AND = Rule(
    id="NP204",
    name="or-where-and-is-meant",
    severity=Severity.WARNING,
    summary="A namespace and the labels of its pods as two items of `from`, `to` or"
    " `fromEndpoints`.",
    why="Items of the list are alternatives. With a `-` before each, everything in those namespaces"
    " is let in, and beside it pods with those labels of the policy's own namespace. In one item"
    " they are one condition: those pods in those namespaces. Nothing is reported when the"
    " policy's own namespace has such pods.",
    fix="Take the second `-` away. If both are meant, write two rules.",
    wrong=network_policy(
        "photos-from-prometheus",
        """\
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}
        - podSelector: {matchLabels: {app.kubernetes.io/name: prometheus}}
      ports: [{port: 9090, protocol: TCP}]
""",
    ),
    right=network_policy(
        "photos-from-prometheus",
        """\
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}
          podSelector: {matchLabels: {app.kubernetes.io/name: prometheus}}
      ports: [{port: 9090, protocol: TCP}]
""",
    ),
    check=_or_for_and,
)


def _every_peer(given: Given) -> Iterator[Hit]:
    for policy, spec in _specs(given):
        for rule in spec.rules:
            if not rule.body:
                yield Hit(
                    policy.manifest,
                    rule.path,
                    f"`{{}}` allows all {rule.direction}: in a NetworkPolicy a rule without peers"
                    " is for every peer",
                )
            elif rule.way in rule.body and rule.body[rule.way] in ([], None):
                yield Hit(
                    policy.manifest,
                    (*rule.path, rule.way),
                    f"`{rule.way}:` without an item is for every peer, not for none",
                )


EVERY_PEER = Rule(
    id="NP205",
    name="empty-rule-allows",
    severity=Severity.WARNING,
    summary="A rule of a NetworkPolicy without peers: `{}`, or an empty `from` or `to`.",
    why="In a NetworkPolicy an empty rule allows everything, and an empty list of peers means every"
    " peer. It is the other way round in Cilium's policies, where `{}` allows nothing and an empty"
    " list of endpoints selects none.",
    fix="For no peer, have no rule: `ingress: []` with `policyTypes: [Ingress]`. Else name the"
    " peers.",
    wrong=network_policy(
        "photos-web",
        """\
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress:
    - from: []
      ports: [{port: 8080, protocol: TCP}]
""",
    ),
    right=network_policy(
        "photos-web",
        """\
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress: []
""",
    ),
    check=_every_peer,
)

RULES = (TYPES_MISSING, TYPE_LEFT_OUT, OR_FOR_AND, EVERY_PEER)
