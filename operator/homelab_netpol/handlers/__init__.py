"""Kopf's handlers, one file a kind of what people write. Each only passes an event on."""

from homelab_netpol.handlers.kopf_settings import build_kopf_settings
from homelab_netpol.handlers.registry import WATCHED, build_registry

__all__ = ["WATCHED", "build_kopf_settings", "build_registry"]
