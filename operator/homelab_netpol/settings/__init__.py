"""The operator's settings: one validated file, whose defaults are the vocabulary's own tables.

This package knows nothing of Kopf, of a cluster or of how a policy is rendered.
"""

from homelab_netpol.settings.load import SettingsError, load_settings, parse_settings
from homelab_netpol.settings.model import (
    DefaultDeny,
    DnsService,
    Gateways,
    Hbone,
    LeaderElection,
    Logging,
    Mesh,
    Pods,
    Port,
    Probes,
    Protocol,
    Server,
    Settings,
    SharedResource,
    TargetSide,
)

__all__ = [
    "DefaultDeny",
    "DnsService",
    "Gateways",
    "Hbone",
    "LeaderElection",
    "Logging",
    "Mesh",
    "Pods",
    "Port",
    "Probes",
    "Protocol",
    "Server",
    "Settings",
    "SettingsError",
    "SharedResource",
    "TargetSide",
    "load_settings",
    "parse_settings",
]
