"""Kubernetes objects from YAML files, folders, kustomizations and git revisions, with their places.

Knows what kinds the commands read, and nothing of what they mean.
"""

from homelab_netpol.manifests.gather import gather
from homelab_netpol.manifests.manifest import Manifest, ManifestError, Source
from homelab_netpol.manifests.manifest_set import ManifestSet
from homelab_netpol.manifests.parse import parse_manifests

__all__ = [
    "Manifest",
    "ManifestError",
    "ManifestSet",
    "Source",
    "gather",
    "parse_manifests",
]
