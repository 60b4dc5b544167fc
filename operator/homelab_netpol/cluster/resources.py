"""The requests for Namespaces, policies and custom resources: their paths, lists and writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import NotFound
from homelab_netpol.cluster.watch import WatchBatch, watch
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.definitions.model import GROUP, VERSION
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import (
    FIELD_MANAGER,
    MANAGED_BY_LABEL,
    LivePolicy,
    Policy,
    as_object,
    read_live,
    written_by_us,
)

_NAMESPACES = "/api/v1/namespaces"
MANAGED_SELECTOR = f"{MANAGED_BY_LABEL}={FIELD_MANAGER}"

# Strict: a field that Cilium does not know would otherwise be dropped in silence, and the policy
# that stands would not be the one that was written.
_WRITE = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
_PATCH = {"fieldManager": FIELD_MANAGER}

_DEFINITIONS = {
    DefinitionKind.PROFILE: "networkprofiles",
    DefinitionKind.RESOURCE: "sharedresources",
}

Found = TypeVar("Found")


class Resources:
    """Reads and writes objects; keeps nothing."""

    def __init__(self, api: Api, may_write: Callable[[], bool] | None = None) -> None:
        """Prepares.

        Args:
            api: the client.
            may_write: asked when a policy is sent; None: it always may be.
        """
        self._api = api
        self._may_write = may_write

    async def namespaces(
        self, read: Callable[[Mapping[str, Any]], Found]
    ) -> tuple[list[Found], int]:
        """Lists all Namespaces: what `read` keeps of each, and the list's resourceVersion.

        Raises:
            ApiError: the list failed.
        """
        return await self._list(_NAMESPACES, read)

    async def managed_policies(
        self, kind: Kind, *, component_label: str
    ) -> tuple[list[LivePolicy], int]:
        """Lists the policies that are ours, and the resourceVersion of the list.

        Those that lost our label, but not the component label, are among them: an escape hatch that
        is no longer wanted must not be lost from sight.

        Raises:
            ApiError: the list failed; NotFound when its CRD is not installed.
        """
        path = _collection(kind, "")
        policies, version = await self._list(path, partial(read_live, kind), MANAGED_SELECTOR)
        unlabelled, _ = await self._list(
            path,
            lambda item: read_live(kind, item) if written_by_us(item, component_label) else None,
            f"{component_label},{MANAGED_BY_LABEL}!={FIELD_MANAGER}",
        )
        return [*policies, *filter(None, unlabelled)], version

    def watch_namespaces(self, since: int) -> AsyncIterator[WatchBatch]:
        """Watches all Namespaces; see `watch`."""
        return watch(self._api, _NAMESPACES, since=since)

    def watch_policies(self, kind: Kind, since: int) -> AsyncIterator[WatchBatch]:
        """Watches the policies that carry our label; see `watch`."""
        path = _collection(kind, "")
        return watch(self._api, path, since=since, label_selector=MANAGED_SELECTOR)

    async def definitions(
        self, kind: DefinitionKind, read: Callable[[Mapping[str, Any]], Found]
    ) -> tuple[list[Found], int]:
        """Lists the custom resources of a kind; what `read` keeps of each, and the list's version.

        Raises:
            ApiError: the list failed; NotFound when the CRD is not installed.
        """
        return await self._list(_definitions_path(kind), read)

    async def write_status(
        self, kind: DefinitionKind, name: str, uid: str, status: Mapping[str, Any]
    ) -> None:
        """Writes the status of one incarnation of a custom resource.

        Raises:
            ApiError: NotFound when it is gone, Conflict when another has its name.
        """
        path = f"{_definitions_path(kind)}/{name}/status"
        body = {"metadata": {"uid": uid}, "status": status}
        await self._api.merge_patch(path, body, query=_PATCH)

    async def keep_config_map(self, namespace: str, name: str, data: Mapping[str, str]) -> bool:
        """Writes these entries into a ConfigMap, unless it has them; whether it wrote.

        Raises:
            ApiError: NotFound when the namespace is missing.
        """
        collection = f"/api/v1/namespaces/{namespace}/configmaps"
        try:
            standing = await self._api.request("GET", f"{collection}/{name}")
        except NotFound:
            labels = {MANAGED_BY_LABEL: FIELD_MANAGER}
            body = {"metadata": {"name": name, "labels": labels}, "data": dict(data)}
            await self._api.request("POST", collection, query=_WRITE, body=body)
            return True
        if (standing.get("data") or {}).items() >= data.items():
            return False
        await self._api.merge_patch(f"{collection}/{name}", {"data": dict(data)}, query=_PATCH)
        return True

    async def get(self, key: PolicyKey) -> dict[str, Any]:
        """Reads one policy, ours or not.

        Raises:
            ApiError: NotFound when it is not there.
        """
        return await self._api.request("GET", _path(key))

    async def create(self, policy: Policy) -> LivePolicy:
        """Creates a policy.

        Raises:
            ApiError: AlreadyExists when the name is taken, by us or by others.
        """
        created = await self._api.request(
            "POST",
            _collection(policy.key.kind, policy.key.namespace),
            query=_WRITE,
            body=as_object(policy),
            may_send=self._may_write,
        )
        return read_live(policy.key.kind, created)

    async def replace(self, policy: Policy, live: LivePolicy) -> LivePolicy:
        """Replaces all rules of a policy, and keeps the labels and annotations of others.

        Raises:
            ApiError: Conflict when it is no longer the one that we know.
        """
        labels = {**live.labels, **policy.labels}
        annotations = {**live.annotations, **policy.annotations}
        body = as_object(policy, labels, annotations)
        body["metadata"] |= {"uid": live.uid, "resourceVersion": live.resource_version}
        replaced = await self._api.request(
            "PUT", _path(policy.key), query=_WRITE, body=body, may_send=self._may_write
        )
        return read_live(policy.key.kind, replaced)

    async def delete(self, live: LivePolicy) -> None:
        """Deletes exactly the incarnation that we know, never its successor.

        Raises:
            ApiError: NotFound when it is gone already, Conflict when another has its name.
        """
        preconditions = {"preconditions": {"uid": live.uid}}
        path = _path(live.key)
        await self._api.request("DELETE", path, body=preconditions, may_send=self._may_write)

    async def _list(
        self, path: str, read: Callable[[Mapping[str, Any]], Found], label_selector: str = ""
    ) -> tuple[list[Found], int]:
        found: list[Found] = []
        version = 0
        async for items, of_list in self._api.pages(path, label_selector=label_selector):
            found.extend(map(read, items))
            version = of_list
        return found, version


def _definitions_path(kind: DefinitionKind) -> str:
    return f"/apis/{GROUP}/{VERSION}/{_DEFINITIONS[kind]}"


def _collection(kind: Kind, namespace: str) -> str:
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{kind.api_version}{scope}/{kind.plural}"


def _path(key: PolicyKey) -> str:
    return f"{_collection(key.kind, key.namespace)}/{key.name}"
