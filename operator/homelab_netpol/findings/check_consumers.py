"""Grants and the side of who holds them: joins what is known of each for `consumer_finding`."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation import Entity, Name, Network, Pod
from homelab_netpol.findings.check_hatch import denied_namespace
from homelab_netpol.findings.denials import GrantedEnd, consumer_finding
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.peers import example_of
from homelab_netpol.findings.ports import granted_ports
from homelab_netpol.intent import WHOLE
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name
from homelab_netpol.settings import SharedResource


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the grants whose holders are kept from using them where they are."""
    for name in list(inspection.overruling):
        intent = inspection.cache.intents.get(name)
        if intent is not None and not intent.hatch_open:
            consumer = denied_namespace(inspection, name)
            for grant in intent.grants:
                if _stands(inspection, name, grant):
                    resource = inspection.cache.catalogue.resource(grant)
                    value = intent.grant_values.get(grant, WHOLE)
                    yield consumer_finding(grant, consumer, _ends(inspection, resource, value))
                yield None
        yield None


def _stands(inspection: Inspection, namespace: str, grant: str) -> bool:
    name = policy_name(Component.ACCESS, grant)
    live = inspection.cache.policies.get(PolicyKey(Kind.CNP, namespace, name))
    return live is not None and not live.rejected


def _ends(inspection: Inspection, resource: SharedResource, value: str) -> list[GrantedEnd]:
    ports = granted_ports(resource.ports)
    if resource.cluster is not None:
        return []  # whether a rule here is about pods there, the version of Cilium decides
    if resource.namespace is not None:
        labels = inspection.cache.namespaces.labels(resource.namespace)
        pods = Pod(resource.namespace, labels, resource.labels_of(value), complete=False)
        return [GrantedEnd(f"namespace {resource.namespace}", pods, ports)]
    names = [one.match_name or one.match_pattern or "" for one in resource.fqdns]
    return [
        *(GrantedEnd(f"entity {one}", Entity(one), ports) for one in resource.entities),
        *(
            GrantedEnd(f"addresses {one}", Network(ip_network(one, strict=False)), ports)
            for one in (each.cidr for each in resource.networks)
        ),
        *(GrantedEnd(name, Name(example_of(name)), ports) for name in names),
    ]
