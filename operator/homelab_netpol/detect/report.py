"""What was detected as data, for programs. Pure."""

from __future__ import annotations

from typing import Any

from homelab_netpol.detect.found import Detected


def as_data(detected: Detected) -> dict[str, Any]:
    """The settings, the evidence for each, what is asked, and what could not be read."""
    return {
        "settings": detected.data,
        "evidence": [
            {"setting": ".".join(each.path), "because": each.evidence} for each in detected.settings
        ],
        "defaults": list(detected.confirmed),
        "questions": detected.checks,
        "incomplete": list(detected.gaps),
    }
