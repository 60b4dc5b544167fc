"""Where the mesh's tunnel between two ends is certainly closed."""

from __future__ import annotations

from collections.abc import Iterable

from homelab_netpol.cilium.evaluation import Outcome, Pod, egress_verdict, ingress_verdict
from homelab_netpol.findings.inspection import Inspection


def denied_on_tunnel(inspection: Inspection, sender: Pod, receivers: Iterable[Pod]) -> list[str]:
    """Which sides deny a pod the tunnel's port of others, in words; empty: none certainly does."""
    port, found = inspection.cache.catalogue.settings.mesh.port, set()
    for receiver in receivers:
        leaving = inspection.selecting(sender.namespace)
        entering = inspection.selecting(receiver.namespace)
        if egress_verdict(leaving, sender, receiver, port).outcome is Outcome.DENIED:
            found.add(f"egress of {sender.namespace}")
        if ingress_verdict(entering, receiver, sender, port).outcome is Outcome.DENIED:
            found.add(f"ingress of {receiver.namespace}")
    return sorted(found)
