"""Hand-made policies of platform namespaces that forget what each of them must have. Pure.

Such a policy must let DNS out, and Prometheus, health probes and, in a mesh, its tunnel in. What
other hand-made policies of the same pods add counts; what the operator's baselines add does not:
the policy must stand on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation.answer import Answer, Doubt, all_of
from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Network, Pod
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Matcher, Unclear
from homelab_netpol.cilium.evaluation.policy import Direction, ReadPolicy, Rule
from homelab_netpol.cilium.selectors import Operator
from homelab_netpol.findings.finding import (
    Finding,
    FindingReason,
    join_words,
    name_labels,
    name_policies,
    name_ports,
)
from homelab_netpol.settings import Settings

_HEALTH = "fromEntities [health]"


def platform_findings(
    namespace: str, policies: Sequence[ReadPolicy], settings: Settings, *, meshed: bool
) -> list[Finding]:
    """Which policies of a platform namespace forget required rules: one finding for each.

    Args:
        namespace: the platform namespace, the subject of the findings.
        policies: the hand-made ones: those of the namespace, which are looked at, and clusterwide
            ones, which may supply what is missing. None of the operator's.
        settings: say where DNS and Prometheus are, what probes, and what the mesh is.
        meshed: the namespace is in the mesh.

    Returns:
        Findings in the order of the policies. Deny rules are not looked at: they forbid, and do not
        forget.
    """
    checks = _Checks(settings, meshed)
    rules = [rule for policy in policies for rule in policy.rules]
    found: list[Finding] = []
    for policy in policies:
        if policy.ref.namespace != namespace:
            continue
        missing = {
            direction: lines
            for direction in (Direction.EGRESS, Direction.INGRESS)
            if (lines := _missing(policy, rules, direction, namespace, checks))
        }
        if not missing:
            continue
        parts = [
            f"to {direction.value} add {join_words(lines)}" for direction, lines in missing.items()
        ]
        message = f"{name_policies([policy.ref])} lacks required rules: {'; '.join(parts)}."
        if policy.ref.kind == "NetworkPolicy" and _HEALTH in message:
            message += " Only a CiliumNetworkPolicy can name health."
        found.append(Finding(FindingReason.PLATFORM_POLICY_INCOMPLETE, namespace, message))
    return found


def _missing(
    policy: ReadPolicy,
    everything: Sequence[Rule],
    direction: Direction,
    namespace: str,
    checks: _Checks,
) -> list[str]:
    """What a policy lacks in a direction, for any of the groups of pods that it closes."""
    closed = dict.fromkeys(
        rule.subject for rule in policy.rules if rule.direction is direction and rule.default_deny
    )
    lines: dict[str, None] = {}
    for subject in closed:
        beside = [rule for rule in everything if rule.direction is direction and not rule.deny]
        theirs = [rule for rule in beside if _selects_all_of(rule.subject, subject, namespace)]
        if not any(isinstance(rule.subject, Unclear) for rule in theirs):
            lines |= dict.fromkeys(checks.missing(theirs, direction))
    return list(lines)


def _selects_all_of(subject: Matcher, other: Matcher, namespace: str) -> bool:
    """Whether a subject selects every pod that the other does; what is unclear may."""
    if subject == other or isinstance(subject, Unclear):
        return True
    return subject.matches(_any_pod_of(other, namespace)) is True


def _any_pod_of(subject: Matcher, namespace: str) -> Pod:
    """What is known of a pod from a selector that selects it."""
    requirements = subject.requirements if isinstance(subject, EndpointSelector) else ()
    labels = {
        one.key: one.values[0]
        for one in requirements
        if one.operator is Operator.IN and len(set(one.values)) == 1
        if one.is_of_pods and not one.is_of_namespace
    }
    return Pod(namespace, None, labels, complete=False)


class _Checks:
    """What must be allowed, and the words for what to add."""

    def __init__(self, settings: Settings, meshed: bool) -> None:
        self._dns, self._prometheus = settings.dns, settings.prometheus
        self._probes, self._mesh = settings.probes, settings.mesh
        self._meshed = meshed

    def missing(self, rules: Sequence[Rule], direction: Direction) -> Iterator[str]:
        """What none of the rules allows, in the order of the vocabulary."""
        if direction is Direction.EGRESS:
            yield from self._missing_dns(rules)
        else:
            yield from self._missing_prometheus(rules)
            yield from self._missing_probes(rules)
        if self._meshed:
            yield from self._missing_hbone(rules)

    def _missing_dns(self, rules: Sequence[Rule]) -> Iterator[str]:
        dns = self._dns
        pods = Pod(dns.namespace, None, dns.labels, complete=False)
        lacking = [
            port for port in dns.ports if not _allowed(rules, pods, port.port, port.protocol)
        ]
        if lacking:
            ports = name_ports((port.protocol, port.port, None) for port in lacking)
            yield f"DNS ({_pods(dns.namespace, dns.labels)}, {ports})"

    def _missing_prometheus(self, rules: Sequence[Rule]) -> Iterator[str]:
        scraper = self._prometheus
        pods = Pod(scraper.namespace, None, scraper.labels, complete=False)
        # Which port has the metrics is the policy's to say: one is enough.
        ports: Sequence[int | None] = scraper.ports or (None,)
        if not any(_allowed(rules, pods, port, "TCP") for port in ports):
            yield f"Prometheus ({_pods(scraper.namespace, scraper.labels)}, the metrics port)"

    def _missing_probes(self, rules: Sequence[Rule]) -> Iterator[str]:
        lacking = []
        if "health" in self._probes.entities and not _allowed(rules, Entity("health"), None, "TCP"):
            lacking.append(_HEALTH)
        cidrs = [
            cidr
            for cidr in self._probes.cidrs
            if not _allowed(rules, Network(ip_network(cidr, strict=False)), None, "TCP")
        ]
        if cidrs:
            lacking.append(f"fromCIDR [{', '.join(cidrs)}]")
        if lacking:
            yield f"probes ({join_words(lacking)})"

    def _missing_hbone(self, rules: Sequence[Rule]) -> Iterator[str]:
        port, ztunnel = self._mesh.port, self._mesh.ztunnel
        pods = Pod(ztunnel.namespace, None, ztunnel.labels, complete=False)
        if not _allowed(rules, pods, port, "TCP") and not any(
            rule.peers and _names(rule, port) for rule in rules
        ):
            yield f"HBONE (TCP {port})"


def _allowed(rules: Sequence[Rule], peer: Endpoint, port: int | None, protocol: str) -> bool:
    """Whether some rule allows it, or may: its author knows more of the pods."""
    return any(_may_be(all_of((rule.covers(port, protocol), rule.meets(peer)))) for rule in rules)


def _may_be(answer: Answer) -> bool:
    return answer is not False and answer is not Doubt.PART


def _names(rule: Rule, port: int) -> bool:
    """Whether a rule is about a port by its number, so that its author had that port in mind."""
    spans = [span for span in rule.ports or () if span.first]
    return any(span.covers(port, "TCP") is True for span in spans)


def _pods(namespace: str, labels: dict[str, str]) -> str:
    return f"{namespace} {name_labels(labels)}" if labels else namespace
