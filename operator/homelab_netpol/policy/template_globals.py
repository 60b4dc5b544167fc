"""What every template may use, and where templates are. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homelab_netpol.intent import GATEWAYS
from homelab_netpol.package_data import data_folder
from homelab_netpol.policy.compose import dns_for_names
from homelab_netpol.policy.peers import peers_data
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.settings import Settings


def template_directories(settings: Settings) -> list[Path]:
    """Where templates are searched for, in this order.

    Raises:
        RenderError: the directory of the settings is missing.
    """
    directories = [data_folder("templates")]
    if settings.templates is not None:
        if not settings.templates.is_dir():
            raise RenderError(f"templates: {settings.templates} is not a directory")
        directories.insert(0, settings.templates)
    return directories


def template_globals(settings: Settings) -> dict[str, Any]:
    """The settings as templates see them; peers in Cilium's words, see `peers_data`."""
    data = settings.model_dump(mode="json", by_alias=True)
    gateways, dns, mesh = settings.gateways, settings.dns, settings.mesh
    return {
        "domain": settings.label_domain,
        "gateways": {
            **{which: [peers_data([peer]) for peer in gateways.of(which)] for which in GATEWAYS},
            "ports": data["gateways"]["ports"],
        },
        "dns": {**data["dns"], "servers": peers_data(dns.servers)},
        "dns_for_names": dns_for_names(dns),
        "internet": {**data["internet"], "networks": settings.internet.networks},
        "lan": data["lan"],
        "scrapers": [
            {"peers": peers_data([each]), "ports": list(each.ports)} for each in settings.scrapers
        ],
        "probes": peers_data(settings.probes),
        "apiServer": peers_data(settings.api_server),
        "mesh": {
            **data["mesh"],
            "ztunnel": peers_data(mesh.ztunnel),
            "waypoints": peers_data(mesh.waypoints),
        },
    }
