"""The cluster's side: Namespaces that say all that labels can say, and the policies for them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kubernetes import client

from tests.running_operator import RunningOperator
from tests.truth.world import (
    MESH_LABEL,
    Namespace,
    World,
    platform_namespaces,
    workload_namespaces,
)

_MANAGED = "app.kubernetes.io/managed-by=homelab-netpol"
# Ours alone: what an interrupted run left is found by it.
_OURS = {"app.kubernetes.io/part-of": "homelab-netpol-truth"}
_OURS_SELECTOR = "app.kubernetes.io/part-of=homelab-netpol-truth"
_GROUP = ("cilium.io", "v2")
_KINDS = {
    "ciliumnetworkpolicies": "CiliumNetworkPolicy",
    "ciliumclusterwidenetworkpolicies": "CiliumClusterwideNetworkPolicy",
}
_REQUESTS_AT_ONCE = 8  # fewer than the client keeps connections
_STILL_SECONDS = 1.0
_SETTLE_SECONDS = 60.0


@dataclass(frozen=True)
class Snapshot:
    """What the API server holds once the operator has done its work in a world.

    Attributes:
        world: the world.
        objects: every policy that the operator manages.
        namespace_labels: the labels of every Namespace, by its name.
    """

    world: World
    objects: tuple[dict[str, Any], ...]
    namespace_labels: Mapping[str, Mapping[str, str]]


class Homelab:
    """The Namespaces of all worlds in one cluster, which others may use at other times.

    Platform namespaces are shared: those that are missing are created and stay; their labels are
    put back.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)
        self._custom = client.CustomObjectsApi(api)
        self._platform_labels: dict[str, dict[str, str | None]] = {}

    def create(self) -> None:
        """Create every workload namespace, in no particular order."""
        self._clear_leftovers()
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            list(pool.map(self._create, workload_namespaces()))

    def enter(self, world: World) -> None:
        """Give the platform namespaces the labels that they have in this world."""
        present = self._labels()
        for namespace in platform_namespaces(world):
            if namespace.name not in present:
                self._core.create_namespace({"metadata": {"name": namespace.name}})
            wanted: dict[str, str | None] = {MESH_LABEL: None, **namespace.labels()}
            before = present.get(namespace.name, {})
            remembered = self._platform_labels.setdefault(namespace.name, {})
            for key in wanted:
                remembered.setdefault(key, before.get(key))
            self._label(namespace.name, wanted)

    def settled(self, world: World, operator: RunningOperator) -> Snapshot:
        """Wait until every namespace that needs policies has some, and no policy changes.

        Raises:
            AssertionError: that took too long, or the operator died meanwhile.
        """
        needing = {one.name for one in workload_namespaces() if one.profile != "none" or one.hatch}
        deadline = time.monotonic() + _SETTLE_SECONDS
        objects = self.policies()
        since = time.monotonic()
        while True:
            time.sleep(0.2)
            operator.check()
            before, objects = objects, self.policies()
            now = time.monotonic()
            if _versions(before) != _versions(objects):
                since = now
            missing = needing - {one["metadata"].get("namespace") for one in objects}
            if not missing and now - since >= _STILL_SECONDS:
                return Snapshot(world, tuple(objects), self._labels())
            assert now < deadline, (
                f"after {_SETTLE_SECONDS:g} s {len(missing)} namespaces have no managed policy"
                f" ({', '.join(sorted(missing)[:10])}); the last change was {now - since:.1f} s ago"
                f"\n{operator.log_tail()}"
            )

    def policies(self) -> list[dict[str, Any]]:
        """Every policy that the operator manages."""
        found = []
        for plural, kind in _KINDS.items():
            answer = self._custom.list_cluster_custom_object(
                *_GROUP, plural, label_selector=_MANAGED
            )
            # A list's items do not say their kind.
            found += [
                {"apiVersion": "/".join(_GROUP), "kind": kind, **item} for item in answer["items"]
            ]
        return found

    def leave(self) -> None:
        """Take away what is ours, and the policies that the operator left."""
        for name, labels in self._platform_labels.items():
            self._label(name, labels)
        ours = self._labels(_OURS_SELECTOR)
        self._delete_namespaces(ours)
        for policy in self.policies():
            if policy["metadata"].get("namespace") not in ours:
                self._delete_policy(policy["kind"], policy["metadata"])

    def _create(self, namespace: Namespace) -> None:
        metadata = {
            "name": namespace.name,
            "labels": _OURS | namespace.labels(),
            "annotations": namespace.annotations(),
        }
        self._core.create_namespace({"metadata": metadata})

    def _label(self, namespace: str, labels: Mapping[str, str | None]) -> None:
        self._core.patch_namespace(namespace, {"metadata": {"labels": dict(labels)}})

    def _labels(self, selector: str = "") -> dict[str, dict[str, str]]:
        raw = self._core.list_namespace(label_selector=selector, _preload_content=False)
        items = json.loads(raw.data)["items"]
        return {one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in items}

    def _delete_namespaces(self, names: Iterable[str]) -> None:
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            list(pool.map(self._core.delete_namespace, names))

    def _delete_policy(self, kind: str, meta: Mapping[str, Any]) -> None:
        plural = next(plural for plural, known in _KINDS.items() if known == kind)
        try:
            if "namespace" in meta:
                self._custom.delete_namespaced_custom_object(
                    *_GROUP, meta["namespace"], plural, meta["name"]
                )
            else:
                self._custom.delete_cluster_custom_object(*_GROUP, plural, meta["name"])
        except client.ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:  # gone with its namespace
                raise

    def _clear_leftovers(self) -> None:
        leftovers = self._labels(_OURS_SELECTOR)
        self._delete_namespaces(leftovers)
        deadline = time.monotonic() + 120
        while leftovers:
            assert time.monotonic() < deadline, f"namespaces do not go away: {sorted(leftovers)}"
            time.sleep(0.5)
            leftovers = self._labels(_OURS_SELECTOR)


def _versions(objects: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in objects}
