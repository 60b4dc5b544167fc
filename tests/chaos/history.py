"""Everything that was ever stored, in its order: etcd's own history, without a gap.

It does not know who did it, nor when: the audit log does.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from lab.loopback import open_page
from tests.cluster.kube import CCNP, CNP, Manifest

NAMESPACES, LEASES, CRDS = "namespaces", "leases", "customresourcedefinitions"
# Where the API server keeps the objects that matter here.
_PREFIXES = {
    "/registry/namespaces/": NAMESPACES,
    "/registry/leases/": LEASES,
    "/registry/apiextensions.k8s.io/customresourcedefinitions/": CRDS,
    f"/registry/cilium.io/{CNP}/": CNP,
    f"/registry/cilium.io/{CCNP}/": CCNP,
}
# Legible objects instead of protobuf, and no revision is ever forgotten.
FLAGS = ("--storage-media-type=application/json", "--etcd-compaction-interval=0")


@dataclass(frozen=True, slots=True)
class Change:
    """One object was created, changed or deleted.

    Attributes:
        revision: of etcd; the object's resourceVersion, and the order of all changes.
        kind: the plural name.
        namespace: "" for a clusterwide object.
        name: of the object.
        before: the object as it was; None: it was not there.
        after: the object as it became; None: it was deleted.
    """

    revision: int
    kind: str
    namespace: str
    name: str
    before: Manifest | None
    after: Manifest | None


def revision_now(port: int) -> int:
    """The revision of the last change; raises OSError while etcd does not answer."""
    with _post(port, "range", {"key": _encoded("\0"), "count_only": True}) as answer:
        return int(json.load(answer)["header"]["revision"])


def read_history(port: int) -> list[Change]:
    """Reads all changes up to now from the etcd that listens on a port of this machine.

    The API server must run with `FLAGS`, and etcd with its JSON gateway, as it does by default.

    Raises:
        OSError: etcd does not answer.
    """
    last = revision_now(port)
    objects: dict[str, Manifest] = {}
    changes = []
    for event in _events(port, last):
        key, entry = base64.b64decode(event["kv"]["key"]).decode(), event["kv"]
        revision = int(entry["mod_revision"])
        if revision > last:
            break
        place = _place(key)
        if place is None:
            continue
        before = objects.pop(key, None)
        after = None
        if event.get("type") != "DELETE":
            after = objects[key] = json.loads(base64.b64decode(entry["value"]))
        changes.append(Change(revision, *place, before, after))
    return changes


def _events(port: int, last: int) -> Iterator[dict[str, Any]]:
    """The events of every key from the first revision on, until that of the last one has come."""
    everything = {"key": _encoded("\0"), "range_end": _encoded("\0"), "start_revision": "1"}
    with _post(port, "watch", {"create_request": everything}) as stream:
        for line in stream:
            for event in json.loads(line)["result"].get("events", ()):
                yield event
                if int(event["kv"]["mod_revision"]) >= last:
                    return


def _place(key: str) -> tuple[str, str, str] | None:
    for prefix, kind in _PREFIXES.items():
        if key.startswith(prefix):
            namespace, _, name = key.removeprefix(prefix).rpartition("/")
            return kind, namespace, name
    return None


def _post(port: int, what: str, body: dict[str, Any]) -> HTTPResponse:
    path = "kv/range" if what == "range" else what
    url = f"http://127.0.0.1:{port}/v3/{path}"
    return open_page(url, timeout=30, data=json.dumps(body).encode())


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
