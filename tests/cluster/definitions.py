"""NetworkProfiles and SharedResources as scenarios handle them."""

from __future__ import annotations

import itertools
import os
from typing import Any

from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.own_crds import PROFILES, RESOURCES, manifest

HTTPS_TO_WORLD = {
    "toEntities": ["world"],
    "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
}


class Defined:
    """One custom resource.

    Attributes:
        name: its name.
    """

    def __init__(self, kube: Kube, collection: str, name: str) -> None:
        self.name = name
        self._kube = kube
        self._path = f"{collection}/{name}"

    def change(self, **spec: Any) -> None:
        """Sets fields of the spec; None takes one away."""
        self._kube.patch(self._path, {"spec": spec})

    def delete(self) -> None:
        """Deletes it."""
        self._kube.delete(self._path)

    def manifest(self) -> Manifest:
        """The object as it stands."""
        found = self._kube.get(self._path)
        assert found is not None, f"{self._path} is gone"
        return found

    def status(self, **fields: Any) -> Manifest:
        """Waits until the status has these fields, and follows the newest spec."""

        def look() -> Manifest | None:
            found = self.manifest()
            status: Manifest = found.get("status") or {}
            current = status.get("observedGeneration") == found["metadata"]["generation"]
            return status if current and fields.items() <= status.items() else None

        return eventually(look, f"the status of {self._path} to have {fields}")

    def condition(self, kind: str, status: str, reason: str, *words: str) -> Manifest:
        """Waits for a condition, whose message has all these words."""

        def look() -> Manifest | None:
            for found in self.status()["conditions"]:
                if found["type"] == kind:
                    state = (found["status"], found["reason"], found["message"])
                    assert state[:2] == (status, reason), state
                    assert all(word in found["message"] for word in words), state
                    return dict(found)
            return None

        return eventually(look, f"{kind}={status} {reason} of {self._path}")

    def told(self, reason: str, *words: str) -> None:
        """Waits for an Event about it, whose message has all these words."""

        def look() -> bool:
            events = self._kube.items("/api/v1/namespaces/default/events")
            return any(
                event["involvedObject"]["name"] == self.name
                and event["reason"] == reason
                and all(word in event["message"] for word in words)
                for event in events
            )

        eventually(look, f"an Event {reason} about {self._path} that says {words}")


class Definitions:
    """Makes custom resources with names of their own, and takes them away again."""

    _number = itertools.count(1)

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._made: list[Defined] = []

    def profile(self, name: str | None = None, **spec: Any) -> Defined:
        """Makes a NetworkProfile."""
        return self._make(PROFILES, name, spec)

    def resource(self, name: str | None = None, **spec: Any) -> Defined:
        """Makes a SharedResource."""
        return self._make(RESOURCES, name, spec)

    def fresh_name(self) -> str:
        """A name that nothing has, nor had."""
        return f"own-{os.getpid()}-{next(self._number)}"

    def clear(self) -> None:
        """Deletes what was made."""
        for made in self._made:
            made.delete()

    def _make(self, collection: str, name: str | None, spec: Any) -> Defined:
        made = Defined(self._kube, collection, name or self.fresh_name())
        self._made.append(made)
        self._kube.create(collection, manifest(collection, made.name, spec))
        return made
