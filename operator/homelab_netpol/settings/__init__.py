"""The operator's settings: one validated file, whose defaults are the vocabulary's own tables.

This package knows nothing of Kopf, of a cluster or of how a policy is rendered.
"""

from homelab_netpol.settings.companion import Companion
from homelab_netpol.settings.files import SettingsError
from homelab_netpol.settings.load import (
    join_settings,
    load_settings,
    parse_settings,
    problem_in_words,
)
from homelab_netpol.settings.mesh import Mesh, Mtls
from homelab_netpol.settings.model import DefaultDeny, Settings
from homelab_netpol.settings.peer import GatewayPeer, Peer, Scraper, namespaces_of_peers
from homelab_netpol.settings.platform import Cilium, Cluster, Dns, Gateways
from homelab_netpol.settings.process import Logging
from homelab_netpol.settings.remarks import remarks
from homelab_netpol.settings.shared_resource import (
    CidrRange,
    Port,
    Selector,
    SharedResource,
    TargetSide,
)

__all__ = [
    "CidrRange",
    "Cilium",
    "Cluster",
    "Companion",
    "DefaultDeny",
    "Dns",
    "GatewayPeer",
    "Gateways",
    "Logging",
    "Mesh",
    "Mtls",
    "Peer",
    "Port",
    "Scraper",
    "Selector",
    "Settings",
    "SettingsError",
    "SharedResource",
    "TargetSide",
    "join_settings",
    "load_settings",
    "namespaces_of_peers",
    "parse_settings",
    "problem_in_words",
    "remarks",
]
