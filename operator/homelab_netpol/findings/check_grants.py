"""Grants and their targets: joins what is known of both for `grant_findings`."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.grants import grant_findings
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.ports import granted_ports
from homelab_netpol.findings.targets import GrantedResource, TargetFacts
from homelab_netpol.intent import WHOLE
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name
from homelab_netpol.settings import SharedResource


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the grants that cannot work."""
    catalogue, intents = inspection.cache.catalogue, inspection.cache.intents
    for name in list(catalogue.vocabulary.resources):
        resource = catalogue.resource(name)
        if resource.home is not None:
            for value, consumers in intents.holding_by_value(name).items():
                yield from _grant(inspection, name, resource, resource.home, value, consumers)
        yield None


def _grant(
    inspection: Inspection,
    name: str,
    resource: SharedResource,
    home: str,
    value: str,
    consumers: list[str],
) -> Iterator[Finding | None]:
    cache, pods = inspection.cache, inspection.snapshot.targets.get(home)
    target = TargetFacts(
        exists=cache.namespaces.exists(home),
        terminating=cache.namespaces.exists(home) and not cache.namespaces.is_writable(home),
        pods=None if pods is None else tuple(pod.labels for pod in pods if not pod.host_network),
        on_host=tuple(pod.labels for pod in pods or () if pod.host_network),
        policies=inspection.selecting(home),
        namespace_labels=cache.namespaces.labels(home),
        identity_labels=inspection.identity_labels,
    )
    grant = PolicyKey(Kind.CNP, home, policy_name(Component.GRANT, name))
    described = GrantedResource(
        name=name,
        namespace=home,
        ports=granted_ports(resource.ports),
        pod_labels=resource.labels_of(value),
        value="" if value == WHOLE else value,
        granted_by_us=cache.policies.get(grant) is not None,
    )
    labels = {consumer: cache.namespaces.labels(consumer) for consumer in consumers}
    return grant_findings(described, target, labels)
