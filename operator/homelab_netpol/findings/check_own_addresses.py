"""Shared resources that are addresses and names, compared with the cluster's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from homelab_netpol.cluster.services import IpAddress, ObservedService
from homelab_netpol.findings.finding import Finding, FindingReason
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.own_addresses import own_address_asked, own_name_asked
from homelab_netpol.findings.wanted import resources_in_use


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the grants on something outside the cluster that lead to the cluster itself."""
    outside = {
        name: resource
        for name, resource in resources_in_use(inspection.cache).items()
        if resource.cidrs or resource.fqdns
    }
    if not outside:
        return
    own: dict[IpAddress, list[ObservedService]] = defaultdict(list)
    for services in inspection.snapshot.services.values():
        for service in services:
            for address in service.addresses:
                own[address].append(service)
        yield None
    for name, resource in outside.items():
        message = own_address_asked(name, resource, own) or own_name_asked(
            name, resource, inspection.snapshot.public_names, own
        )
        yield None
        for consumer in inspection.cache.intents.holding_grant(name) if message else ():
            yield Finding(FindingReason.TARGET_IS_OWN_ADDRESS, consumer, message or "")
