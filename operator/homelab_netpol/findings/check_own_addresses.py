"""Addresses and names that grants and NetworkProfiles open, compared with the cluster's own."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.findings.finding import Finding, FindingReason
from homelab_netpol.findings.front_door import FrontDoor
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.own_addresses import OwnEnds, leads_home
from homelab_netpol.findings.wanted import asked_outside
from homelab_netpol.intent import GATEWAY_GRANT


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds what is opened outside the cluster, and leads to the cluster itself."""
    asked = asked_outside(inspection.cache)
    if not asked:
        return
    config = inspection.cache.cilium.config
    # Behind kube-proxy an address outside the cluster, and so a name, is what it seems to Cilium.
    translated = config is None or config.kube_proxy_replacement
    own = OwnEnds(inspection.snapshot.public_names if translated else (), outside=translated)
    for services in inspection.snapshot.services.values():
        for service in services:
            own.add(service)
        yield None
    catalogue, door = inspection.cache.catalogue, None
    if catalogue.vocabulary.gateway_grant:
        label = f"{catalogue.vocabulary.access_prefix}{GATEWAY_GRANT}"
        door = FrontDoor(catalogue.settings.gateways, label)
    reported: set[tuple[str, str]] = set()
    for outside, users in asked:
        message = leads_home(outside, own, door)
        yield None
        for user in users if message is not None else ():
            # Of a profile with several such rules, the first is enough.
            if (user, outside.who) not in reported:
                reported.add((user, outside.who))
                yield Finding(FindingReason.TARGET_IS_OWN_ADDRESS, user, message or "")
