"""One watch: the API server sends the changes of a collection after a resourceVersion.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import orjson

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import ApiError, Unavailable, error_from_status

# The API server sends a bookmark every minute, whatever else happens. After half as long again
# without a byte, the connection is dead.
SILENCE_SECONDS = 90.0


class WatchEvent(NamedTuple):
    """An object as it is now; or as it was when it was deleted, or left the label selector."""

    manifest: dict[str, Any]
    deleted: bool


class WatchBatch(NamedTuple):
    """The events that arrived together, in their order, and the resourceVersion to go on from.

    There are none when the watch just opened, or for a bookmark.
    """

    events: list[WatchEvent]
    version: int


async def watch(
    api: Api, path: str, *, since: int, label_selector: str | None = None
) -> AsyncIterator[WatchBatch]:
    """Watches a collection, until the server ends the watch, as it does every now and then.

    It begins after `since`, the resourceVersion of a list or of the last batch.

    Yields:
        A batch as soon as the watch is open, then one whenever events arrive.

    Raises:
        ApiError: Expired when `since` is too long ago; NotFound when the kind is not there.
    """
    query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": str(since)}
    if label_selector:
        query["labelSelector"] = label_selector
    version = since
    async for lines in api.lines(path, query=query, silence=SILENCE_SECONDS):
        events: list[WatchEvent] = []
        failure: ApiError | None = None
        for line in lines:
            try:
                kind, manifest = _read(path, line)
            except ApiError as error:
                failure = error
                break
            version = int(manifest["metadata"]["resourceVersion"])
            if kind != "BOOKMARK":
                events.append(WatchEvent(manifest, kind == "DELETED"))
        yield WatchBatch(events, version)
        if failure is not None:
            raise failure


def _read(path: str, line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        event = orjson.loads(line)
        kind, manifest = event["type"], event["object"]
        if kind != "ERROR":
            int(manifest["metadata"]["resourceVersion"])
            return kind, manifest
        status = int(manifest.get("code") or 500)
    except (ValueError, KeyError, TypeError) as error:
        message = f"the watch of {path} sent what is no event: {line[:200]!r}"
        raise Unavailable(200, "NotAnEvent", message) from error
    raise error_from_status(status, manifest, {})
