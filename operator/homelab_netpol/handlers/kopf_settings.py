"""How Kopf is set up: what it may write (nothing), how it lists, how it gives up."""

from __future__ import annotations

from typing import Any

import kopf


def build_kopf_settings(*, request_timeout: float) -> kopf.OperatorSettings:
    """Makes Kopf's settings.

    Args:
        request_timeout: seconds that a request other than a watch may take.
    """
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.watching.chunk_size = 500
    # Kopf keeps a task for every object that it has just seen, 6,000 of them at a start among 3,000
    # namespaces: ended sooner than after its 5 s, they cost 115 instead of 178 MB at the most.
    settings.queueing.idle_timeout = 0.5
    settings.networking.request_timeout = request_timeout
    settings.networking.connect_timeout = request_timeout
    # An API server that restarts is back within seconds, and labels are known by lists only until
    # Kopf's watch is open again: try every second. After two minutes, end and be started again.
    settings.networking.error_backoffs = (0.1, 0.25, 0.5, *[1] * 120)
    # Should a handler ever need a finalizer by mistake, it must at least be recognisable as ours.
    settings.persistence.finalizer = "network-policy.homelab/never"
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    return settings


class _NoDiffBase(kopf.DiffBaseStorage):
    """Kopf computes a diff for every event; only its other kinds of handlers would look at it."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> Any:
        return None

    def store(self, **_: Any) -> None:
        """Keeps nothing on the object."""


class _NoProgress(kopf.ProgressStorage):
    """Likewise for the progress of handlers that can be retried, of which there are none."""

    def fetch(self, **_: Any) -> Any:
        return None

    def store(self, **_: Any) -> None:
        """Keeps nothing on the object."""

    def purge(self, **_: Any) -> None:
        """Has kept nothing on the object."""

    def touch(self, **_: Any) -> None:
        """Keeps nothing on the object."""

    def clear(self, *, essence: Any) -> Any:
        return essence
