"""`defaultDeny: auto`: closes the cluster once no workload is cut off by that, and for good.

Until then it acts as `labelled`. The baselines that stand are the memory: where they close the
cluster, they go on doing so, whichever replica leads and whatever comes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.namespaces import ObservedNamespace
from homelab_netpol.cluster.errors import ApiError, NotFound
from homelab_netpol.cluster.lease import Leadership
from homelab_netpol.policy.auto_scope import still_open
from homelab_netpol.policy.default_deny import namespaces_spared
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import is_managed, written_by_us
from homelab_netpol.policy.plan_clusterwide import BASELINES
from homelab_netpol.reconcile.queue import WorkQueue
from homelab_netpol.reconcile.requests import namespace_key
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.reporting.auto_scope import AutoScopeReporter
from homelab_netpol.settings import DefaultDeny

# The second look comes right before the cluster is closed.
_LOOKS = 2
# Between two looks, however many namespaces are labelled meanwhile.
_LEAST_SECONDS = 1.0

ListNamespaces = Callable[[], Awaitable[tuple[Collection[str], Iterable[ObservedNamespace], int]]]


class AutoScope:
    """Decides where default deny is in force, if the setting leaves that to the operator."""

    def __init__(
        self,
        cache: ClusterCache,
        triggers: Triggers,
        queue: WorkQueue,
        list_namespaces: ListNamespaces,
        list_pods: Callable[[], Awaitable[Collection[str]]],
        read_policy: Callable[[PolicyKey], Awaitable[Mapping[str, Any]]],
        leadership: Leadership,
        labels_current: asyncio.Event,
        reporter: AutoScopeReporter,
    ) -> None:
        """Prepares.

        Args:
            cache: whose scope is decided here.
            triggers: take in the decision, and lists of Namespaces.
            queue: gets what follows.
            list_namespaces: reads all Namespaces anew.
            list_pods: reads anew which namespaces have pods that a policy can hold.
            read_policy: reads one policy anew, ours or not.
            leadership: only a leader closes.
            labels_current: cleared while labels may have changed unseen: nothing is decided then.
            reporter: says what keeps the cluster open.
        """
        self._cache = cache
        self._triggers = triggers
        self._queue = queue
        self._list_namespaces = list_namespaces
        self._list_pods = list_pods
        self._read_policy = read_policy
        self._leadership = leadership
        self._labels_current = labels_current
        self._reporter = reporter
        self._woken = asyncio.Event()
        self._open: list[str] = []
        self._has_looked = False
        self._decided = cache.catalogue.settings.default_deny is not DefaultDeny.AUTO
        if not self._decided:
            cache.set_scope(DefaultDeny.LABELLED)

    def follow_standing(self) -> None:
        """Goes on where the baselines that stand close the cluster.

        To be called before anything is planned. From this process' own first look on it has no
        effect: baselines that close then were edited by hand, and are put back.
        """
        if not self._decided and not self._has_looked and self._cache.policies.baselines_close():
            self._close()

    async def before_baselines(self) -> bool:
        """Looks, before this process writes baselines for the first time.

        Returns:
            Whether they can be written; if not, the policies that decide it are about to be.

        Raises:
            ApiError: what stands is not known.
        """
        if self._decided or self._has_looked:
            return True
        if await self._is_closed():
            self._close()
        elif await self._look(may_settle=True):
            self._has_looked = True
        return self._decided or self._has_looked

    def wake(self) -> None:
        """Has it look soon: a namespace's policies may have changed."""
        self._woken.set()

    async def run(self, seconds: float) -> None:
        """Looks every so many seconds, or when woken, until it has closed; then only waits."""
        while not self._decided:
            await asyncio.sleep(min(seconds, _LEAST_SECONDS))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
            woken = self._woken.is_set()
            self._woken.clear()
            await self._leadership.wait()
            await self._labels_current.wait()
            if self._decided or not self._has_looked:
                continue
            remaining = self._still_open(self._open) if woken else []
            if remaining:
                # No need to list anything: one of them would be cut off.
                self._wait_for(remaining)
            else:
                await self._look()
        await asyncio.Event().wait()

    async def _is_closed(self) -> bool:
        """Our baselines close the cluster, also those that have lost our labels or changed now."""
        for name in BASELINES:
            try:
                found = await self._read_policy(PolicyKey(Kind.CCNP, "", name))
            except NotFound:
                continue
            labels = found["metadata"].get("labels") or {}
            ours = is_managed(labels) or written_by_us(found, self._cache.label_keys.component)
            if ours and namespaces_spared(found) is not None:
                return True
        return False

    async def _look(self, *, may_settle: bool = False) -> bool:
        """Looks, and closes if no workload is cut off; False: some policies are being written."""
        try:
            for _ in range(_LOOKS):
                listed = await self._list_namespaces()
                self._queue.enqueue(self._triggers.namespaces_listed(*listed))
                found = self._still_open(await self._list_pods())
                if may_settle and found and all(map(self._is_pending, found)):
                    return False
                if found:
                    self._wait_for(found)
                    return True
        except ApiError as error:
            self._reporter.unknown(str(error))
            return True
        if self._leadership.is_set() and self._labels_current.is_set():
            self._close()
        return True

    def _wait_for(self, namespaces: list[str]) -> None:
        self._open = namespaces
        self._reporter.waits(namespaces)

    def _close(self) -> None:
        self._decided = True
        self._queue.enqueue(self._triggers.scope_decided(DefaultDeny.WORKLOAD))
        self._reporter.closed()

    def _still_open(self, names: Collection[str]) -> list[str]:
        return still_open(names, self._cache.intents.get, self._stands)

    def _stands(self, key: PolicyKey) -> bool:
        live = self._cache.policies.get(key)
        return live is not None and not live.rejected

    def _is_pending(self, namespace: str) -> bool:
        intent = self._cache.intents.get(namespace)
        asks = intent is not None and (intent.profile is not None or intent.hatch_open)
        return asks and self._queue.is_pending(namespace_key(namespace))
