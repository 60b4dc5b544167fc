"""Which of Istio's waypoints stands before the pods of a shared resource. Pure.

In an ambient mesh the sender's proxy leads a call to the waypoint's pods first, through the tunnel,
and the waypoint goes on from there: two connections, and neither is the one that a grant opens.
Which waypoint it is, labels on the Service say, else those of the Namespace; for calls to a pod's
own address those of the pod, else those of the Namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from homelab_netpol.cluster.pods import ObservedPod
from homelab_netpol.cluster.services import ObservedService
from homelab_netpol.findings.ports import GrantedPort
from homelab_netpol.findings.service_ports import resolve
from homelab_netpol.intent import USE_WAYPOINT, Waypoint, waypoint_by_labels

_FOR = "istio.io/waypoint-for"
_MODE = "istio.io/dataplane-mode"
_NONE = "none"
_FOR_SERVICES = ("service", "all")
_FOR_WORKLOADS = ("workload", "all")

Labels = Mapping[str, str]


class Reached(NamedTuple):
    """Pods of a resource that are reached by way of a waypoint.

    Attributes:
        waypoint: which.
        through: what has it, for messages: a Service, or a pod.
        pods: the labels of these pods.
    """

    waypoint: Waypoint
    through: str
    pods: tuple[Labels, ...]


def reached_by_waypoint(
    ports: Iterable[GrantedPort],
    pods: Sequence[ObservedPod],
    services: Iterable[ObservedService],
    namespace: tuple[str, Labels],
    pods_of: Callable[[str], Iterable[Labels]],
) -> Iterator[Reached]:
    """The waypoints that run, and that calls of a resource are led to.

    Args:
        ports: of the resource.
        pods: the resource's, without those on the host's network.
        services: of its namespace.
        namespace: its namespace's name, and labels.
        pods_of: the labels of the pods of a namespace.
    """
    name, inherited = namespace
    pods = [pod for pod in pods if pod.labels.get(_MODE) != _NONE]
    opened = [port for port in ports if port.protocol == "TCP"]
    called: set[int] = set()
    for service in services:
        behind = [pod for pod in pods if service.selects(pod.labels)]
        if service.headless or not _leads_to(service, behind, opened):
            continue
        called |= {id(pod) for pod in behind}
        waypoint = _waypoint(service.waypoint_labels, inherited, name)
        if waypoint is None or service.waypoint_bound is False:
            continue
        if service.waypoint_bound or _is_for(waypoint, _FOR_SERVICES, pods_of):
            yield Reached(waypoint, str(service), tuple(pod.labels for pod in behind))
    for pod in pods:
        # Pods that no Service leads to are called by their own addresses.
        waypoint = None if id(pod) in called else _waypoint(pod.labels, inherited, name)
        if waypoint is not None and _is_for(waypoint, _FOR_WORKLOADS, pods_of):
            yield Reached(waypoint, f"a pod of {name}", (pod.labels,))
            return


def _leads_to(
    service: ObservedService, behind: Sequence[ObservedPod], opened: Iterable[GrantedPort]
) -> bool:
    """Whether a Service translates one of its ports to one that is opened."""
    return any(
        each.holds(number, port.protocol)
        for port in service.ports
        for number in (resolve(port, behind) if behind else ())
        for each in opened
    )


def _waypoint(own: Labels, inherited: Labels, namespace: str) -> Waypoint | None:
    return waypoint_by_labels(own if USE_WAYPOINT in own else inherited, namespace)


def _is_for(
    waypoint: Waypoint, kinds: Sequence[str], pods_of: Callable[[str], Iterable[Labels]]
) -> bool:
    """Whether it runs, and is for such calls; Istio's own default is Services."""
    return any(
        waypoint.selects(labels) and labels.get(_FOR, "service") in kinds
        for labels in pods_of(waypoint.namespace)
    )
