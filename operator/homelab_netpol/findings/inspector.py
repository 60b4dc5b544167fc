"""Looks now and then at what others wrote, where it can keep what we wrote from working.

A grant has a target, and platform namespaces have policies by hand: neither is ours to change. What
is found is told to the owner of the namespace that has to do something about it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.evaluation import read_policies
from homelab_netpol.cluster.errors import ApiError
from homelab_netpol.cluster.foreign import ForeignObjects, ForeignReader
from homelab_netpol.cluster.lease import Leadership
from homelab_netpol.findings import (
    Finding,
    GrantedPort,
    GrantedResource,
    TargetFacts,
    grant_findings,
    platform_findings,
)
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name
from homelab_netpol.settings import SharedResource

log = logging.getLogger(__name__)


class Inspector:
    """Compares grants with their targets, and platform policies with what they must have."""

    def __init__(
        self,
        cache: ClusterCache,
        reader: ForeignReader,
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
                findings = await self._look()
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

    async def _look(self) -> list[Finding]:
        cache = self._cache
        # As they are now: while we read, a resource may change or go.
        resources = {n: cache.catalogue.resource(n) for n in cache.catalogue.vocabulary.resources}
        granted = [
            (name, resource, resource.namespace, consumers)
            for name, resource in resources.items()
            if resource.namespace is not None and (consumers := cache.intents.holding_grant(name))
        ]
        homes = {home for _, _, home, _ in granted}
        platform = [name for name in cache.namespaces if self._is_platform(name)]
        foreign = await self._reader.read({*homes, *platform}, homes)
        found = [
            finding
            for name, resource, home, consumers in granted
            for finding in self._grant(name, resource, home, consumers, foreign)
        ]
        found += [finding for name in platform for finding in self._platform(name, foreign)]
        return found

    def _is_platform(self, name: str) -> bool:
        return name in self._cache.catalogue.vocabulary.platform_namespaces

    def _grant(
        self,
        name: str,
        resource: SharedResource,
        home: str,
        consumers: list[str],
        foreign: ForeignObjects,
    ) -> list[Finding]:
        cache = self._cache
        grant = PolicyKey(Kind.CNP, home, policy_name(Component.GRANT, name))
        target = TargetFacts(
            exists=cache.namespaces.exists(home),
            terminating=cache.namespaces.exists(home) and not cache.namespaces.is_writable(home),
            pods=foreign.pods.get(home),
            policies=read_policies(foreign.selecting(home)),
            namespace_labels=cache.namespaces.labels(home),
        )
        labels = {consumer: cache.namespaces.labels(consumer) for consumer in consumers}
        described = _describe(
            name, home, resource, granted_by_us=cache.policies.get(grant) is not None
        )
        return grant_findings(described, target, labels)

    def _platform(self, name: str, foreign: ForeignObjects) -> Iterator[Finding]:
        yield from platform_findings(
            name,
            read_policies(foreign.by_hand(name)),
            self._cache.catalogue.settings,
            meshed=self._cache.namespaces.is_meshed(name),
        )


def _describe(
    name: str, home: str, resource: SharedResource, *, granted_by_us: bool
) -> GrantedResource:
    ports = tuple(GrantedPort(p.port, p.end_port, p.protocol.value) for p in resource.ports)
    return GrantedResource(
        name=name,
        namespace=home,
        ports=ports,
        pod_labels=resource.pod_labels,
        granted_by_us=granted_by_us,
    )
