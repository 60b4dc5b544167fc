"""Cilium's version, as the image of its agents gives it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from homelab_netpol.shapes import mappings, text

# A vendor's build (`v1.18.2-gke.1`) may have other faults, and others mended: it decides nothing.
_TAG = re.compile(r":v?(\d+)\.(\d+)\.(\d+)(@sha256:[0-9a-f]+)?")
_AGENT = "cilium-agent"


class Version(NamedTuple):
    """A release of Cilium."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """As a release is named."""
        return f"{self.major}.{self.minor}.{self.patch}"


def read_version(image: str) -> Version | None:
    """The release in an image's tag; None: the tag names none."""
    found = _TAG.search(image)
    if found is None or found.end() != len(image):
        return None
    return Version(int(found[1]), int(found[2]), int(found[3]))


def agent_versions(pods: Iterable[Any]) -> frozenset[Version]:
    """The releases of agents, by the images of their pods, or of what describes these."""
    images = (
        text(container, "image")
        for pod in pods
        for container in mappings(pod, "spec", "containers")
        if container.get("name") == _AGENT
    )
    return frozenset(filter(None, map(read_version, images)))
