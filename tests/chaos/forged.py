"""Forges the records of a run: what was stored, by whom and when, and the log of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from homelab_netpol.policy.objects import Policy
from homelab_netpol.settings import Settings
from tests.chaos.audit import Asked
from tests.chaos.history import LEASES, NAMESPACES, Change
from tests.chaos.judge import LEASE, Case, Verdict, judge
from tests.chaos.ledger import uid_of, write_ledger
from tests.chaos.rights import USERS, user
from tests.chaos.timeline import Blindness
from tests.chaos.wanted import HOMES, Key, PureFunction
from tests.cluster.kube import Manifest

OPERATOR, OTHER, PERSON = user("replica-a"), user("replica-b"), "admin"
_ANSWERS_AFTER = 0.001


class Forgery:
    """A record in the making. `clock` is the time of the next entry, in seconds."""

    def __init__(self) -> None:
        self.clock = 0.0
        self.function = PureFunction(Settings())
        self._uid = itertools.count(1)
        self._objects: dict[Key, Manifest] = {}
        self._changes: list[Change] = []
        self._asked: list[Asked] = []
        for name in sorted({*HOMES.values()}):
            self.space(name)
        for key, policy in self.function.clusterwide().items():
            self.store(OPERATOR, key, as_object(policy))

    @property
    def revision(self) -> int:
        """Of the last change."""
        return len(self._changes)

    def space(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """A Namespace comes, or gets other labels."""
        manifest = {"metadata": {"labels": dict(labels or {})}}
        self.store(PERSON, (NAMESPACES, "", name), manifest)

    def own(self, name: str, labels: Mapping[str, str]) -> dict[str, Manifest]:
        """The policies of a Namespace's own, by name, that go with labels."""
        space = {"metadata": {"name": name, "labels": labels}}
        found = self.function.own(space, self.clock)
        return {key[2]: as_object(policy) for key, policy in found.items()}

    def store(
        self, author: str, key: Key, manifest: Manifest | None, *, logged: bool = True
    ) -> None:
        """Somebody creates, changes or, with None, deletes an object."""
        self.clock += 0.01
        before = self._objects.pop(key, None)
        revision = self.revision + 1
        if manifest is not None:
            uid = uid_of(before) or f"uid-{next(self._uid)}"
            named = {"name": key[2], "namespace": key[1], "uid": uid}
            metadata = {**manifest["metadata"], **named, "resourceVersion": str(revision)}
            self._objects[key] = manifest = {**manifest, "metadata": metadata}
        self._changes.append(Change(revision, *key, before, manifest))
        if logged:
            verb = "create" if before is None else "delete" if manifest is None else "update"
            uid = uid_of(manifest or before)
            version = revision if manifest is not None else 0
            self.ask(author, verb, key, version=version, uid=uid)

    def ask(self, author: str, verb: str, key: Key, **more: Any) -> None:
        """Somebody asks the API server for something."""
        answered = self.clock + _ANSWERS_AFTER
        status = more.pop("status", 200)
        self._asked.append(Asked(author, verb, *key, status, self.clock, answered, **more))

    def lease(self, author: str, holder: str) -> None:
        """Somebody writes the Lease."""
        spec = {"holderIdentity": holder}
        self.store(author, (LEASES, "homelab-netpol", LEASE), {"metadata": {}, "spec": spec})

    def judged(self, **more: Any) -> Verdict:
        """What the judge says of it."""
        entries = write_ledger(self._changes, self._asked)
        return judge(Case(entries, self._asked, USERS, **more))


def as_object(policy: Policy, **labels: str) -> Manifest:
    """A policy as it is stored."""
    return {"metadata": {"labels": {**policy.labels, **labels}}, **policy.body}


def blind(*spells: tuple[float, float]) -> Blindness:
    """Nothing was known of what happened then."""
    return Blindness(spells=spells)
