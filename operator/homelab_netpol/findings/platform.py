"""Platform namespaces whose policies, all together, drop what must flow. Pure.

It is the effect that counts: who allows it, a policy by hand, one for the whole cluster or one of
the operator's, does not matter. Pods that do not exist miss nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from homelab_netpol.cilium.evaluation.endpoint import Pod
from homelab_netpol.cilium.evaluation.policy import Direction, ReadPolicy
from homelab_netpol.cilium.evaluation.verdict import DirectionVerdict
from homelab_netpol.findings.drops import PodGroup, PodGroups, cause_of, dropped
from homelab_netpol.findings.finding import Finding, FindingReason, name_ports
from homelab_netpol.findings.needs import Need, Roles, Surroundings, Way, needs_of
from homelab_netpol.settings import Settings

# Which label names a workload, the best one first.
_TELLING = ("app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/instance", "name")

_Closed = list[tuple[PodGroup, Way, list[DirectionVerdict]]]


def platform_findings(
    namespace: str,
    pods: Sequence[Pod],
    policies: Sequence[ReadPolicy],
    settings: Settings,
    around: Surroundings,
    *,
    meshed: bool,
) -> Iterator[Finding | None]:
    """What is dropped of that which must flow: one finding for each need.

    Args:
        namespace: the platform namespace, the subject of the findings.
        pods: those that exist in it.
        policies: all that may select them, the operator's among them.
        settings: say what must flow.
        around: the pods that others need.
        meshed: the namespace is in the mesh.
    """
    groups: dict[tuple[Direction, Roles, bool], PodGroups] = {}
    for pod in pods:
        kind = (around.roles(pod), meshed and is_in_mesh(pod, settings))
        for direction in Direction:
            groups.setdefault((direction, *kind), PodGroups(policies, direction)).add(pod)
            yield None
    closed: dict[tuple[str, Direction, str], tuple[Need, _Closed]] = {}
    for (direction, roles, in_mesh), each in groups.items():
        for need in needs_of(settings, around.without(roles), in_mesh=in_mesh):
            if need.direction is not direction:
                continue
            _, found = closed.setdefault((need.what, direction, need.peer), (need, []))
            for group in each.closed():
                for way in need.ways:
                    if verdicts := dropped(group, way):
                        found.append((group, way, verdicts))
                    yield None
    for need, found in closed.values():
        if found:
            yield _finding(namespace, need, found, len(pods))


def is_in_mesh(pod: Pod, settings: Settings) -> bool:
    """A pod of a meshed namespace is in the mesh, unless its own label says otherwise."""
    return pod.labels.get(settings.mesh.label, settings.mesh.value) == settings.mesh.value


def _finding(namespace: str, need: Need, closed: _Closed, all_pods: int) -> Finding:
    cause = cause_of(need.direction, [verdicts for _, _, verdicts in closed])
    if cause.by_deny_rule:
        closed = [each for each in closed if all(verdict.by_deny_rule for verdict in each[2])]
    ports = dict.fromkeys(port for _, way, _ in closed for port in way.ports)
    named = name_ports((*port, None) for port in ports) if ports else need.port
    pods = [
        pod for group in {id(each[0]): each[0] for each in closed}.values() for pod in group.pods
    ]
    way = "to" if need.direction is Direction.EGRESS else "from"
    head = f"{need.what} {way} {need.peer}"
    if ports:
        head += f" ({named})"
    if len(pods) < all_pods:
        head += f", for {_workloads(pods)},"
    add = f"{need.direction.value} {way} {need.peer} on {named}"
    return Finding(FindingReason.PLATFORM_POLICY_INCOMPLETE, namespace, cause.message(head, add))


def _workloads(pods: Sequence[Pod]) -> str:
    """Pods by the label that says what they are: the first of them."""
    names = sorted({_label(pod.labels) for pod in pods})
    return names[0] if len(names) == 1 else f"{names[0]} and others"


def _label(labels: Mapping[str, str]) -> str:
    keys = [*(key for key in _TELLING if key in labels), *sorted(labels)]
    return f"pods {keys[0]}={labels[keys[0]]}" if keys else "pods without labels"
