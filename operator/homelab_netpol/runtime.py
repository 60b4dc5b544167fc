"""The running operator: lists, watches, workers, resync and shutdown, put together.

Data flows one way: event -> key -> what is known -> intent -> policies -> difference -> writes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import kopf

from homelab_netpol import __version__
from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.cluster.events import EventPoster
from homelab_netpol.cluster.foreign import ForeignReader
from homelab_netpol.cluster.lease import Leadership, LeaseElector
from homelab_netpol.cluster.resources import Resources
from homelab_netpol.findings.inspector import Inspector
from homelab_netpol.handlers import build_kopf_settings, build_registry
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import LabelKeys
from homelab_netpol.reconcile.event_handlers import EventHandlers, build_reflectors
from homelab_netpol.reconcile.reconciler import Reconciler
from homelab_netpol.reconcile.statuses import Statuses
from homelab_netpol.reconcile.view import ClusterView
from homelab_netpol.reconcile.workers import Workers
from homelab_netpol.reconcile.writer import Writer
from homelab_netpol.reporting.reporter import Reporter
from homelab_netpol.telemetry.collectors import count_failing, count_known
from homelab_netpol.telemetry.debug import describe
from homelab_netpol.telemetry.health import StuckQueue
from homelab_netpol.telemetry.metrics import Metrics
from homelab_netpol.telemetry.server import HealthServer
from homelab_netpol.watch.reflector import Reflector
from homelab_netpol.watch.resync import Resync

log = logging.getLogger(__name__)

# The Lease must be free within 2 s of SIGTERM, and giving it back takes two requests.
_FINISH_SECONDS = 1.0


class Runtime:
    """One operator process. `run` returns when it was told to stop, and raises when it must end."""

    def __init__(self, catalogue: Catalogue, access: ClusterAccess) -> None:
        self._settings = catalogue.settings
        self._access = access
        self._metrics = Metrics()
        self._metrics.build.info({"version": __version__})
        self._view = ClusterView(catalogue)
        self._workers = Workers(self._view, self._metrics)
        self._event_handlers = EventHandlers(self._view, self._workers, self._metrics)
        self._label_keys = LabelKeys(self._settings.label_domain)
        self._identity = f"{socket.gethostname()}_{os.getpid()}_{os.urandom(4).hex()}"
        self._stop = asyncio.Event()
        self._leading = Leadership()
        self._reflectors: Mapping[Kind | None, Reflector] = {}
        self._stuck = StuckQueue()
        self._sync: Resync | None = None
        self._elector: LeaseElector | None = None

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
            alive_seconds=settings.server.alive_seconds,
            describe=self._describe if settings.server.debug else None,
        )
        timeout = settings.request_timeout_seconds
        async with server, await Api.connect(self._access, request_timeout=timeout) as api:
            self._take_signals()
            self._elector = self._make_elector(api)
            await self._main(api)

    async def _main(self, api: Api) -> None:
        resources = Resources(api)
        workers = self._workers
        events = EventPoster(api, self._metrics, uid_of=self._view.uid, is_busy=workers.is_busy)
        reporter = Reporter(events, self._metrics)
        sync = self._sync = Resync(self._view, resources, workers, reporter, self._metrics)
        writer = Writer(
            resources,
            self._view.standing,
            self._label_keys.component,
            is_leading=lambda: self._leading.is_set(),
        )
        statuses = Statuses(self._view, resources, reporter)
        reconciler = Reconciler(
            self._view, writer, statuses, reporter, self._metrics, workers.is_pending
        )
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        synced = asyncio.create_task(sync.first(), name="first sync")
        await asyncio.wait({stopping, synced}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            synced.cancel()
            return
        await synced
        jobs = {
            asyncio.create_task(events.run(), name="events"),
            asyncio.create_task(sync.run(self._settings.resync_seconds), name="resync"),
            asyncio.create_task(self._watch_deadlines(), name="deadlines"),
        }
        if self._elector is None:
            self._leading = Leadership.always()
        else:
            jobs.add(asyncio.create_task(self._elector.run(), name="lease"))
        inspector = Inspector(self._view, ForeignReader(api), reporter.findings, self._leading)
        looking = inspector.run(self._settings.inspection_seconds)
        jobs.add(asyncio.create_task(looking, name="inspection"))
        reflectors = self._reflectors = build_reflectors(resources, sync, self._event_handlers)
        for kind, reflector in reflectors.items():
            following = reflector.run(sync.versions[kind])
            jobs.add(asyncio.create_task(following, name=f"watch of {reflector.name}"))
        for number in range(self._settings.workers):
            worker = workers.work(reconciler, self._leading, reflectors[None].informed)
            jobs.add(asyncio.create_task(worker, name=f"worker {number}"))
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
                await workers.finish(_FINISH_SECONDS)
            for task in (*jobs, kopf_tasks, stopping):
                task.cancel()
            await asyncio.gather(*jobs, kopf_tasks, stopping, return_exceptions=True)
            if self._elector is not None:
                await self._elector.release()
        log.info("Stopped.")

    async def _start_kopf(self, ours: set[asyncio.Task[Any]]) -> asyncio.Task[None]:
        """Starts Kopf's watches; on the way out it may end every task that is not ours."""
        settings = self._settings
        ignored = [*asyncio.all_tasks(), *ours]
        # Kopf would make one up from the user's name, which a Pod's user may not have, and from a
        # DNS lookup, for which the loop would stand still. It has no public type; a string will do.
        identity: Any = self._identity
        tasks = await kopf.spawn_tasks(
            registry=build_registry(
                self._event_handlers, self._access, istio=self._settings.mesh.writes_istio
            ),
            settings=build_kopf_settings(request_timeout=settings.request_timeout_seconds),
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

    def _not_ready_because(self) -> str | None:
        """A standby is ready once it knows what there is, and who leads: its turn may come."""
        if self._sync is None:
            return "it is starting"
        if self._sync.not_synced is not None:
            return self._sync.not_synced
        for reflector in self._reflectors.values():
            if (stale := reflector.stale_because()) is not None:
                return stale
        if not self._leading.is_set():
            if self._elector is None:
                return "the leader is not known yet"
            return self._elector.unknown_because
        if not self._workers.first_pass_done:
            return "the first full reconcile is not done yet"
        return self._stuck.because(len(self._workers), self._workers.last_turn)

    def _describe(self) -> dict[str, Any]:
        return describe(
            self._view,
            queue=self._workers.snapshot(),
            reflectors=self._reflectors.values(),
            leader=self._leading.is_set(),
            not_ready_because=self._not_ready_because(),
        )

    def _make_elector(self, api: Api) -> LeaseElector | None:
        wanted = self._settings.leader_election
        if not (self._access.in_cluster if wanted.enabled is None else wanted.enabled):
            return None
        namespace = wanted.namespace or self._access.own_namespace or "default"
        return LeaseElector(
            api,
            self._leading,
            namespace=namespace,
            name=wanted.name,
            identity=self._identity,
            duration=float(wanted.lease_seconds),
        )

    async def _watch_deadlines(self) -> None:
        """Looks at hatches whose time is over, when it is."""
        while True:
            await self._view.deadlines.wait(datetime.now(UTC))
            self._workers.enqueue(self._view.tick())

    def _refresh_metrics(self) -> None:
        """Brings up to date what is measured when asked only."""
        metrics = self._metrics
        metrics.queue_depth.set(len(self._workers))
        for reflector in self._reflectors.values():
            metrics.watch_silent_seconds.labels(reflector.name).set(reflector.silent_seconds)
        metrics.leader.set(self._leading.is_set())
        metrics.ready.set(self._not_ready_because() is None)
        count_known(self._view, self._label_keys, metrics)
        count_failing(self._workers.failures, metrics)
