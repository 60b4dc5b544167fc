"""Clusters as their objects, with the labels that the upstream charts put on them."""

from __future__ import annotations

from pathlib import Path

from homelab_netpol.detect import Detected, as_file, detect
from homelab_netpol.manifests import ManifestSet, gather, parse_manifests
from homelab_netpol.settings import Settings, parse_settings

ROOT = Path(__file__).resolve().parents[2]
CLUSTERS = Path(__file__).with_name("clusters")
EXAMPLES = ROOT / "manifests" / "examples" / "settings"


def dump(*names: str) -> ManifestSet:
    """The objects of clusters/NAME.yaml, all of them in one cluster."""
    return gather([str(CLUSTERS / f"{name}.yaml") for name in names])


def cluster(*texts: str) -> ManifestSet:
    """Likewise, of texts."""
    found = ManifestSet()
    for text in texts:
        found.add(parse_manifests(text.encode(), "cluster.yaml"))
    return found


def detected(manifests: ManifestSet) -> tuple[Detected, Settings, str]:
    """What is detected; the settings that the operator reads from the file; that file."""
    found = detect(manifests)
    text = as_file(found)
    return found, parse_settings(text), text
