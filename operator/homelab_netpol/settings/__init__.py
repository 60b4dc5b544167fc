"""The operator's settings: one validated file, whose defaults are the vocabulary's own tables.

This package knows nothing of Kopf, of a cluster or of how a policy is rendered.
"""

from homelab_netpol.settings.files import SettingsError
from homelab_netpol.settings.load import load_settings, parse_settings, problem_in_words
from homelab_netpol.settings.model import DefaultDeny, Settings
from homelab_netpol.settings.platform import (
    Cilium,
    Cluster,
    DnsService,
    Gateways,
    Mesh,
    Mtls,
    Probes,
    Prometheus,
)
from homelab_netpol.settings.process import Logging
from homelab_netpol.settings.shared_resource import Port, SharedResource, TargetSide

__all__ = [
    "Cilium",
    "Cluster",
    "DefaultDeny",
    "DnsService",
    "Gateways",
    "Logging",
    "Mesh",
    "Mtls",
    "Port",
    "Probes",
    "Prometheus",
    "Settings",
    "SettingsError",
    "SharedResource",
    "TargetSide",
    "load_settings",
    "parse_settings",
    "problem_in_words",
]
