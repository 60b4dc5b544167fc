"""Who wrote what, from the API server's own audit log: what was not written cannot be watched."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_WRITES = ["create", "update", "patch", "delete", "deletecollection"]
_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "verbs": _WRITES}, {"level": "None"}],
}
# The API server's own: it renews a Lease that says that it lives.
_ITSELF = "system:apiserver"


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The audit log of a control plane that was started with `flags`.

    Attributes:
        folder: where the log and its policy are.
    """

    folder: Path

    def flags(self) -> tuple[str, str]:
        """Writes down what is to be recorded; flags for kube-apiserver."""
        policy = self.folder / "audit-policy.json"
        policy.write_text(json.dumps(_POLICY), encoding="utf-8")
        return f"--audit-policy-file={policy}", f"--audit-log-path={self._log}"

    def end(self) -> int:
        """Where the log ends by now, to read on from there."""
        return self._log.stat().st_size

    def writes(self, since: int) -> Counter[str]:
        """Requests to write since then, the API server's own left out, such as `patch leases`."""
        with self._log.open("rb") as file:
            file.seek(since)
            events = [json.loads(line) for line in file]
        return Counter(
            f"{event['verb']} {event['objectRef']['resource']}"
            for event in events
            if event["user"]["username"] != _ITSELF
        )

    @property
    def _log(self) -> Path:
        return self.folder / "audit.log"
