"""Which versions run in a cluster: Kubernetes, the operator, Cilium, the custom resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from homelab_netpol.cluster.client import Api
from homelab_netpol.cluster.errors import Forbidden, NotFound, refusal

# What the chart and the manifests label the operator's Deployment with.
_OPERATOR = {"app.kubernetes.io/name": "homelab-netpol"}
_GROUPS = {
    "network-policy.homelab": ("networkprofiles", "sharedresources"),
    "cilium.io": ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"),
}


@dataclass(frozen=True, slots=True)
class RunningImage:
    """A workload, and the images of its containers."""

    namespace: str
    name: str
    images: tuple[str, ...]


@dataclass(slots=True)
class ClusterVersions:
    """What a cluster runs.

    Attributes:
        kubernetes: the API server's version, such as v1.36.3.
        operator: the operator's Deployments; none: it is not installed, or not as a Deployment.
        cilium: the DaemonSets of Cilium's agents.
        resources: `plural.group` of each kind of policy and custom resource -> versions served;
            none: the CRD is not there.
        gaps: in sentences, what could not be read.
    """

    kubernetes: str = ""
    operator: list[RunningImage] = field(default_factory=list)
    cilium: list[RunningImage] = field(default_factory=list)
    resources: dict[str, list[str]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


async def read_versions(
    api: Api, cilium_namespace: str, agent_labels: Mapping[str, str]
) -> ClusterVersions:
    """Asks a cluster.

    Args:
        api: the cluster.
        cilium_namespace: where Cilium's agents are.
        agent_labels: of their DaemonSet.

    Raises:
        ApiError: the API server did not answer.
    """
    found = ClusterVersions()
    found.kubernetes = str((await api.request("GET", "/version")).get("gitVersion", ""))
    found.operator = await _images(api, "/apis/apps/v1/deployments", _OPERATOR, found.gaps)
    agents = f"/apis/apps/v1/namespaces/{quote(cilium_namespace)}/daemonsets"
    found.cilium = await _images(api, agents, agent_labels, found.gaps)
    for group, plurals in _GROUPS.items():
        served = await _served(api, group)
        for plural in plurals:
            found.resources[f"{plural}.{group}"] = [
                version for version, there in served.items() if plural in there
            ]
    return found


async def _images(
    api: Api, path: str, labels: Mapping[str, str], gaps: list[str]
) -> list[RunningImage]:
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    found: list[RunningImage] = []
    try:
        async for items, _ in api.pages(path, label_selector=selector):
            found += map(_read, items)
    except Forbidden as error:
        gaps.append(f"{path.rpartition('/')[2]} may not be listed: {refusal(error)}")
    return found


def _read(item: Mapping[str, Any]) -> RunningImage:
    metadata, containers = item["metadata"], item["spec"]["template"]["spec"]["containers"]
    images = tuple(str(each.get("image", "")) for each in containers)
    return RunningImage(metadata["namespace"], metadata["name"], images)


async def _served(api: Api, group: str) -> dict[str, set[str]]:
    """The versions of an API group that are served, each with its resources."""
    try:
        answer = await api.request("GET", f"/apis/{group}")
        versions = [str(each["version"]) for each in answer["versions"]]
        return {
            version: {
                str(each["name"])
                for each in (await api.request("GET", f"/apis/{group}/{version}"))["resources"]
            }
            for version in versions
        }
    except NotFound:
        return {}
