"""Kubernetes Events on Namespaces: what `kubectl get events -n my-app` shows of the operator.

Best effort, and after the policies: an Event never delays a write, and never makes one fail.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import AlreadyExists, ApiError, NamespaceTerminating, NotFound
from homelab_netpol.policy.objects import FIELD_MANAGER
from homelab_netpol.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_MAX_WAITING = 5000
_MAX_REMEMBERED = 5000
_MAX_MESSAGE = 1024  # the API server's limit
_POLITE_WAIT_SECONDS = 0.05
_MOST_POLITE_WAITS = 40


class Subject(NamedTuple):
    """A cluster-scoped object that an Event is about."""

    api_version: str
    kind: str
    name: str
    uid: str = ""


class _Event(NamedTuple):
    namespace: str
    kind: str
    reason: str
    message: str
    time: str
    about: Subject | None


class EventPoster:
    """Posts Events one after the other in the background, while no policies wait to be written.

    It is given the uids of Namespaces by name, "" for one that is not known.
    """

    def __init__(
        self,
        api: Api,
        metrics: Metrics,
        *,
        uid_of: Callable[[str], str],
        is_busy: Callable[[], bool],
    ) -> None:
        self._api = api
        self._metrics = metrics
        self._uid_of = uid_of
        self._is_busy = is_busy
        self._waiting: asyncio.Queue[_Event] = asyncio.Queue(_MAX_WAITING)
        self._counts: OrderedDict[tuple[str, str], int] = OrderedDict()

    def post(
        self, namespace: str, kind: str, reason: str, message: str, *, about: Subject | None = None
    ) -> None:
        """Queues an Event on a Namespace; drops it, and counts it, when too many are waiting.

        Args:
            namespace: its name; "" for a cluster-scoped object, whose Events the API server wants
                in the namespace `default`.
            kind: Normal or Warning.
            reason: in CamelCase.
            message: a sentence or two; cut off at what the API server takes.
            about: the cluster-scoped object, if that is what it is about.
        """
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = _Event(namespace, kind, reason, message[:_MAX_MESSAGE], now, about)
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self._metrics.events_dropped.inc()

    async def run(self) -> None:
        """Posts until it is cancelled."""
        while True:
            event = await self._waiting.get()
            for _ in range(_MOST_POLITE_WAITS):
                if not self._is_busy():
                    break
                await asyncio.sleep(_POLITE_WAIT_SECONDS)
            try:
                await self._send(event)
            except (NamespaceTerminating, NotFound):
                continue  # the Namespace is gone, and its Events with it
            except ApiError as error:
                self._metrics.events_dropped.inc()
                log.warning(
                    "An Event could not be posted: %s", error, extra={"namespace": event.namespace}
                )

    async def _send(self, event: _Event) -> None:
        body = self._manifest(event)
        name, home = body["metadata"]["name"], body["metadata"]["namespace"]
        collection = f"/api/v1/namespaces/{home}/events"
        known = (home, name)
        patch: dict[str, Any] = {"lastTimestamp": event.time}
        try:
            if known in self._counts:
                patch["count"] = self._remember(known, self._counts[known] + 1)
            else:
                await self._api.request("POST", collection, body=body)
                self._remember(known, 1)
                return
        except AlreadyExists:
            # From before a restart, so its count is not known: only the time is written.
            self._remember(known, 1)
        try:
            await self._api.merge_patch(f"{collection}/{name}", patch)
        except NotFound:  # Events expire
            await self._api.request("POST", collection, body=body)
            self._remember(known, 1)

    def _remember(self, known: tuple[str, str], count: int) -> int:
        self._counts[known] = count
        self._counts.move_to_end(known)
        if len(self._counts) > _MAX_REMEMBERED:
            self._counts.popitem(last=False)
        return count

    def _manifest(self, event: _Event) -> dict[str, Any]:
        about = event.about
        subject = {"apiVersion": "v1", "kind": "Namespace", "name": event.namespace}
        if about is not None:
            subject = {"apiVersion": about.api_version, "kind": about.kind, "name": about.name}
            subject |= {"uid": about.uid} if about.uid else {}
        else:
            # Naming its own namespace puts the Event where the app's author looks for it; Events on
            # cluster-scoped objects otherwise all end up in `default`.
            subject |= {"namespace": event.namespace, "uid": self._uid_of(event.namespace)}
        identity = "\n".join((event.kind, event.reason, event.message, subject["name"]))
        digest = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"homelab-netpol.{digest}",
                "namespace": event.namespace or "default",
            },
            "involvedObject": subject,
            "type": event.kind,
            "reason": event.reason,
            "message": event.message,
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER,
            "reportingInstance": socket.gethostname(),
            "firstTimestamp": event.time,
            "lastTimestamp": event.time,
            "count": 1,
        }
