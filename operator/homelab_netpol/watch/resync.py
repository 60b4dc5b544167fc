"""Resync: lists everything at the start, and every few minutes in case a watch lost something."""

from __future__ import annotations

import asyncio
import gc
import logging

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.errors import ApiError, Forbidden, NotFound
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.policy.keys import CILIUM_KINDS, CLUSTERWIDE, ISTIO_KINDS, Kind
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.requests import Priority, Requests, merge
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.reporting.reporter import Reporter
from homelab_netpol.telemetry.metrics import Metrics
from homelab_netpol.watch.watched_lists import WatchedLists

log = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0
# Of the other kinds, an operator does without those that are not there.
_NO_CILIUM = "Cilium's CRDs are not there: install Cilium, and the operator goes on by itself"


class Resync:
    """Fills the caches from lists, and requests what follows.

    Attributes:
        not_synced: why the first list is not done yet; None once it is.
        versions: the resourceVersions of the latest lists of policies, by kind; a kind that is not
            installed is missing.
    """

    def __init__(
        self,
        resources: Resources,
        lists: WatchedLists,
        cache: ClusterCache,
        triggers: Triggers,
        queue: WorkQueue,
        reporter: Reporter,
        metrics: Metrics,
    ) -> None:
        self._resources = resources
        self._lists = lists
        self._cache = cache
        self._triggers = triggers
        self._queue = queue
        self._reporter = reporter
        self._metrics = metrics
        self._without_istio = False
        self._without: set[DefinitionKind] = set()
        self.versions: dict[Kind, int] = {}
        self.not_synced: str | None = "the lists are not synced yet"

    async def first(self) -> None:
        """Lists everything once; asks again for as long as that fails, and says why."""
        while True:
            try:
                requests = await self._list()
            except ApiError as error:
                what_to_do = f". {_NO_CILIUM}" if isinstance(error, NotFound) else ""
                self.not_synced = f"the cluster cannot be listed: {error}{what_to_do}"
                log.warning("The cluster cannot be listed yet: %s%s", error, what_to_do)
                await asyncio.sleep(max(_RETRY_SECONDS, error.retry_after or 0.0))
                continue
            break
        # The baselines come last: they switch on default deny, and what profiles allow must be
        # there by then.
        requests[CLUSTERWIDE] = Priority.RESYNC
        requests |= self._triggers.statuses()
        self.not_synced = None
        self._metrics.last_resync.set_to_current_time()
        # What is there now stays: the imports, the caches. Looking through it at every collection
        # would stop the loop for 20 to 30 ms each time, and young objects hardly ever form cycles
        # here, so look for those less often (docs/benchmarks.md).
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        self._queue.start(requests)
        log.info(
            "Synced: %d namespaces, %d policies.",
            len(self._cache.namespaces),
            len(self._cache.policies),
        )

    async def run(self, seconds: float) -> None:
        """Compares everything every so many seconds, until it is cancelled."""
        self._metrics.resync_interval.set(seconds)
        while True:
            await asyncio.sleep(seconds)
            try:
                requests = await self._list()
            except ApiError as error:
                self._metrics.resyncs.labels("failed").inc()
                log.warning("The resync could not list the cluster: %s", error)
                continue
            self._metrics.resyncs.labels("done").inc()
            self._metrics.last_resync.set_to_current_time()
            everything = self._triggers.everything()
            merge(everything, requests)
            self._queue.enqueue(everything)

    async def relist(self, kind: Kind, away: bool) -> int:
        """Lists our policies of a kind after a gap in their watch; the list's resourceVersion.

        Args:
            kind: which.
            away: the CRD was not installed for a while, and all policies went with it. What failed
                meanwhile need not wait any longer.

        Raises:
            ApiError: the list failed.
        """
        try:
            requests, version = await self._list_policies(kind)
        except (NotFound, Forbidden):
            if kind in ISTIO_KINDS:
                self._queue.enqueue(self._triggers.istio_observed(installed=False))
            raise
        if kind in ISTIO_KINDS:
            merge(requests, self._triggers.istio_observed(installed=True))
        self._queue.enqueue(self._triggers.everything() | requests if away else requests)
        return version

    async def _list(self) -> Requests:
        """Lists policies first: what stands is the memory of what was last good."""
        requests: Requests = {}
        for kind in CILIUM_KINDS:
            found, self.versions[kind] = await self._list_policies(kind)
            merge(requests, found)
        merge(requests, await self._list_istio())
        for of in DefinitionKind:
            merge(requests, await self._list_definitions(of))
        namespaces = await self._lists.namespaces()
        merge(requests, self._triggers.namespaces_listed(*namespaces))
        for key in self._cache.policies.strays():
            self._reporter.stray(key)
        return requests

    async def _list_policies(self, kind: Kind) -> tuple[Requests, int]:
        policies, version = await self._resources.managed_policies(
            kind, component_label=self._cache.label_keys.component
        )
        return self._triggers.policies_listed(kind, policies, version), version

    async def _list_istio(self) -> Requests:
        """Lists our policies of Istio's kinds, if Istio is there."""
        requests: Requests = {}
        try:
            for kind in ISTIO_KINDS:
                found, self.versions[kind] = await self._list_policies(kind)
                merge(requests, found)
        except (NotFound, Forbidden) as error:
            merge(requests, self._triggers.istio_observed(installed=False))
            if self._cache.catalogue.settings.mesh.writes_istio and not self._without_istio:
                self._without_istio = True
                log.warning(
                    "Istio's policies cannot be written, so inside the mesh's tunnel every port is"
                    " open to whom it is open for: %s (are Istio's CRDs installed?)",
                    error,
                )
            return requests
        self._without_istio = False
        merge(requests, self._triggers.istio_observed(installed=True))
        return requests

    async def _list_definitions(self, kind: DefinitionKind) -> Requests:
        """Lists custom resources; where their CRD is not installed, there are none."""
        try:
            listed, version = await self._lists.definitions(kind)
        except NotFound:
            if kind not in self._without:
                self._without.add(kind)
                log.warning(
                    "The CRD of %s is not installed: the operator runs without it. It is in crds/,"
                    " and may be installed at any time.",
                    kind,
                )
            return self._triggers.definitions_dropped(kind)
        self._without.discard(kind)
        return self._triggers.definitions_listed(kind, listed, version)
