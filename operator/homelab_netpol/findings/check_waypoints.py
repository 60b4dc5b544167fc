"""Grants in the mesh whose target is behind a waypoint that policies do not let them pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from homelab_netpol.cilium.evaluation import Outcome, Pod, egress_verdict, ingress_verdict
from homelab_netpol.cluster.public_names import GATEWAY_NAME_LABEL
from homelab_netpol.findings.finding import Finding, FindingReason, join_words
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.ports import granted_ports
from homelab_netpol.findings.targets import carries
from homelab_netpol.findings.wanted import resources_in_use
from homelab_netpol.findings.waypoints import (
    Reached,
    Waypoint,
    reached_by_waypoint,
)
from homelab_netpol.settings import SharedResource

# Pods of one workload are under the same policies, but for few.
_PODS_ASKED = 20


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the grants whose calls are dropped on their way by a waypoint."""
    for name, resource in resources_in_use(inspection.cache).items():
        if resource.home is not None and resource.has_tcp:
            for value, consumers in inspection.cache.intents.holding_by_value(name).items():
                chosen = resource.labels_of(value)
                yield from _grant(inspection, name, resource, resource.home, chosen, consumers)
        yield None


def _grant(
    inspection: Inspection,
    name: str,
    resource: SharedResource,
    home: str,
    labels: Mapping[str, str],
    consumers: Iterable[str],
) -> Iterator[Finding | None]:
    namespaces, snapshot = inspection.cache.namespaces, inspection.snapshot
    if not namespaces.is_meshed(home):
        return
    pods = [
        pod
        for pod in snapshot.targets.get(home, ())
        if not pod.host_network and carries(pod.labels, labels)
    ]
    reached = next(
        reached_by_waypoint(
            granted_ports(resource.ports),
            pods,
            snapshot.services.get(home, ()),
            (home, namespaces.labels(home) or {}),
            lambda namespace: snapshot.pods.get(namespace, ()),
        ),
        None,
    )
    if reached is None:
        return
    onward = list(_onward(inspection, reached, home))
    yield None
    for consumer in consumers:
        if namespaces.is_meshed(consumer):
            denied = [*_to_waypoint(inspection, reached.waypoint, consumer), *onward]
            if denied:
                message = _message(
                    name, reached, denied, inspection.cache.catalogue.settings.mesh.port
                )
                yield Finding(FindingReason.TARGET_BEHIND_WAYPOINT, consumer, message)
        yield None


def _to_waypoint(inspection: Inspection, waypoint: Waypoint, consumer: str) -> Iterator[str]:
    """Where the connection from a consumer to the waypoint is certainly denied."""
    labels = inspection.cache.namespaces.labels(consumer)
    sender = Pod(consumer, labels, {}, complete=False)
    receivers = list(_pods_of(inspection, waypoint))
    yield from _denied(inspection, sender, receivers)


def _onward(inspection: Inspection, reached: Reached, home: str) -> Iterator[str]:
    """Where the connection from the waypoint to the resource is certainly denied."""
    labels = inspection.cache.namespaces.labels(home)
    receivers = [Pod(home, labels, pod) for pod in reached.pods[:_PODS_ASKED]]
    for sender in _pods_of(inspection, reached.waypoint):
        yield from _denied(inspection, sender, receivers)
        return


def _denied(inspection: Inspection, sender: Pod, receivers: Iterable[Pod]) -> Iterator[str]:
    port, found = inspection.cache.catalogue.settings.mesh.port, set()
    for receiver in receivers:
        leaving = inspection.selecting(sender.namespace)
        entering = inspection.selecting(receiver.namespace)
        if egress_verdict(leaving, sender, receiver, port).outcome is Outcome.DENIED:
            found.add(f"egress of {sender.namespace}")
        if ingress_verdict(entering, receiver, sender, port).outcome is Outcome.DENIED:
            found.add(f"ingress of {receiver.namespace}")
    yield from sorted(found)


def _pods_of(inspection: Inspection, waypoint: Waypoint) -> Iterator[Pod]:
    labels = inspection.cache.namespaces.labels(waypoint.namespace)
    for pod in inspection.snapshot.pods.get(waypoint.namespace, ()):
        if waypoint.selects(pod):
            yield Pod(waypoint.namespace, labels, pod)


def _message(name: str, reached: Reached, denied: Iterable[str], port: int) -> str:
    waypoint = reached.waypoint
    return (
        f"The grant {name} leads by the waypoint {waypoint.name} in {waypoint.namespace}, which"
        f" {reached.through} has. Denied on TCP {port}: {join_words(list(dict.fromkeys(denied)))}."
        f" Allow it by policies of your own, to and from pods {GATEWAY_NAME_LABEL}={waypoint.name},"
        f" or give {reached.through} the label istio.io/use-waypoint: none."
    )
