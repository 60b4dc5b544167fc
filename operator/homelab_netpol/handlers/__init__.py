"""Kopf's part: it watches and runs the process. Each handler only passes an event on."""

from homelab_netpol.handlers.kopf_settings import build_kopf_settings
from homelab_netpol.handlers.registry import EventHandlers, build_registry

__all__ = ["EventHandlers", "build_kopf_settings", "build_registry"]
