"""The operator's settings: one validated file, whose defaults are the vocabulary's own tables.

This package knows nothing of Kopf, of a cluster or of how a policy is rendered.
"""

from homelab_netpol.settings.files import SettingsError
from homelab_netpol.settings.load import load_settings, parse_settings, problem_in_words
from homelab_netpol.settings.model import DefaultDeny, Settings
from homelab_netpol.settings.platform import (
    DnsService,
    Gateways,
    Hbone,
    Mesh,
    Mtls,
    Pods,
    Probes,
    Prometheus,
)
from homelab_netpol.settings.process import LeaderElection, Logging, Server
from homelab_netpol.settings.shared_resource import (
    DnsTarget,
    Port,
    Protocol,
    Selector,
    SharedResource,
    TargetSide,
)

__all__ = [
    "DefaultDeny",
    "DnsService",
    "DnsTarget",
    "Gateways",
    "Hbone",
    "LeaderElection",
    "Logging",
    "Mesh",
    "Mtls",
    "Pods",
    "Port",
    "Probes",
    "Prometheus",
    "Protocol",
    "Selector",
    "Server",
    "Settings",
    "SettingsError",
    "SharedResource",
    "TargetSide",
    "load_settings",
    "parse_settings",
    "problem_in_words",
]
