"""Hand-made policies of platform namespaces that forget what each of them must have. Pure.

Such a policy must let DNS out, and Prometheus, health probes and, in a mesh, its tunnel in. What
other hand-made policies of the same pods add counts; what the operator's baselines add does not:
the policy must stand on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation.answer import Doubt, all_of
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
from homelab_netpol.settings import DnsService, Mesh, Probes, Prometheus, Settings

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
    find = partial(_missing_rules, settings=settings, meshed=meshed)
    rules = [rule for policy in policies for rule in policy.rules]
    found: list[Finding] = []
    for policy in policies:
        if policy.ref.namespace != namespace:
            continue
        missing = {
            direction: lines
            for direction in (Direction.EGRESS, Direction.INGRESS)
            if (lines := _missing(policy, rules, direction, namespace, find))
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
    find: Callable[[Sequence[Rule], Direction], Iterable[str]],
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
            lines |= dict.fromkeys(find(theirs, direction))
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


def _missing_rules(
    rules: Sequence[Rule], direction: Direction, settings: Settings, meshed: bool
) -> Iterator[str]:
    """What none of the rules allows, in words for what to add, in the order of the vocabulary."""
    if direction is Direction.EGRESS:
        yield from _missing_dns(rules, settings.dns)
    else:
        yield from _missing_prometheus(rules, settings.prometheus)
        yield from _missing_probes(rules, settings.probes)
    if meshed and not _allows_hbone(rules, settings.mesh):
        yield f"HBONE (TCP {settings.mesh.port})"


def _missing_dns(rules: Sequence[Rule], dns: DnsService) -> Iterator[str]:
    pods = Pod(dns.namespace, None, dns.labels, complete=False)
    lacking = [port for port in dns.ports if not _allowed(rules, pods, port.port, port.protocol)]
    if lacking:
        ports = name_ports((port.protocol, port.port, None) for port in lacking)
        yield f"DNS ({_pods(dns.namespace, dns.labels)}, {ports})"


def _missing_prometheus(rules: Sequence[Rule], scraper: Prometheus) -> Iterator[str]:
    pods = Pod(scraper.namespace, None, scraper.labels, complete=False)
    # Which port has the metrics is the policy's to say: one is enough.
    ports: Sequence[int | None] = scraper.ports or (None,)
    if not any(_allowed(rules, pods, port) for port in ports):
        yield f"Prometheus ({_pods(scraper.namespace, scraper.labels)}, the metrics port)"


def _missing_probes(rules: Sequence[Rule], probes: Probes) -> Iterator[str]:
    lacking = []
    if "health" in probes.entities and not _allowed(rules, Entity("health")):
        lacking.append(_HEALTH)
    cidrs = [cidr for cidr in probes.cidrs if not _allowed(rules, Network(ip_network(cidr)))]
    if cidrs:
        lacking.append(f"fromCIDR [{', '.join(cidrs)}]")
    if lacking:
        yield f"probes ({join_words(lacking)})"


def _allows_hbone(rules: Sequence[Rule], mesh: Mesh) -> bool:
    """The tunnel is open to the mesh's proxies, or a rule names its port, for whichever peers."""
    pods = Pod(mesh.ztunnel.namespace, None, mesh.ztunnel.labels, complete=False)
    return _allowed(rules, pods, mesh.port) or any(
        span.first and span.covers(mesh.port, "TCP") is True
        for rule in rules
        if rule.peers
        for span in rule.ports or ()
    )


def _allowed(
    rules: Sequence[Rule], peer: Endpoint, port: int | None = None, protocol: str = "TCP"
) -> bool:
    """Whether some rule allows it, or may: its author knows more of the pods."""
    answers = (all_of((rule.covers(port, protocol), rule.meets(peer))) for rule in rules)
    return any(answer is not False and answer is not Doubt.PART for answer in answers)


def _pods(namespace: str, labels: dict[str, str]) -> str:
    return f"{namespace} {name_labels(labels)}" if labels else namespace
