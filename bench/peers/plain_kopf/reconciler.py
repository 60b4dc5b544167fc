"""Reconciles Namespaces, shared resources and baselines; for use by many threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from kubernetes.dynamic import DynamicClient

from bench.peers.plain_kopf.cache import PolicyCache, read_live
from bench.peers.plain_kopf.clusterwide import clusterwide_policies
from bench.peers.plain_kopf.intent import TARGETS, Intent, read_intent
from bench.peers.plain_kopf.policies import (
    Key,
    Policy,
    namespace_policies,
    target_key,
    target_policy,
)

_TARGET_KEYS = {target_key(name): name for name in TARGETS}


class Reconciler:
    """Holds every Namespace's intent, and makes the policies in the cluster follow from it.

    Args:
        client: with as many connections as there are threads.
        prometheus_ports: what Prometheus may reach on every pod; none: any TCP port.
    """

    def __init__(self, client: DynamicClient, prometheus_ports: Sequence[int]) -> None:
        self.policies = PolicyCache(client)
        self._namespaces = client.resources.get(api_version="v1", kind="Namespace")
        self._baselines = clusterwide_policies(prometheus_ports)
        self._lock = threading.Lock()
        self._intents: dict[str, Intent] = {}
        # Who is in the list beside each resource, so that only whom it concerns has it looked at.
        self._listed: dict[str, frozenset[str]] = dict.fromkeys(TARGETS, frozenset())
        self._stale: set[str] = set()
        self._target_locks = {name: threading.Lock() for name in TARGETS}
        self._pending: set[str] | None = None

    @property
    def ready(self) -> bool:
        """Everything that was there at the start has been looked at."""
        return self._pending is not None and not self._pending

    def begin(self) -> None:
        """Fills the memory before Kopf's first event, or the first target lists would be short."""
        self.policies.load()
        for manifest in self._namespaces.get().to_dict()["items"]:
            metadata = manifest["metadata"]
            if "deletionTimestamp" not in metadata:
                self.observe_namespace(metadata["name"], metadata.get("labels") or {})
        for policy in self._baselines.values():
            self.policies.ensure(policy)
        for name in self.policies.within(""):
            if Key("", name) not in self._baselines:
                self.policies.remove(Key("", name))
        for resource in TARGETS:
            self._target(resource)
        self._pending = set(self._intents)

    def observe_namespace(self, name: str, labels: Mapping[str, str] | None) -> None:
        """Takes note of a Namespace's labels; None: it is gone, or about to go."""
        with self._lock:
            if labels is None:
                self._intents.pop(name, None)
            else:
                self._intents[name] = read_intent(name, labels)

    def reconcile(self, name: str) -> None:
        """Makes the policies of a Namespace stand as its labels say, on both sides of its grants.

        Raises:
            ApiException: the API server refused something.
            kopf.TemporaryError: another writer changes a policy all the time.
        """
        desired = self._desired(name)
        for policy in desired.values():
            self.policies.ensure(policy)
        for existing in self.policies.within(name):
            key = Key(name, existing)
            if key not in desired and key not in _TARGET_KEYS:
                self.policies.remove(key)
        self.reconcile_targets(name)

    def reconcile_targets(self, name: str) -> None:
        """Likewise, but only on the resources' side: for a Namespace that goes, too."""
        intent = self._intents.get(name)
        for resource, where in TARGETS.items():
            uses = intent is not None and intent.uses(resource)
            if where == name or uses != (name in self._listed[resource]):
                self._target(resource)
        if self._pending is not None:
            self._pending.discard(name)

    def is_drift(self, manifest: Mapping[str, Any], *, deleted: bool) -> bool:
        """A policy is not, or no longer, as it should be."""
        key, live = read_live(manifest)
        desired = self._desired_policy(key)
        if deleted or desired is None:
            return deleted == (desired is not None)
        return not live.is_right(desired)

    def undo(self, key: Key) -> None:
        """Puts a policy back, or removes it.

        Raises:
            ApiException: the API server refused it.
            kopf.TemporaryError: another writer changes it all the time.
        """
        if key in _TARGET_KEYS:
            self._target(_TARGET_KEYS[key])
            return
        desired = self._desired_policy(key)
        if desired is not None:
            self.policies.ensure(desired)
        else:
            self.policies.remove(key)

    def _desired(self, namespace: str) -> dict[Key, Policy]:
        intent = self._intents.get(namespace)
        if intent is None:
            return {}
        return {policy.key: policy for policy in namespace_policies(namespace, intent)}

    def _desired_policy(self, key: Key) -> Policy | None:
        if not key.namespace:
            return self._baselines.get(key)
        if key in _TARGET_KEYS:
            resource = _TARGET_KEYS[key]
            consumers = self._consumers(resource)
            return target_policy(resource, consumers) if consumers else None
        return self._desired(key.namespace).get(key)

    def _consumers(self, resource: str) -> list[str]:
        with self._lock:
            if TARGETS[resource] not in self._intents:
                return []
            return sorted(name for name, intent in self._intents.items() if intent.uses(resource))

    def _target(self, resource: str) -> None:
        # A thread that writes the list already looks again before it ends, so none waits for it:
        # sixteen threads that wait for one list would leave none for the Namespaces.
        self._stale.add(resource)
        lock = self._target_locks[resource]
        while resource in self._stale and lock.acquire(blocking=False):
            try:
                self._stale.discard(resource)
                self._write_target(resource)
            finally:
                lock.release()

    def _write_target(self, resource: str) -> None:
        consumers = self._consumers(resource)
        key = target_key(resource)
        if consumers:
            self.policies.ensure(target_policy(resource, consumers))
        elif key.name in self.policies.within(key.namespace):
            self.policies.remove(key)
        self._listed[resource] = frozenset(consumers)
