"""A control plane that writes down what the operator asks it for, and what RBAC said to that."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.control_plane import ControlPlane

HOME = "homelab-netpol"
_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    # A watch is answered when it opens, and complete when it ends.
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "userGroups": [f"system:serviceaccounts:{HOME}"]},
        {"level": "None"},
    ],
}
# The tests' own client, which at times tries what the operator's account must not do.
_TESTS = "OpenAPI-Generator"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """What RBAC gives or refuses.

    Attributes:
        group: the API group; "" for the core.
        resource: its plural name, with the subresource after a slash.
        verb: as RBAC has it: get, list, watch, create, update, patch, delete.
    """

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of an operator.

    Attributes:
        right: that it takes.
        namespace: of the object or collection; "" for a clusterwide one.
        name: of the object; "" for a collection, and for what was to be created.
        permitted: whether RBAC let it through.
    """

    right: Right
    namespace: str
    name: str
    permitted: bool


class AuditedPlane(ControlPlane):
    """A control plane with an audit log of what the operator's service accounts do."""

    def __init__(self, **more: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="homelab-netpol-audit-")
        self._log = Path(self._folder.name, "audit.log")
        policy = Path(self._folder.name, "policy.json")
        policy.write_text(json.dumps(_POLICY), encoding="utf-8")
        flags = [f"--audit-policy-file={policy}", f"--audit-log-path={self._log}"]
        super().__init__(apiserver_flags=flags, **more)

    def stop(self) -> None:
        """Ends everything, and removes the log."""
        super().stop()
        self._folder.cleanup()

    def asked(self, user: str) -> list[Asked]:
        """What an operator has asked for so far; the API server writes it down before it answers.

        Args:
            user: as whom it runs.
        """
        if not self._log.exists():
            return []
        with self._log.open(encoding="utf-8") as lines:
            # The last line may be half written yet.
            events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [
            _read(event)
            for event in events
            if event["user"]["username"] == user
            and "objectRef" in event
            and not event.get("userAgent", "").startswith(_TESTS)
        ]


def _read(event: dict[str, Any]) -> Asked:
    about = event["objectRef"]
    subresource = about.get("subresource")
    resource = about["resource"] + (f"/{subresource}" if subresource else "")
    return Asked(
        right=Right(about.get("apiGroup", ""), resource, event["verb"]),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        permitted=event["annotations"]["authorization.k8s.io/decision"] == "allow",
    )
