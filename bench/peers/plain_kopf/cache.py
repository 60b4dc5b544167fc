"""A cache of the policies in the cluster, and the writes that change them; for many threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import kopf
from kubernetes.client import ApiException
from kubernetes.dynamic import DynamicClient

from bench.peers.plain_kopf.intent import MANAGED_BY
from bench.peers.plain_kopf.policies import Key, Policy, fingerprint

GROUP, VERSION = "cilium.io", "v2"
CNPS, CCNPS = "ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"
_CNP, _CCNP = "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"
MANAGED = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())
_NOT_FOUND, _CONFLICT = 404, 409
_ATTEMPTS = 4


class Live(NamedTuple):
    """What is kept of a policy that stands."""

    version: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    fingerprint: str

    def is_right(self, desired: Policy) -> bool:
        """Rules, and our labels and annotations, are as desired; others' are let be."""
        return (
            self.fingerprint == desired.fingerprint
            and desired.labels.items() <= self.labels.items()
            and desired.annotations.items() <= self.annotations.items()
        )


class PolicyCache:
    """Holds what the watch and the own writes have shown, so that a right policy costs no call.

    Args:
        client: with as many connections as there are threads.
    """

    def __init__(self, client: DynamicClient) -> None:
        self._kinds = {
            kind: client.resources.get(api_version=f"{GROUP}/{VERSION}", kind=kind)
            for kind in (_CNP, _CCNP)
        }
        self._lock = threading.Lock()
        self._live: dict[str, dict[str, Live]] = {}

    def load(self) -> None:
        """Lists what stands; for the start."""
        for kind in self._kinds.values():
            for manifest in kind.get(label_selector=MANAGED).to_dict()["items"]:
                self.observe(manifest)

    def observe(self, manifest: Mapping[str, Any], *, deleted: bool = False) -> None:
        """Takes note of a policy, unless something newer is known of it."""
        key, live = read_live(manifest)
        with self._lock:
            within = self._live.setdefault(key.namespace, {})
            known = within.get(key.name)
            if known is not None and known.version > live.version:
                return
            if not deleted:
                within[key.name] = live
                return
            within.pop(key.name, None)
            if not within:
                del self._live[key.namespace]

    def within(self, namespace: str) -> dict[str, Live]:
        """What stands in a namespace, by name; the clusterwide ones for the empty name."""
        with self._lock:
            return dict(self._live.get(namespace, {}))

    def ensure(self, policy: Policy) -> None:
        """Makes a policy stand as it should; writes nothing if it does.

        Raises:
            ApiException: the API server refused it.
            kopf.TemporaryError: another writer changes it all the time.
        """
        live = self.within(policy.key.namespace).get(policy.key.name)
        for _ in range(_ATTEMPTS):
            if live is not None and live.is_right(policy):
                return
            try:
                self.observe(self._write(policy, live))
                return
            except ApiException as error:
                if error.status not in (_NOT_FOUND, _CONFLICT):
                    raise
            live = self._look(policy.key)
        raise kopf.TemporaryError(f"{policy.key} changes all the time", delay=1)

    def remove(self, key: Key) -> None:
        """Deletes a policy if it stands."""
        try:
            self._call("delete", key, name=key.name)
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
        with self._lock:
            self._live.get(key.namespace, {}).pop(key.name, None)

    def _write(self, policy: Policy, live: Live | None) -> Any:
        metadata: dict[str, Any] = {
            "name": policy.key.name,
            "labels": {**(live.labels if live else {}), **policy.labels},
            "annotations": {**(live.annotations if live else {}), **policy.annotations},
        }
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": _kind(policy.key),
            "metadata": metadata,
            **policy.body,
        }
        if live is None:
            return self._call("create", policy.key, body=body)
        metadata["resourceVersion"] = str(live.version)  # a newer version makes it fail
        return self._call("replace", policy.key, body=body)

    def _look(self, key: Key) -> Live | None:
        try:
            manifest = self._call("get", key, name=key.name)
        except ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        self.observe(manifest)
        return read_live(manifest)[1]

    def _call(self, verb: str, key: Key, **arguments: Any) -> Any:
        method = getattr(self._kinds[_kind(key)], verb)
        return method(namespace=key.namespace or None, **arguments).to_dict()


def _kind(key: Key) -> str:
    return _CNP if key.namespace else _CCNP


def read_live(manifest: Mapping[str, Any]) -> tuple[Key, Live]:
    """Reduces a manifest to what is kept of it."""
    metadata = manifest["metadata"]
    key = Key(metadata.get("namespace", ""), metadata["name"])
    version, labels = int(metadata["resourceVersion"]), metadata.get("labels") or {}
    return key, Live(version, labels, metadata.get("annotations") or {}, fingerprint(manifest))
