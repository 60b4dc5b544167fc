"""Looks now and then at what others wrote, where it can keep what we wrote from working.

A grant has a target, platform namespaces have policies by hand, and anybody may open what a profile
keeps closed: none of it is ours to change. What is found is reported to the owner of the namespace.

A check is a generator that yields a finding or None after each short step: about once for each
pod, policy or consumer. Between steps the event loop turns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.errors import ApiError
from homelab_netpol.cluster.lease import Leadership
from homelab_netpol.cluster.snapshot import Pause, SnapshotReader, young_garbage_only
from homelab_netpol.findings import check_grants, check_platform
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Check, Inspection

log = logging.getLogger(__name__)

_CHECKS: tuple[Check, ...] = (check_grants.check, check_platform.check)


class Inspector:
    """Runs the checks, one after the other, on a snapshot of the cluster."""

    def __init__(
        self,
        cache: ClusterCache,
        reader: SnapshotReader,
        report: Callable[[Iterable[Finding]], None],
        leadership: Leadership,
    ) -> None:
        """Prepares; `report` takes all findings that there are now."""
        self._cache = cache
        self._reader = reader
        self._report = report
        self._leadership = leadership
        self._failure = ""

    async def run(self, seconds: float) -> None:
        """Looks every so many seconds while this replica leads, until it is cancelled."""
        while True:
            await self._leadership.wait()
            try:
                findings = await self.look()
            except ApiError as error:
                # The findings that stand are kept: that nobody could look is no good news.
                if str(error) != self._failure:
                    log.warning("What others wrote could not be looked at: %s", error)
                self._failure = str(error)
            except Exception:
                # What others wrote may be anything; it must not keep us from our own work.
                log.exception("What others wrote could not be looked at")
            else:
                self._failure = ""
                self._report(findings)
            await asyncio.sleep(seconds)

    async def look(self) -> list[Finding]:
        """Inspects the cluster once.

        Raises:
            ApiError: something could not be listed.
        """
        with young_garbage_only():
            snapshot = await self._reader.read(self._cache.homes_in_use())
            return await self._check(Inspection(self._cache, snapshot))

    async def _check(self, inspection: Inspection) -> list[Finding]:
        pause = Pause()
        found: list[Finding] = []
        for check in _CHECKS:
            for finding in check(inspection):
                if finding is not None:
                    found.append(finding)
                await pause.between_steps()
        return found
