"""Grants in the mesh whose target is behind a waypoint that policies do not let them pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from homelab_netpol.cilium.evaluation import Pod
from homelab_netpol.findings.denied_tunnel import denied_on_tunnel
from homelab_netpol.findings.finding import Finding, FindingReason, join_words
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.ports import granted_ports
from homelab_netpol.findings.targets import carries
from homelab_netpol.findings.wanted import resources_in_use
from homelab_netpol.findings.waypoints import Reached, reached_by_waypoint
from homelab_netpol.intent import GATEWAY_NAME_LABEL, USE_WAYPOINT, Waypoint
from homelab_netpol.settings import SharedResource, TargetSide

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
    by_way_of = {
        reached.waypoint: reached
        for reached in reached_by_waypoint(
            granted_ports(resource.ports),
            pods,
            snapshot.services.get(home, ()),
            (home, namespaces.labels(home) or {}),
            lambda namespace: snapshot.pods.get(namespace, ()),
        )
    }
    reported: set[str] = set()
    for reached in by_way_of.values():
        onward = list(_onward(inspection, reached, home))
        remedy = _remedy(inspection, reached, resource, home)
        yield None
        for consumer in consumers:
            if namespaces.is_meshed(consumer) and consumer not in reported:
                denied = [*_to_waypoint(inspection, reached.waypoint, consumer), *onward]
                if denied:
                    port = inspection.cache.catalogue.settings.mesh.port
                    message = _message(name, reached, denied, port) + remedy
                    reported.add(consumer)
                    yield Finding(FindingReason.TARGET_BEHIND_WAYPOINT, consumer, message)
            yield None


def _to_waypoint(inspection: Inspection, waypoint: Waypoint, consumer: str) -> Iterator[str]:
    """Where the connection from a consumer to the waypoint is certainly denied."""
    labels = inspection.cache.namespaces.labels(consumer)
    sender = Pod(consumer, labels, {}, complete=False)
    receivers = list(_pods_of(inspection, waypoint))
    yield from denied_on_tunnel(inspection, sender, receivers)


def _onward(inspection: Inspection, reached: Reached, home: str) -> Iterator[str]:
    """Where the connection from the waypoint to the resource is certainly denied."""
    labels = inspection.cache.namespaces.labels(home)
    receivers = [Pod(home, labels, pod) for pod in reached.pods[:_PODS_ASKED]]
    for sender in _pods_of(inspection, reached.waypoint):
        yield from denied_on_tunnel(inspection, sender, receivers)
        return


def _pods_of(inspection: Inspection, waypoint: Waypoint) -> Iterator[Pod]:
    labels = inspection.cache.namespaces.labels(waypoint.namespace)
    for pod in inspection.snapshot.pods.get(waypoint.namespace, ()):
        if waypoint.selects(pod):
            yield Pod(waypoint.namespace, labels, pod)


def _message(name: str, reached: Reached, denied: Iterable[str], port: int) -> str:
    waypoint = reached.waypoint
    return (
        f"The grant {name} leads by the waypoint {waypoint.name} in {waypoint.namespace}. Denied on"
        f" TCP {port}: {join_words(list(dict.fromkeys(denied)))}."
    )


def _remedy(inspection: Inspection, reached: Reached, resource: SharedResource, home: str) -> str:
    """What to do: grants open the way by waypoints that labels of Namespaces, or settings, name."""
    waypoint, cache = reached.waypoint, inspection.cache
    labels = cache.namespaces.labels(waypoint.namespace) or {}
    listed = any(
        peer.selects(waypoint.namespace, waypoint.pod_labels, labels)
        for peer in cache.catalogue.settings.mesh.waypoints
    )
    pods = f"{GATEWAY_NAME_LABEL}={waypoint.name}"
    none = f"give {reached.through}, which has it, {USE_WAYPOINT}: none"
    if not listed and waypoint != cache.namespaces.waypoint_of(home):
        return (
            f" Name it in the setting mesh.waypoints, {{namespace: {waypoint.namespace}, podLabels:"
            f" {{{GATEWAY_NAME_LABEL}: {waypoint.name}}}}}, or {none}."
        )
    if resource.target is TargetSide.NONE:
        return (
            f" As the resource says `target: none`, allow it by policies of your own, to and from"
            f" pods {pods}, or {none}."
        )
    return (
        f" The grant opens that way by policies of its own: see what else denies it, such as deny"
        f" rules, to or from pods {pods}, or {none}."
    )
