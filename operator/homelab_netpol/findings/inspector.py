"""Looks now and then at what others wrote, where it can keep what we wrote from working.

A grant has a target, platform namespaces have policies by hand, and anybody may open what a profile
keeps closed: none of it is ours to change. What is found is reported to the owner of the namespace.

A check is a generator that yields a finding or None after each short step: about once for each
pod, policy or consumer. Between steps the event loop turns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.errors import ApiError
from homelab_netpol.cluster.snapshot import Pause, SnapshotReader, release
from homelab_netpol.findings import (
    check_consumers,
    check_direct_ingress,
    check_grants,
    check_hatch,
    check_host_network,
    check_identity_labels,
    check_mesh_pods,
    check_names,
    check_own_addresses,
    check_platform,
    check_pod_labels,
    check_service_ports,
    check_take_over,
    check_waypoints,
    check_widening,
)
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Check, Inspection
from homelab_netpol.findings.wanted import wanted
from homelab_netpol.garbage import young_garbage_only

if TYPE_CHECKING:
    # A command that uses the checks on files must not wait for the Kubernetes client.
    from homelab_netpol.cluster.lease import Leadership

log = logging.getLogger(__name__)

# To look through so many takes half a millisecond; through four times as many, more than four times
# that, as a processor's cache does not hold them.
_YOUNG_OBJECTS = 2_500

CHECKS: tuple[Check, ...] = (
    Inspection.sort,
    check_hatch.check,
    check_grants.check,
    check_consumers.check,
    check_service_ports.check,
    check_own_addresses.check,
    check_waypoints.check,
    check_mesh_pods.check,
    check_host_network.check,
    check_platform.check,
    check_widening.check,
    check_identity_labels.check,
    check_pod_labels.check,
    check_names.check,
    check_direct_ingress.check,
    check_take_over.check,
)
# A change wakes the inspector, and changes come in bursts.
_LEAST_SECONDS = 2.0
# What is there to write comes first, but not for ever.
_MOST_POLITE_SECONDS = 1.0
_POLITE_WAIT_SECONDS = 0.1


class Inspector:
    """Runs the checks, one after the other, on a snapshot of the cluster."""

    def __init__(
        self,
        cache: ClusterCache,
        reader: SnapshotReader,
        report: Callable[[Iterable[Finding], Mapping[str, str]], None],
        leadership: Leadership,
        is_busy: Callable[[], bool],
    ) -> None:
        """Prepares.

        Args:
            cache: what is known of the cluster.
            reader: lists what others wrote and run.
            report: takes all findings that there are now; and by namespace, in words, the deny
                rules that would win over an open hatch there.
            leadership: whether this replica leads.
            is_busy: whether policies wait to be written.
        """
        self._cache = cache
        self._reader = reader
        self._report = report
        self._leadership = leadership
        self._is_busy = is_busy
        self._failure = ""
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Has it look soon, if it leads: something happened that others may have a part in."""
        self._woken.set()

    async def run(self, seconds: float) -> None:
        """Looks every so many seconds while this replica leads, until it is cancelled."""
        while True:
            await self._leadership.wait()
            self._woken.clear()
            try:
                findings, deny_rules = await self.look()
            except ApiError as error:
                # The findings that stand are kept: a failed inspection is no good news.
                if str(error) != self._failure:
                    log.warning("What others wrote could not be looked at: %s", error)
                self._failure = str(error)
            except Exception:
                # What others wrote may be anything; it must not keep us from our own work.
                log.exception("What others wrote could not be looked at")
            else:
                self._failure = ""
                self._report(findings, deny_rules)
            await self._wait(seconds)

    async def _wait(self, seconds: float) -> None:
        least = min(seconds, _LEAST_SECONDS)
        await asyncio.sleep(least)
        try:
            async with asyncio.timeout(seconds - least):
                await self._woken.wait()
        except TimeoutError:
            return
        for _ in range(round(_MOST_POLITE_SECONDS / _POLITE_WAIT_SECONDS)):
            if not self._is_busy():
                return
            await asyncio.sleep(_POLITE_WAIT_SECONDS)

    async def look(self) -> tuple[list[Finding], Mapping[str, str]]:
        """Inspects the cluster once.

        Returns:
            What is found, and the deny rules by namespace.

        Raises:
            ApiError: something could not be listed.
        """
        with young_garbage_only(_YOUNG_OBJECTS):
            snapshot = await self._reader.read(wanted(self._cache))
            inspection = Inspection(self._cache, snapshot)
            found = await self._check(inspection)
            await release((snapshot.policies, snapshot.pods, snapshot.services))
            await release(inspection.contents)
            return found

    async def _check(self, inspection: Inspection) -> tuple[list[Finding], Mapping[str, str]]:
        pause = Pause()
        found: list[Finding] = []
        for check in CHECKS:
            for finding in check(inspection):
                if finding is not None:
                    found.append(finding)
                await pause.between_steps()
        return found, inspection.deny_rules
