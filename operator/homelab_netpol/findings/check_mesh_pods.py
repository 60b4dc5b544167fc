"""Grants between pods of which some are in the mesh by their own label, and their Namespace is not.

Policies follow the Namespace's label: for such a pod they open plain ports, and the mesh's proxy on
its node takes its connections into the tunnel all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from homelab_netpol.cilium.evaluation import Pod
from homelab_netpol.findings.denied_tunnel import denied_on_tunnel
from homelab_netpol.findings.finding import Finding, FindingReason, join_words
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.targets import carries
from homelab_netpol.findings.wanted import resources_in_use

# Pods of one workload are under the same policies, but for few.
_PODS_ASKED = 20
_OUT = "none"

_Labels = Mapping[str, str]


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the grants whose calls are dropped in a tunnel that is not open."""
    cache, snapshot = inspection.cache, inspection.snapshot
    is_meshed = cache.namespaces.is_meshed
    for name, resource in resources_in_use(cache).items():
        yield None
        home = resource.home
        if home is None or not resource.has_tcp:
            continue
        for value, consumers in cache.intents.holding_by_value(name).items():
            chosen = resource.labels_of(value)
            targets = [
                pod.labels
                for pod in snapshot.targets.get(home, ())
                if not pod.host_network and carries(pod.labels, chosen)
            ]
            receivers = _in_mesh(inspection, home, targets)
            for consumer in consumers if receivers else ():
                if not (is_meshed(home) and is_meshed(consumer)):
                    senders = _in_mesh(inspection, consumer, snapshot.pods.get(consumer, ()))
                    yield from _between(inspection, name, senders, receivers)
                yield None


def _in_mesh(inspection: Inspection, namespace: str, pods: Iterable[_Labels]) -> list[Pod]:
    """Of a namespace's pods some that are in the mesh, whatever put them there."""
    mesh, namespaces = inspection.cache.catalogue.settings.mesh, inspection.cache.namespaces
    default = mesh.value if namespaces.is_meshed(namespace) else _OUT
    found = [labels for labels in pods if labels.get(mesh.label, default) == mesh.value]
    own = namespaces.labels(namespace)
    return [Pod(namespace, own, labels) for labels in found[:_PODS_ASKED]]


def _between(
    inspection: Inspection, name: str, senders: list[Pod], receivers: list[Pod]
) -> Iterator[Finding]:
    mesh = inspection.cache.catalogue.settings.mesh
    for sender in senders:
        denied = denied_on_tunnel(inspection, sender, receivers)
        if denied:
            ends = dict.fromkeys((sender.namespace, receivers[0].namespace))
            alone = [each for each in ends if not inspection.cache.namespaces.is_meshed(each)]
            where = join_words(alone)
            yield Finding(
                FindingReason.TARGET_TUNNEL_CLOSED,
                sender.namespace,
                f"The grant {name} is between pods in the mesh, of which those of {where} are in it"
                f" by their own label {mesh.label}={mesh.value} alone. Denied on TCP {mesh.port}:"
                f" {join_words(denied)}. Give that label to the Namespace, and {mesh.label}={_OUT}"
                " to those of its pods that are to stay out of the mesh.",
            )
            return
