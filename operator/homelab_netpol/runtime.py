"""The running operator: its parts, wired together, started, and stopped in good order.

Data flows one way: event -> handler -> cache -> triggers -> queue -> plan -> render -> diff ->
write -> report.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

import kopf

from homelab_netpol import __version__
from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.cilium_config import CiliumReader
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.cluster.events import EventPoster
from homelab_netpol.cluster.lease import Leadership, LeaseElector
from homelab_netpol.cluster.pods import namespaces_with_pods
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.cluster.snapshot import SnapshotReader
from homelab_netpol.findings.inspector import Inspector
from homelab_netpol.handlers import WATCHED, build_kopf_settings, build_registry
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import CILIUM_KINDS, ISTIO_KINDS, Kind
from homelab_netpol.reconcile.auto_scope import AutoScope
from homelab_netpol.reconcile.change_applier import ChangeApplier
from homelab_netpol.reconcile.event_handlers import EventHandlers
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.reconciler import Reconciler
from homelab_netpol.reconcile.statuses import Statuses
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.reconcile.workers import Workers
from homelab_netpol.reconcile.writer import Writer
from homelab_netpol.reporting.reporter import Reporter
from homelab_netpol.telemetry.collectors import (
    collect_cache,
    collect_queue,
    collect_watches,
    prime,
)
from homelab_netpol.telemetry.debug import describe
from homelab_netpol.telemetry.metrics import Metrics
from homelab_netpol.telemetry.readiness import Readiness, Watch
from homelab_netpol.telemetry.server import HealthServer
from homelab_netpol.watch.cilium_watch import CiliumWatch
from homelab_netpol.watch.kopf_watch import KopfWatch
from homelab_netpol.watch.list_check import ListCheck
from homelab_netpol.watch.reflector import Reflector
from homelab_netpol.watch.resync import Resync
from homelab_netpol.watch.watched_lists import WatchedLists

log = logging.getLogger(__name__)

# The Lease must be free within 2 s of SIGTERM, and giving it back takes two requests.
_FINISH_SECONDS = 1.0


async def run_operator(catalogue: Catalogue, access: ClusterAccess) -> None:
    """Runs until SIGTERM or SIGINT.

    Raises:
        ConnectionFailed: there are no credentials.
        LeadershipLost: another replica may lead by now.
        WatchBehind: one of Kopf's watches stays behind.
        HistoryWentBack: the cluster is older than what was seen of it.
        Exception: a watch or a worker ended for good; the process should be started again.
    """
    timeout = catalogue.settings.request_timeout_seconds
    async with await Api.connect(access, request_timeout=timeout) as api:
        await Runtime(catalogue, access, api).run()


class Runtime:
    """The parts of one operator process, each built from those before it."""

    def __init__(self, catalogue: Catalogue, access: ClusterAccess, api: Api) -> None:
        """Puts the parts together; nothing is sent yet."""
        settings = self._settings = catalogue.settings
        self._access = access
        self._identity = f"{socket.gethostname()}_{os.getpid()}_{os.urandom(4).hex()}"
        self._stop = asyncio.Event()
        metrics = self._metrics = Metrics()
        metrics.build.info({"version": __version__})

        self._queue = WorkQueue()
        self._cache = ClusterCache(catalogue)
        self._triggers = Triggers(self._cache)
        self._event_handlers = EventHandlers(self._cache, self._triggers, self._queue, metrics)
        # Set by the first list, and from then on by each list after an interruption.
        self._labels_current = asyncio.Event()
        self._leadership, self._elector = self._make_leadership(api)

        resources = Resources(api, self._leadership.is_set)
        self._events = EventPoster(
            api, metrics, uid_of=self._cache.namespaces.uid, is_busy=self._queue.is_busy
        )
        reporter = Reporter(self._events, metrics, settings, lambda: self._cache.scope)
        writer = Writer(resources, self._cache.policies, self._leadership, self._cache.label_keys)
        statuses = Statuses(self._cache, resources, reporter)
        changes = ChangeApplier(
            self._cache, self._queue, writer, reporter, self._labels_current, metrics
        )
        self._kopf_watches = {name: KopfWatch(name) for name in WATCHED}
        lists = WatchedLists(resources, self._cache, self._kopf_watches)
        self._auto_scope = AutoScope(
            self._cache,
            self._triggers,
            self._queue,
            lists.namespaces,
            partial(namespaces_with_pods, api),
            resources.get,
            self._leadership,
            self._labels_current,
            reporter.auto_scope,
        )
        reconciler = Reconciler(
            self._cache, self._queue, changes, statuses, reporter, self._auto_scope
        )
        self._workers = Workers(
            self._queue, reconciler, self._triggers, self._leadership, self._labels_current, metrics
        )

        self._list_check = ListCheck(
            lists, self._kopf_watches, self._triggers, self._queue, self._labels_current
        )
        api.on_unanswered = self._list_check.interrupted
        self._resync = Resync(
            resources, lists, self._cache, self._triggers, self._queue, reporter, metrics
        )
        self._enforcement = reporter.enforcement
        self._cilium_watch = CiliumWatch(
            CiliumReader(api, settings.cilium),
            self._cache,
            self._triggers,
            self._queue,
            self._enforcement,
        )
        self._reflectors = {kind: self._make_reflector(kind, resources) for kind in self._kinds()}
        snapshots = SnapshotReader(api, settings.label_domain)
        self._inspector = Inspector(
            self._cache,
            snapshots,
            reporter.inspected,
            self._leadership,
            is_busy=self._queue.is_busy,
        )
        reporter.hatch.on_opened = self._inspector.wake
        watches: list[Watch] = [*self._kopf_watches.values(), *self._reflectors.values()]
        self._readiness = Readiness(
            self._resync, watches, self._leadership, self._elector, self._queue
        )
        prime(metrics, (watch.name for watch in watches))
        remarks = (reporter.enforcement, reporter.auto_scope)
        self._server = HealthServer(
            metrics,
            address=settings.server.address,
            port=settings.server.port,
            refresh=self._refresh_metrics,
            not_ready_because=self._readiness.not_ready_because,
            remark=lambda: "\n".join(filter(None, (each.sentence for each in remarks))) or None,
            alive_seconds=settings.server.alive_seconds,
            describe=self._describe if settings.server.debug else None,
        )

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT; see `run_operator`."""
        async with self._server:
            self._take_signals()
            stopping = asyncio.create_task(self._stop.wait(), name="stop")
            synced = asyncio.create_task(self._first_sync(), name="first sync")
            await asyncio.wait({stopping, synced}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                synced.cancel()
                return
            await synced
            self._labels_current.set()
            await self._run_jobs(stopping)
        log.info("Stopped.")

    async def _first_sync(self) -> None:
        await self._cilium_watch.first()
        await self._resync.first()

    async def _run_jobs(self, stopping: asyncio.Task[Any]) -> None:
        settings = self._settings
        coroutines: dict[str, Coroutine[Any, Any, Any]] = {
            "events": self._events.run(),
            "resync": self._resync.run(settings.resync_seconds),
            "list check": self._list_check.run(settings.watch_check_seconds),
            "deadlines": self._follow_deadlines(),
            "label grace": self._follow_grace(),
            "inspection": self._inspector.run(settings.inspection_seconds),
            "default deny": self._auto_scope.run(settings.inspection_seconds),
            "Cilium's configuration": self._cilium_watch.run(settings.inspection_seconds),
        }
        if self._elector is not None:
            coroutines["lease"] = self._elector.run()
        for kind, reflector in self._reflectors.items():
            since = self._resync.versions.get(kind)
            coroutines[f"watch of {reflector.name}"] = reflector.run(since)
        for number in range(settings.workers):
            coroutines[f"worker {number}"] = self._workers.run()
        jobs = {asyncio.create_task(job, name=name) for name, job in coroutines.items()}
        kopf_tasks = await self._start_kopf({stopping, *jobs})
        try:
            done, _ = await asyncio.wait(
                {stopping, kopf_tasks, *jobs}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done - {stopping}:
                task.result()
                raise RuntimeError(f"{task.get_name()} ended, which it never should")
        finally:
            if stopping.done():
                # What is on its way to the server is waited for: once the Lease is released, not
                # one of our writes may be stored.
                await self._workers.finish(_FINISH_SECONDS)
            for task in (*jobs, kopf_tasks, stopping):
                task.cancel()
            await asyncio.gather(*jobs, kopf_tasks, stopping, return_exceptions=True)
            if self._elector is not None:
                await self._elector.release()

    async def _start_kopf(self, ours: set[asyncio.Task[Any]]) -> asyncio.Task[None]:
        """Starts Kopf's watches; on the way out it may end every task that is not ours."""
        ignored = [*asyncio.all_tasks(), *ours]
        # Kopf would make one up from the user's name, which a Pod's user may not have, and from a
        # DNS lookup, for which the loop would stand still. It has no public type; a string will do.
        identity: Any = self._identity
        tasks = await kopf.spawn_tasks(
            registry=build_registry(self._event_handlers, self._kopf_watches, self._access),
            settings=build_kopf_settings(request_timeout=self._settings.request_timeout_seconds),
            clusterwide=True,
            standalone=True,
            identity=identity,
        )
        # Kopf has taken the signals; stopping in good order (workers, then the Lease) is ours.
        self._take_signals()
        return asyncio.create_task(kopf.run_tasks(tasks, ignored=ignored), name="watches")

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)

    def _make_leadership(self, api: Api) -> tuple[Leadership, LeaseElector | None]:
        wanted = self._settings.leader_election
        if not (self._access.in_cluster if wanted.enabled is None else wanted.enabled):
            return Leadership.always(), None
        leadership = Leadership()
        elector = LeaseElector(
            api,
            leadership,
            namespace=wanted.namespace or self._access.own_namespace or "default",
            name=wanted.name,
            identity=self._identity,
            duration=float(wanted.lease_seconds),
        )
        return leadership, elector

    def _kinds(self) -> tuple[Kind, ...]:
        """What the operator writes, and so watches itself."""
        return (*CILIUM_KINDS, *(ISTIO_KINDS if self._settings.mesh.writes_istio else ()))

    def _make_reflector(self, kind: Kind, resources: Resources) -> Reflector:
        return Reflector(
            kind.plural,
            watch=partial(resources.watch_policies, kind),
            handle=partial(self._event_handlers.policies, kind),
            relist=partial(self._resync.relist, kind),
            interrupted=self._list_check.interrupted,
            optional=kind in ISTIO_KINDS,
        )

    async def _follow_deadlines(self) -> None:
        """Has hatches looked at whose time is over, when it is."""
        while True:
            await self._cache.deadlines.wait(datetime.now(UTC))
            self._queue.enqueue(self._triggers.time_passed())

    async def _follow_grace(self) -> None:
        """Has Namespaces looked at that have lost a label, when its grace is over."""
        while True:
            await self._cache.grace.wait()
            self._queue.enqueue(self._triggers.grace_over())

    def _refresh_metrics(self) -> None:
        """Brings up to date what is counted only when it is scraped."""
        metrics = self._metrics
        metrics.leader.set(self._leadership.is_set())
        metrics.ready.set(self._readiness.not_ready_because() is None)
        collect_cache(self._cache, metrics)
        collect_queue(self._queue, metrics)
        collect_watches(self._reflectors.values(), self._kopf_watches.values(), metrics)

    def _describe(self) -> dict[str, Any]:
        return describe(
            self._cache,
            self._queue,
            self._reflectors.values(),
            self._kopf_watches.values(),
            leader=self._leadership.is_set(),
            not_ready_because=self._readiness.not_ready_because(),
        )
