"""From the custom resources NetworkProfile and SharedResource to profiles and shared resources.

Pure: no Kopf, no cluster.
"""

from homelab_netpol.definitions.identity import (
    SettingsLabel,
    resource_problem,
    settings_labels,
    usable_with,
)
from homelab_netpol.definitions.model import (
    Definition,
    DefinitionKind,
    NotUsable,
    ProfileDefinition,
    ResourceDefinition,
    UnusableReason,
)
from homelab_netpol.definitions.profile import read_profile
from homelab_netpol.definitions.resolve import CustomProfile, Definitions
from homelab_netpol.definitions.resource import read_resource

__all__ = [
    "CustomProfile",
    "Definition",
    "DefinitionKind",
    "Definitions",
    "NotUsable",
    "ProfileDefinition",
    "ResourceDefinition",
    "SettingsLabel",
    "UnusableReason",
    "read_profile",
    "read_resource",
    "resource_problem",
    "settings_labels",
    "usable_with",
]
