"""The running operator: lists, watches, workers, resync and shutdown, put together.

Data flows one way: event -> key -> what is known -> intent -> policies -> difference -> writes.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import kopf

from homelab_netpol import __version__
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.cluster.errors import ApiError, NotFound
from homelab_netpol.cluster.events import EventPoster
from homelab_netpol.cluster.lease import LeaseElector
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.handlers import build_kopf_settings, build_registry
from homelab_netpol.metrics import Metrics
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.objects import Kind, LabelKeys, read_live
from homelab_netpol.reconcile.queue import Priority, Scope, Work, WorkKey, WorkQueue
from homelab_netpol.reconcile.reconciler import NotDone, Reconciler
from homelab_netpol.reconcile.standing import CLUSTERWIDE
from homelab_netpol.reconcile.tell import Teller
from homelab_netpol.reconcile.view import ClusterView, Requests, merge
from homelab_netpol.reconcile.writer import Writer
from homelab_netpol.server import HealthServer

log = logging.getLogger(__name__)

# A burst of grants changes a shared resource's list of consumers many times; once in this time is
# enough, and a single grant does not wait.
_SHARED_INTERVAL_SECONDS = 0.1
_SYNC_RETRY_SECONDS = 2.0
_QUIET_SECONDS = 0.2


class Runtime:
    """One operator process. `run` returns when it was told to stop, and raises when it must end."""

    def __init__(self, catalogue: Catalogue, access: ClusterAccess) -> None:
        self._catalogue = catalogue
        self._settings = catalogue.settings
        self._access = access
        self._metrics = Metrics()
        self._metrics.build.info({"version": __version__})
        self._view = ClusterView(catalogue)
        self._queue = WorkQueue()
        self._stop = asyncio.Event()
        self._leading = asyncio.Event()
        self._first_pass: set[WorkKey] = set()
        self._not_synced: str | None = "the lists are not synced yet"
        self._elector: LeaseElector | None = None
        self._shared_last: dict[WorkKey, float] = {}
        self._last_work = 0.0

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT.

        Raises:
            LeadershipLost: another replica may lead by now.
            Exception: a watch or a worker ended for good; the process should be started again.
        """
        settings = self._settings
        server = HealthServer(
            self._metrics,
            address=settings.server.address,
            port=settings.server.port,
            refresh=self._refresh_metrics,
            not_ready_because=self._not_ready_because,
        )
        timeout = settings.request_timeout_seconds
        async with server, await Api.connect(self._access, request_timeout=timeout) as api:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._stop.set)
            self._elector = self._make_elector(api)
            await self._main(api)

    async def _main(self, api: Api) -> None:
        resources = Resources(api)
        events = EventPoster(api, self._metrics, uid_of=self._view.uid, is_busy=self._is_busy)
        self._teller = Teller(events, self._metrics)
        component_label = LabelKeys(self._settings.label_domain).component
        writer = Writer(resources, self._view.standing, component_label)
        reconciler = Reconciler(self._catalogue, self._view, writer, self._teller, self._metrics)
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        synced = asyncio.create_task(self._first_sync(resources), name="first sync")
        await asyncio.wait({stopping, synced}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            synced.cancel()
            return
        await synced
        jobs = {
            asyncio.create_task(self._work(reconciler), name=f"worker {number}")
            for number in range(self._settings.workers)
        }
        jobs.add(asyncio.create_task(events.run(), name="events"))
        jobs.add(asyncio.create_task(self._resync(resources), name="resync"))
        if self._elector is None:
            self._leading.set()
        else:
            self._leading = self._elector.leading
            jobs.add(asyncio.create_task(self._elector.run(), name="lease"))
        kopf_tasks = await self._start_kopf({stopping, *jobs})
        try:
            done, _ = await asyncio.wait(
                {stopping, kopf_tasks, *jobs}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done - {stopping}:
                task.result()
                raise RuntimeError(f"{task.get_name()} ended, which it never should")
        finally:
            for task in (*jobs, kopf_tasks, stopping):
                task.cancel()
            await asyncio.gather(*jobs, kopf_tasks, stopping, return_exceptions=True)
            if self._elector is not None:
                await self._elector.release()
        log.info("Stopped.")

    async def _start_kopf(self, ours: set[asyncio.Task[Any]]) -> asyncio.Task[None]:
        """Starts Kopf's watches; on the way out it may end every task that is not ours."""
        ignored = [*asyncio.all_tasks(), *ours]
        tasks = await kopf.spawn_tasks(
            registry=build_registry(self, self._access),
            settings=build_kopf_settings(request_timeout=self._settings.request_timeout_seconds),
            clusterwide=True,
            standalone=True,
        )
        # Kopf has taken the signals; stopping in good order (workers, then the Lease) is ours.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        return asyncio.create_task(kopf.run_tasks(tasks, ignored=ignored), name="watches")

    def _not_ready_because(self) -> str | None:
        """A standby is ready once it knows what there is, and who leads: its turn may come."""
        if self._not_synced is not None:
            return self._not_synced
        if not self._leading.is_set():
            known = self._elector is not None and self._elector.leader_known
            return None if known else "the leader is not known yet"
        return "the first full reconcile is not done yet" if self._first_pass else None

    def _make_elector(self, api: Api) -> LeaseElector | None:
        wanted = self._settings.leader_election
        if not (self._access.in_cluster if wanted.enabled is None else wanted.enabled):
            return None
        namespace = wanted.namespace or self._access.pod_namespace or "default"
        return LeaseElector(
            api,
            namespace=namespace,
            name=wanted.name,
            identity=f"{socket.gethostname()}_{os.getpid()}_{os.urandom(4).hex()}",
            duration=float(wanted.lease_seconds),
        )

    def _is_busy(self) -> bool:
        """Policies are being written, or were a moment ago: in a burst more will follow at once."""
        return not self._queue.idle or time.monotonic() - self._last_work < _QUIET_SECONDS

    # Lists

    async def _first_sync(self, resources: Resources) -> None:
        """Lists everything once; asks again for as long as that fails, and says why."""
        while True:
            try:
                requests = await self._list(resources)
            except ApiError as error:
                hint = " (are Cilium's CRDs installed?)" if isinstance(error, NotFound) else ""
                self._not_synced = f"the cluster cannot be listed: {error}{hint}"
                log.warning("The cluster cannot be listed yet: %s%s", error, hint)
                await asyncio.sleep(max(_SYNC_RETRY_SECONDS, error.retry_after or 0.0))
                continue
            break
        # The baselines come last: they switch on default deny, and what profiles allow must be
        # there by then.
        requests[CLUSTERWIDE] = Priority.RESYNC
        self._first_pass = set(requests)
        self._not_synced = None
        # What is there now stays: the imports, the caches. Looking through it at every collection
        # would stop the loop for 20 to 30 ms each time, and young objects hardly ever form cycles
        # here, so look for those less often (docs/benchmarks.md).
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        self._enqueue(requests)
        log.info(
            "Synced: %d namespaces, %d policies.",
            len(self._view.namespace_names()),
            sum(1 for _ in self._view.standing.all()),
        )

    async def _list(self, resources: Resources) -> Requests:
        """Lists policies first: what stands is the memory of what was last good."""
        requests: Requests = {}
        for kind in Kind:
            policies, version = await resources.managed_policies(kind)
            merge(requests, self._view.replace_policies(kind, policies, version))
        namespaces, version = await resources.namespaces(self._view.read_namespace)
        merge(requests, self._view.replace_namespaces(namespaces, version))
        for key in self._view.standing.strays():
            self._teller.stray(key)
        return requests

    async def _resync(self, resources: Resources) -> None:
        """Compares everything now and then: a watch may have lost what no list would."""
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            try:
                requests = await self._list(resources)
            except ApiError as error:
                self._metrics.resyncs.labels("failed").inc()
                log.warning("The resync could not list the cluster: %s", error)
                continue
            self._metrics.resyncs.labels("done").inc()
            everything: Requests = {
                WorkKey(Scope.NAMESPACE, name): Priority.RESYNC
                for name in self._view.namespace_names()
            }
            everything |= dict.fromkeys((*self._view.shared(), CLUSTERWIDE), Priority.RESYNC)
            merge(everything, requests)
            self._enqueue(everything)

    # Events, from Kopf's handlers

    def namespace_event(self, manifest: Mapping[str, Any], *, deleted: bool) -> None:
        """Takes in a Namespace that was seen, changed or deleted."""
        observed = self._view.read_namespace(manifest)
        if deleted:
            self._enqueue(self._view.forget_namespace(observed.facts.name, observed.version))
        else:
            self._enqueue(self._view.observe_namespace(observed))

    def policy_event(self, kind: Kind, manifest: Mapping[str, Any], *, deleted: bool) -> None:
        """Takes in a policy with our label that was seen, changed, deleted, or lost the label."""
        live = read_live(kind, manifest)
        if deleted:
            self._enqueue(self._view.forget_policy(live.key, int(live.resource_version)))
        else:
            self._enqueue(self._view.observe_policy(live))

    def _enqueue(self, requests: Requests) -> None:
        now = time.monotonic()
        for key, priority in requests.items():
            delay = 0.0
            if key.scope in (Scope.TARGET, Scope.GATEWAY):
                last = self._shared_last.get(key, 0.0)
                delay = max(0.0, last + _SHARED_INTERVAL_SECONDS - now)
            self._queue.add(key, priority, delay=delay)

    # Workers

    async def _work(self, reconciler: Reconciler) -> None:
        while True:
            await self._leading.wait()
            work = await self._queue.get()
            if not self._leading.is_set():
                self._queue.retry(work.key)
                continue
            await self._work_on(work, reconciler)

    async def _work_on(self, work: Work, reconciler: Reconciler) -> None:
        key, metrics = work.key, self._metrics
        started = time.monotonic()
        if key.scope in (Scope.TARGET, Scope.GATEWAY):
            self._shared_last[key] = started
        if key.scope is Scope.NAMESPACE:
            self._enqueue(self._view.refresh(key.name))
        try:
            written = await reconciler.reconcile(key)
        except NotDone as error:
            pause = self._queue.retry(key, at_least=error.retry_after)
            metrics.reconciles.labels(key.scope, "failed").inc()
            log.warning(
                "Not done, again in %.1f s: %s",
                pause,
                error,
                extra={"namespace": key.name, "reason": "NotDone"},
            )
        except Exception:
            # A mistake of ours in one namespace must not stop the others.
            pause = self._queue.retry(key)
            metrics.reconciles.labels(key.scope, "error").inc()
            log.exception("%s failed, again in %.1f s", key, pause)
        else:
            self._queue.done(key)
            metrics.reconciles.labels(key.scope, "written" if written else "unchanged").inc()
            if written and key.scope is Scope.NAMESPACE:
                metrics.label_to_policy.observe(time.monotonic() - work.since)
        self._last_work = time.monotonic()
        metrics.reconcile_seconds.labels(key.scope).observe(self._last_work - started)
        if self._first_pass:
            self._first_pass.discard(key)
            if not self._first_pass:
                log.info("Ready: the first full reconcile is done.")

    def _refresh_metrics(self) -> None:
        """Counts what is cheaper to count when asked than to keep counted."""
        metrics = self._metrics
        metrics.queue_depth.set(len(self._queue))
        metrics.leader.set(self._leading.is_set())
        metrics.ready.set(self._not_ready_because() is None)
        profiles = Counter(intent.profile or "" for intent in self._view.intents())
        metrics.namespaces.clear()
        for profile, count in profiles.items():
            metrics.namespaces.labels(profile).set(count)
        component = f"{self._settings.label_domain}/component"
        kinds = Counter(
            (live.key.kind.value, live.labels.get(component, ""))
            for live in self._view.standing.all()
        )
        metrics.policies.clear()
        for (kind, part), count in kinds.items():
            metrics.policies.labels(kind, part).set(count)
