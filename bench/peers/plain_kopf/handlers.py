"""Kopf's handlers. The synchronous ones run in its threads, the others only fill caches."""

from __future__ import annotations

from typing import Any

import kopf

from bench.peers.plain_kopf.cache import CCNPS, CNPS, GROUP, MANAGED, VERSION
from bench.peers.plain_kopf.policies import Key
from bench.peers.plain_kopf.reconciler import Reconciler

THREADS = 16


@kopf.on.startup()
def begin(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """Sets Kopf up for a cluster with many Namespaces, and fills the memory."""
    settings.execution.max_workers = THREADS
    settings.execution.default_backoff = 1
    settings.posting.enabled = False
    for plural in (CNPS, CCNPS):
        settings.watching.label_selectors[GROUP, VERSION, plural] = MANAGED
    _reconciler(memo).begin()


@kopf.on.event("v1", "namespaces")
async def note(event: kopf.RawEvent, name: str, memo: kopf.Memo, **_: Any) -> None:
    """Remembers the labels; Kopf calls this before the handlers of changes."""
    labels = event["object"]["metadata"].get("labels") or {}
    _reconciler(memo).observe_namespace(name, None if leaving(event) else labels)


@kopf.on.create("v1", "namespaces")
@kopf.on.update("v1", "namespaces")
@kopf.on.resume("v1", "namespaces")
def reconcile(name: str, memo: kopf.Memo, **_: Any) -> None:
    """Follows the labels."""
    _reconciler(memo).reconcile(name)


def resync(name: str, memo: kopf.Memo, **_: Any) -> None:
    """Looks at a Namespace again; a timer, if one is asked for."""
    _reconciler(memo).reconcile(name)


def leaving(event: kopf.RawEvent, **_: Any) -> bool:
    """The Namespace is gone, or about to go."""
    deleted = event["object"]["metadata"].get("deletionTimestamp") is not None
    return deleted or event["type"] == "DELETED"


# Not `on.delete`, which would hang a finalizer on every Namespace.
@kopf.on.event("v1", "namespaces", when=leaving)
def leave(name: str, memo: kopf.Memo, **_: Any) -> None:
    """Takes a Namespace that goes out of the lists beside shared resources."""
    _reconciler(memo).reconcile_targets(name)


@kopf.on.event(GROUP, VERSION, CNPS)
@kopf.on.event(GROUP, VERSION, CCNPS)
async def note_policy(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Remembers what stands."""
    _reconciler(memo).policies.observe(event["object"], deleted=event["type"] == "DELETED")


def drifted(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> bool:
    """A policy is not as it should be; most events are of own writes, and it is."""
    return _reconciler(memo).is_drift(event["object"], deleted=event["type"] == "DELETED")


@kopf.on.event(GROUP, VERSION, CNPS, when=drifted)
@kopf.on.event(GROUP, VERSION, CCNPS, when=drifted)
def undo(name: str, namespace: str | None, memo: kopf.Memo, **_: Any) -> None:
    """Puts the policy back."""
    _reconciler(memo).undo(Key(namespace or "", name))


def _reconciler(memo: kopf.Memo) -> Reconciler:
    reconciler: Reconciler = memo.reconciler
    return reconciler
