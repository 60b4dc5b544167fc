"""Lists everything: once at the start, and now and then in case a watch lost something."""

from __future__ import annotations

import asyncio
import gc
import logging
from functools import partial

from homelab_netpol.cache.definitions import read_definition
from homelab_netpol.cluster.errors import ApiError, Forbidden, NotFound
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.policy.keys import CILIUM_KINDS, CLUSTERWIDE, ISTIO_KINDS, Kind, Scope, WorkKey
from homelab_netpol.policy.objects import LabelKeys
from homelab_netpol.reconcile.queue import Priority
from homelab_netpol.reconcile.requests import Requests, merge
from homelab_netpol.reconcile.view import ClusterView
from homelab_netpol.reconcile.workers import Workers
from homelab_netpol.reporting.reporter import Reporter
from homelab_netpol.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0
# Of the other kinds, an operator does without those that are not there.
_NO_CILIUM = "Cilium's CRDs are not there: install Cilium, and the operator goes on by itself"


class Resync:
    """Fills the view from lists, and asks for what follows.

    Attributes:
        not_synced: why the first list is not done yet; None once it is.
        versions: the resourceVersions of the latest lists, of policies by kind, and of Namespaces
            (None).
    """

    def __init__(
        self,
        view: ClusterView,
        resources: Resources,
        workers: Workers,
        reporter: Reporter,
        metrics: Metrics,
    ) -> None:
        self._view = view
        self._resources = resources
        self._workers = workers
        self._reporter = reporter
        self._metrics = metrics
        self._component_label = LabelKeys(view.catalogue.settings.label_domain).component
        self._without_istio = False
        self._without: set[DefinitionKind] = set()
        for result in ("done", "failed"):
            metrics.resyncs.labels(result)  # at zero, so that a rate sees the first one
        self.versions: dict[Kind | None, int] = {}
        self.not_synced: str | None = "the lists are not synced yet"

    async def first(self) -> None:
        """Lists everything once; asks again for as long as that fails, and says why."""
        while True:
            try:
                requests = await self._list()
            except ApiError as error:
                hint = f". {_NO_CILIUM}" if isinstance(error, NotFound) else ""
                self.not_synced = f"the cluster cannot be listed: {error}{hint}"
                log.warning("The cluster cannot be listed yet: %s%s", error, hint)
                await asyncio.sleep(max(_RETRY_SECONDS, error.retry_after or 0.0))
                continue
            break
        # The baselines come last: they switch on default deny, and what profiles allow must be
        # there by then.
        requests[CLUSTERWIDE] = Priority.RESYNC
        requests |= dict.fromkeys(self._view.statuses(), Priority.STATUS)
        self.not_synced = None
        self._metrics.last_resync.set_to_current_time()
        # What is there now stays: the imports, the caches. Looking through it at every collection
        # would stop the loop for 20 to 30 ms each time, and young objects hardly ever form cycles
        # here, so look for those less often (docs/benchmarks.md).
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        self._workers.begin(requests)
        log.info(
            "Synced: %d namespaces, %d policies.",
            len(self._view.namespace_names()),
            sum(1 for _ in self._view.standing.all()),
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
            everything = self._everything()
            merge(everything, requests)
            self._workers.enqueue(everything)

    async def list_namespaces_again(self, away: bool) -> int:
        """Lists the Namespaces after a gap in their watch; the list's resourceVersion.

        Raises:
            ApiError: the list failed.
        """
        requests, version = await self._list_namespaces()
        self._workers.enqueue(self._everything() | requests if away else requests)
        return version

    async def list_policies_again(self, kind: Kind, away: bool) -> int:
        """Lists our policies of a kind after a gap in their watch; the list's resourceVersion.

        Args:
            kind: which.
            away: the CRD was not installed for a while, and all policies went with it. What failed
                meanwhile need not wait any longer.

        Raises:
            ApiError: the list failed.
        """
        requests, version = await self._list_policies(kind)
        self._workers.enqueue(self._everything() | requests if away else requests)
        return version

    def _everything(self) -> Requests:
        everything: Requests = {
            WorkKey(Scope.NAMESPACE, name): Priority.RESYNC for name in self._view.namespace_names()
        }
        everything |= dict.fromkeys((*self._view.shared(), CLUSTERWIDE), Priority.RESYNC)
        return everything | dict.fromkeys(self._view.statuses(), Priority.STATUS)

    async def _list(self) -> Requests:
        """Lists policies first: what stands is the memory of what was last good."""
        requests: Requests = {}
        for kind in CILIUM_KINDS:
            found, self.versions[kind] = await self._list_policies(kind)
            merge(requests, found)
        merge(requests, await self._list_istio())
        for of in DefinitionKind:
            merge(requests, await self._list_definitions(of))
        found, self.versions[None] = await self._list_namespaces()
        merge(requests, found)
        for key in self._view.standing.strays():
            self._reporter.stray(key)
        return requests

    async def _list_policies(self, kind: Kind) -> tuple[Requests, int]:
        policies, version = await self._resources.managed_policies(
            kind, component_label=self._component_label
        )
        return self._view.replace_policies(kind, policies, version), version

    async def _list_namespaces(self) -> tuple[Requests, int]:
        namespaces, version = await self._resources.namespaces(self._view.read_namespace)
        return self._view.replace_namespaces(namespaces, version), version

    async def _list_istio(self) -> Requests:
        """Lists our policies of Istio's kinds, if Istio is there."""
        wanted = self._view.catalogue.settings.mesh.writes_istio
        requests: Requests = {}
        try:
            for kind in ISTIO_KINDS:
                policies, version = await self._resources.managed_policies(
                    kind, component_label=self._component_label
                )
                merge(requests, self._view.replace_policies(kind, policies, version))
        except (NotFound, Forbidden) as error:
            merge(requests, self._view.observe_istio(installed=False))
            if wanted and not self._without_istio:
                self._without_istio = True
                log.warning(
                    "Istio's policies cannot be written, so inside the mesh's tunnel every port is"
                    " open to whom it is open for: %s (are Istio's CRDs installed?)",
                    error,
                )
            return requests
        self._without_istio = False
        merge(requests, self._view.observe_istio(installed=True))
        return requests

    async def _list_definitions(self, kind: DefinitionKind) -> Requests:
        """Lists custom resources; where their CRD is not installed, there are none."""
        try:
            listed, version = await self._resources.definitions(
                kind, partial(read_definition, kind)
            )
        except NotFound:
            if kind not in self._without:
                self._without.add(kind)
                log.warning(
                    "The CRD of %s is not installed: the operator runs without it. It is in crds/,"
                    " and may be installed at any time.",
                    kind,
                )
            return self._view.drop_definitions(kind)
        self._without.discard(kind)
        return self._view.replace_definitions(kind, listed, version)
