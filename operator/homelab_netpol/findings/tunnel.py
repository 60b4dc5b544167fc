"""Rules of a meshed platform namespace that the mesh makes void. Pure.

Between pods in the mesh every TCP connection travels on the tunnel's port (HBONE); where that is
closed, a rule that opens another port opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from homelab_netpol.cilium.evaluation.endpoint import Pod
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Matcher
from homelab_netpol.cilium.evaluation.policy import Direction, PolicyRef, ReadPolicy, Rule
from homelab_netpol.cilium.evaluation.verdict import DirectionVerdict
from homelab_netpol.cilium.selectors import Operator
from homelab_netpol.findings.drops import PodGroup, PodGroups, cause_of, dropped
from homelab_netpol.findings.finding import (
    Finding,
    FindingReason,
    name_namespaces,
    name_policies,
)
from homelab_netpol.findings.needs import Way
from homelab_netpol.findings.platform import is_in_mesh
from homelab_netpol.settings import Settings

# A message names one namespace, and says whether there are others.
_ENOUGH = 2

_Void = dict[tuple[PolicyRef, Direction], dict[str, list[DirectionVerdict]]]


def tunnel_findings(
    namespace: str,
    pods: Sequence[Pod],
    policies: Sequence[ReadPolicy],
    by_hand: Collection[PolicyRef],
    settings: Settings,
    pods_in_mesh: Callable[[Collection[str] | None], Iterator[Pod]],
) -> Iterator[Finding | None]:
    """The rules that have no effect, by policy and direction.

    Args:
        namespace: a meshed platform namespace, the subject of the findings.
        pods: those that exist in it.
        policies: all that may select them, the operator's among them.
        by_hand: those that others wrote in that namespace, whose rules are looked at.
        settings: say what the mesh is.
        pods_in_mesh: the pods of meshed namespaces, in order; of those that are named, or of all.
    """
    void: _Void = {}
    for direction in Direction:
        groups = PodGroups(policies, direction)
        for pod in pods:
            if is_in_mesh(pod, settings):
                groups.add(pod)
            yield None
        for group in groups.closed():
            for one in group.rules:
                if one.ref not in by_hand or one.certainty is not True or not _opens(one.rule):
                    continue
                found = void.setdefault((one.ref, direction), {})
                for peer in pods_in_mesh(_named(one.rule.peers)):
                    if len(found) == _ENOUGH:
                        break
                    _look(group, one.rule, peer, settings.mesh.port, found)
                    yield None
    for (ref, direction), found in void.items():
        if found:
            yield _finding(namespace, ref, direction, found, settings.mesh.port)


def _opens(rule: Rule) -> bool:
    return rule.allows and rule.covers(None, "TCP") is not False


def _look(
    group: PodGroup, rule: Rule, peer: Pod, port: int, found: dict[str, list[DirectionVerdict]]
) -> None:
    if peer.namespace not in found and rule.meets(peer) is True:
        verdicts = dropped(group, Way((peer,), (("TCP", port),)))
        if verdicts:
            found[peer.namespace] = verdicts


def _named(peers: Sequence[Matcher]) -> set[str] | None:
    """The namespaces that a rule names; None: its peers may be anywhere."""
    names: set[str] = set()
    for matcher in peers:
        about = [
            set(one.values)
            for one in (matcher.requirements if isinstance(matcher, EndpointSelector) else ())
            if one.is_of_namespace_name and one.operator is Operator.IN
        ]
        if not about:
            return None
        names |= set.intersection(*about)
    return names


def _finding(
    namespace: str,
    ref: PolicyRef,
    direction: Direction,
    found: dict[str, list[DirectionVerdict]],
    port: int,
) -> Finding:
    cause = cause_of(direction, found.values())
    way = "to" if direction is Direction.EGRESS else "from"
    peers = name_namespaces(found)
    policy = name_policies([ref._replace(namespace="")])
    head = (
        f"{policy} opens TCP {way} {peers} in vain: in the mesh it travels as HBONE"
        f" (TCP {port}), which"
    )
    message = cause.message(head, f"{direction.value} {way} {peers} on TCP {port}")
    return Finding(FindingReason.PLATFORM_POLICY_INCOMPLETE, namespace, message)
