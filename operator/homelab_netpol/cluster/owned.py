"""The requests that only `homelab-netpol cleanup` makes.

It lists every policy, not only those with our label, which may have been taken off.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import Forbidden, NotFound
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import FIELD_MANAGER, is_managed

Manifest = Mapping[str, Any]

_LEASES = "/apis/coordination.k8s.io/v1"
_CORE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Record:
    """One incarnation of an object that the operator keeps for itself: a Lease or a ConfigMap."""

    kind: str
    namespace: str
    name: str
    uid: str

    @property
    def path(self) -> str:
        """Its path on the API server."""
        base, plural = (_LEASES, "leases") if self.kind == "Lease" else (_CORE, "configmaps")
        return f"{base}/namespaces/{self.namespace}/{plural}/{self.name}"


ObjectKey = PolicyKey | Record


class OwnedObjects:
    """Lists and deletes what the operator wrote; keeps nothing."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def policies(self, kind: Kind) -> AsyncIterator[Manifest]:
        """Every policy of a kind, also of others; none where the kind's CRD is not installed.

        Raises:
            ApiError: the list failed.
        """
        try:
            async for items, _ in self._api.pages(f"/apis/{kind.api_version}/{kind.plural}"):
                for item in items:
                    yield item
        except NotFound:
            return

    async def leases(self, name: str, namespace: str) -> list[Manifest]:
        """The Leases of a name that our field manager has written, in all namespaces.

        An account that may not list them everywhere reads the one in `namespace`.

        Raises:
            ApiError: that may not be read either.
        """
        query = {"fieldSelector": f"metadata.name={name}"}
        try:
            listed = await self._api.request("GET", f"{_LEASES}/leases", query=query)
            found = listed.get("items") or []
        except Forbidden:
            path = f"{_LEASES}/namespaces/{namespace}/leases/{name}"
            try:
                found = [await self._api.request("GET", path)]
            except NotFound:
                found = []
        return [lease for lease in found if _writers(lease, "spec") & {FIELD_MANAGER}]

    async def config_map(self, namespace: str, name: str) -> Manifest | None:
        """A ConfigMap with our label, or with no data but what we wrote; else None.

        Raises:
            ApiError: it could not be read.
        """
        try:
            path = f"{_CORE}/namespaces/{namespace}/configmaps/{name}"
            found = await self._api.request("GET", path)
        except NotFound:
            return None
        labelled = is_managed(found["metadata"].get("labels") or {})
        return found if labelled or _writers(found, "data") == {FIELD_MANAGER} else None

    async def delete(self, record: Record) -> None:
        """Deletes exactly this incarnation.

        Raises:
            ApiError: NotFound when it is gone already, Conflict when another has its name.
        """
        preconditions = {"preconditions": {"uid": record.uid}}
        await self._api.request("DELETE", record.path, body=preconditions)


def _writers(manifest: Manifest, field: str) -> set[str]:
    """The field managers that own a field at the top of an object, or a part of it."""
    return {
        str(entry.get("manager"))
        for entry in manifest["metadata"].get("managedFields") or ()
        if f"f:{field}" in (entry.get("fieldsV1") or {})
    }
