"""Reads what others wrote: their policies, and the pods behind a grant. Never writes any of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.cluster.client import Api
from homelab_netpol.policy.keys import API_VERSION, Kind
from homelab_netpol.policy.objects import is_managed

Manifest = Mapping[str, Any]

_NETWORK_POLICY = "NetworkPolicy"
# Enough pods to see who is behind a grant, and few enough to hold in memory.
_MAX_PODS = 500
_OVER = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class ForeignObjects:
    """Policies and pods, as they were listed.

    Attributes:
        policies: of both of Cilium's kinds and of Kubernetes' own, by namespace, "" for clusterwide
            ones; the operator's are among them.
        pods: the labels of a namespace's pods, but for those on the host's network and those that
            have ended; a namespace with too many to look at is missing.
    """

    policies: Mapping[str, list[Manifest]] = field(default_factory=dict)
    pods: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)

    def selecting(self, namespace: str) -> list[Manifest]:
        """All policies that may select pods of a namespace."""
        return [*self.policies.get(namespace, ()), *self.policies.get("", ())]

    def by_hand(self, namespace: str) -> list[Manifest]:
        """Those of them that the operator did not write."""
        return [
            policy
            for policy in self.selecting(namespace)
            if not is_managed(policy["metadata"].get("labels") or {})
        ]


class ForeignReader:
    """Lists policies and pods, and keeps nothing."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, namespaces: Collection[str], with_pods: Collection[str]) -> ForeignObjects:
        """Lists the policies of `namespaces`, the clusterwide ones, and the pods of `with_pods`.

        Raises:
            ApiError: something could not be listed.
        """
        policies: dict[str, list[Manifest]] = {}
        for kind, path in _policy_paths(namespaces):
            async for items, _ in self._api.pages(path):
                for item in items:
                    item["kind"] = kind
                    policies.setdefault(item["metadata"].get("namespace") or "", []).append(item)
        pods = {}
        for namespace in sorted(with_pods):
            found = await self._pods(namespace)
            if found is not None:
                pods[namespace] = found
        return ForeignObjects(policies, pods)

    async def _pods(self, namespace: str) -> tuple[Mapping[str, str], ...] | None:
        path, query = f"/api/v1/namespaces/{namespace}/pods", {"limit": str(_MAX_PODS)}
        listed = await self._api.request("GET", path, query=query)
        if listed["metadata"].get("continue"):
            return None
        return tuple(
            item["metadata"].get("labels") or {}
            for item in listed.get("items") or ()
            if not item["spec"].get("hostNetwork")
            and (item.get("status") or {}).get("phase") not in _OVER
        )


def _policy_paths(namespaces: Collection[str]) -> Iterator[tuple[str, str]]:
    yield Kind.CCNP, f"/apis/{API_VERSION}/{Kind.CCNP.plural}"
    for namespace in sorted(namespaces):
        yield Kind.CNP, f"/apis/{API_VERSION}/namespaces/{namespace}/{Kind.CNP.plural}"
        path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
        yield _NETWORK_POLICY, path
