"""What Cilium says it dropped: Hubble's flows and PacketDrop Events, read as they come. Pure.

Formats as in Cilium 1.20, `api/v1/flow`, `api/v1/observer` and `pkg/hubble/dropeventemitter`.
"""

from homelab_netpol.flows.flow import Flow, FlowEnd, Verdict
from homelab_netpol.flows.lines import MAX_BYTES, documents
from homelab_netpol.flows.read import FlowReader, Read
from homelab_netpol.flows.reasons import DropClass, DropReason, reason_named, reason_numbered

__all__ = [
    "MAX_BYTES",
    "DropClass",
    "DropReason",
    "Flow",
    "FlowEnd",
    "FlowReader",
    "Read",
    "Verdict",
    "documents",
    "reason_named",
    "reason_numbered",
]
