"""Rules for a namespace's own pods that stand at one end only, and so let nothing pass. Pure.

Both ends of such a connection are in the namespace, and under its policies: what is let in from
other pods of it must be let out by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab_netpol.cilium.evaluation import (
    Direction,
    Outcome,
    Pod,
    PolicyRef,
    ReadPolicy,
    egress_verdict,
    ingress_verdict,
)
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Matcher
from homelab_netpol.cilium.evaluation.policy import Rule
from homelab_netpol.cilium.evaluation.verdict import selected
from homelab_netpol.cilium.selectors import Operator
from homelab_netpol.findings.finding import name_ports
from homelab_netpol.findings.needs import Port
from homelab_netpol.platform_policies.results import RuleResult, RuleState
from homelab_netpol.platform_policies.surroundings import Looked

_WAYS = {Direction.INGRESS: "from", Direction.EGRESS: "to"}


def one_sided_rules(looked: Looked) -> Iterator[RuleResult]:
    """Finds them: one result for each direction that lacks the other end's rule."""
    namespace, pods = looked.namespace, looked.pods
    for direction in Direction:
        other = Direction.EGRESS if direction is Direction.INGRESS else Direction.INGRESS
        closed: dict[Port, set[PolicyRef]] = {}
        for pod in pods:
            for one in selected(looked.own, pod, direction):
                if one.certainty is True and one.rule.allows and _is_about(one.rule, namespace):
                    for port in _ports(one.rule):
                        if _is_closed(one.rule, pod, pods, looked.every, other, port):
                            closed.setdefault(port, set()).add(one.ref)
        if not closed:
            continue
        ports = name_ports((*port, None) for port in closed)
        refs = tuple(sorted(set().union(*closed.values())))
        names = ", ".join(map(str, refs))
        message = (
            f"{names} lets pods of {namespace} reach one another on {ports} by its"
            f" {direction.value}, and their {other.value} is denied: no rule allows it there."
        )
        listed = [{"port": str(number), "protocol": protocol} for protocol, number in closed]
        rule = {f"{_WAYS[other]}Endpoints": [{}], "toPorts": [{"ports": listed}]}
        yield RuleResult(
            "Own pods",
            other.value,
            "one another",
            ports,
            RuleState.MISSING,
            message,
            policies=refs,
            add={other.value: [rule]},
        )


def _is_closed(
    rule: Rule,
    pod: Pod,
    pods: Sequence[Pod],
    every: Sequence[ReadPolicy],
    other: Direction,
    port: Port,
) -> bool:
    """Whether the other end keeps what a rule for a pod opens, for all the pods it is about."""
    protocol, number = port
    ask = egress_verdict if other is Direction.EGRESS else ingress_verdict
    peers = [peer for peer in pods if rule.meets(peer) is True]
    return bool(peers) and all(
        ask(every, peer, pod, number, protocol).outcome is Outcome.DENIED for peer in peers
    )


def _is_about(rule: Rule, namespace: str) -> bool:
    """A rule for a whole cluster is not about the own pods."""
    return bool(rule.peers) and all(_names(matcher, namespace) for matcher in rule.peers)


def _names(matcher: Matcher, namespace: str) -> bool:
    return isinstance(matcher, EndpointSelector) and any(
        one.is_of_namespace_name and one.operator is Operator.IN and one.values == (namespace,)
        for one in matcher.requirements
    )


def _ports(rule: Rule) -> list[Port]:
    """The ports that a rule lists by number; of a rule without any, one that stands for all."""
    if rule.ports is None:
        return [("TCP", 1)]
    return [
        (protocol, span.first)
        for span in rule.ports
        for protocol in sorted(span.protocols)
        if span.first and span.doubt is None
    ]
