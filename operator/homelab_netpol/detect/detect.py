"""Asks all detectors, and joins what they found. Pure."""

from __future__ import annotations

from typing import Any

from homelab_netpol.detect.api_server import detect_api_server
from homelab_netpol.detect.cilium import detect_cilium
from homelab_netpol.detect.companions import detect_companions
from homelab_netpol.detect.dns import detect_dns
from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Detected, Findings, Setting
from homelab_netpol.detect.gateways import detect_gateways
from homelab_netpol.detect.mesh import detect_mesh
from homelab_netpol.detect.networks import detect_networks
from homelab_netpol.detect.platform import detect_platform, known_platform
from homelab_netpol.detect.resources import detect_resources
from homelab_netpol.detect.scrapers import detect_scrapers
from homelab_netpol.detect.usable import without_unusable
from homelab_netpol.manifests import ManifestSet

# The pods that these name serve all others, of which no profile says anything.
_NEEDED = ("dns", "mesh", "scrapers")


def detect(manifests: ManifestSet) -> Detected:
    """The settings that fit a cluster, and what its owner has to say.

    Raises:
        ManifestError: a workload's pods are not described as they must be.
    """
    return detect_by(ClusterFacts(manifests))


def detect_by(facts: ClusterFacts) -> Detected:
    """Likewise, of facts that are gathered already."""
    found = detect_cilium(facts)
    gateways, found_gateways = detect_gateways(facts)
    dns, mesh, scrapers = detect_dns(facts), detect_mesh(facts), detect_scrapers(facts)
    stores = detect_resources(facts, known_platform(facts))
    needed = {
        namespace: f"its pods are named in {'.'.join(setting.path)}"
        for part in (dns, mesh, scrapers)
        for setting in part.settings
        if setting.path[0] in _NEEDED
        for namespace in _namespaces(setting)
    }
    needed |= {each.namespace: f"{each.name} is there" for each in found_gateways if each.namespace}
    needed |= {name: because for name, because in stores.shared.items() if name not in needed}
    peers = [
        *(
            peer
            for part in (dns, mesh, scrapers)
            for setting in part.settings
            for peer in _peers(setting)
        ),
        *(each.peer for each in found_gateways if each.peer),
    ]
    platform, names = detect_platform(facts, needed, peers)
    parts: tuple[Findings, ...] = (
        gateways,
        dns,
        scrapers,
        platform,
        stores.findings,
        detect_companions(facts, stores),
        mesh,
        detect_api_server(facts, names),
        detect_networks(facts),
    )
    for part in parts:
        found.add(part)
    return without_unusable(
        Detected(found.settings, found.confirmed, found.questions, tuple(facts.manifests.gaps))
    )


def _namespaces(setting: Setting) -> list[str]:
    """The namespaces that a list of peers names."""
    names = [each.get("namespace") for each in _peers(setting)]
    return [name for name in names if isinstance(name, str)]


def _peers(setting: Setting) -> list[dict[str, Any]]:
    plain = setting.plain
    return [each for each in plain if isinstance(each, dict)] if isinstance(plain, list) else []
