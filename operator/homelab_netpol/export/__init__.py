"""The operator's policies in the words of clusters without Cilium. Pure.

Rule by rule, from what would be written for Cilium. What the other kind cannot say is left out, so
that less is allowed, and listed; where leaving out would allow more, the export is refused.
"""

from homelab_netpol.export.calico import calico_policies
from homelab_netpol.export.limits import Effect, Exported, ExportedObject, ExportError, Unsaid
from homelab_netpol.export.networkpolicy import network_policies
from homelab_netpol.export.peers import Addresses

__all__ = [
    "Addresses",
    "Effect",
    "ExportError",
    "Exported",
    "ExportedObject",
    "Unsaid",
    "calico_policies",
    "network_policies",
]
