"""Who asked the API server for what, and when: its audit log, read into records.

The log tells the author and the time of a request. What an API server stored just before it was
killed may be missing from it: `history` knows that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

WRITING = ("create", "update", "patch", "delete", "deletecollection")
_READING = ["get", "list", "watch"]
# Whose bodies are logged, because their resourceVersion leads to the entry in etcd's history.
_IN_FULL = [
    {"group": "", "resources": ["namespaces"]},
    {"group": "coordination.k8s.io", "resources": ["leases"]},
    {
        "group": "cilium.io",
        "resources": ["ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"],
    },
]
_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "omitManagedFields": True,
    "rules": [
        # What the tests themselves and the API server read is of no interest.
        {"level": "None", "users": ["admin", "system:apiserver"], "verbs": _READING},
        {"level": "RequestResponse", "verbs": list(WRITING), "resources": _IN_FULL},
        {"level": "Metadata"},
    ],
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that the API server has answered.

    Attributes:
        user: as whom it was made.
        verb: as the audit log has it: get, list, watch, or one of `WRITING`.
        resource: its plural name, with the subresource after a slash.
        namespace: of the object; "" for a clusterwide one.
        name: of the object; "" for a collection.
        status: of the answer.
        received: when the API server took the request, in seconds since the epoch.
        answered: when it had answered it.
        version: the resourceVersion of the object in the answer; 0 if there is none.
        uid: of the object in the answer, or of the one that was deleted; "" if it is not told.
        query: what the path is followed by, such as a label selector.
    """

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    status: int
    received: float
    answered: float
    version: int = 0
    uid: str = ""
    query: str = ""

    @property
    def is_of_others(self) -> bool:
        """An inspection asks for what the operator has not written."""
        return "managed-by%21%3D" in self.query

    @property
    def writes(self) -> bool:
        """It asks for a change, whether or not it was granted."""
        return self.verb in WRITING

    @property
    def succeeded(self) -> bool:
        """The API server did what it was asked for."""
        return 200 <= self.status < 300


def audit_flags(folder: Path) -> list[str]:
    """Flags that make an API server, however often it is started again, write `log_in(folder)`."""
    policy = folder / "audit-policy.json"
    policy.write_text(json.dumps(_POLICY), encoding="utf-8")
    return [
        f"--audit-policy-file={policy}",
        f"--audit-log-path={log_in(folder)}",
        "--audit-log-maxsize=10000",  # megabytes; a log that is rotated would be found in part
    ]


def log_in(folder: Path) -> Path:
    """Where the log of an API server with these flags is."""
    return folder / "audit.log"


def read_audit(log: Path) -> list[Asked]:
    """Reads the log, in the order in which requests were received."""
    with log.open(encoding="utf-8") as lines:
        return sorted(_records(lines), key=lambda asked: asked.received)


def _records(lines: Iterator[str]) -> Iterator[Asked]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            # The API server was killed in the middle of it. The next line begins where it ended.
            continue
        if "objectRef" in event:
            yield _read(event)


def _read(event: dict[str, Any]) -> Asked:
    about, answer = event["objectRef"], event.get("responseObject") or {}
    metadata = answer.get("metadata") or {}
    subresource = about.get("subresource")
    return Asked(
        user=event["user"]["username"],
        verb=event["verb"],
        resource=about["resource"] + (f"/{subresource}" if subresource else ""),
        # Of a Namespace the log says that it is in itself.
        namespace="" if about["resource"] == "namespaces" else about.get("namespace", ""),
        name=about.get("name") or metadata.get("name", ""),
        status=(event.get("responseStatus") or {}).get("code", 0),
        received=_seconds(event["requestReceivedTimestamp"]),
        answered=_seconds(event["stageTimestamp"]),
        version=int(metadata.get("resourceVersion") or 0),
        uid=metadata.get("uid") or (answer.get("details") or {}).get("uid", ""),
        query=event.get("requestURI", "").partition("?")[2],
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
