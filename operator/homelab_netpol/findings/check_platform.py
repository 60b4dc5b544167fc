"""Platform namespaces: joins what is known of each for `platform_findings`."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.platform import platform_findings


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the platform namespaces whose policies drop what must flow."""
    for name in inspection.namespaces:
        if inspection.is_platform(name):
            yield from platform_findings(
                name,
                inspection.snapshot.selecting(name),
                inspection.cache.catalogue.settings,
                meshed=inspection.cache.namespaces.is_meshed(name),
            )
        yield None
