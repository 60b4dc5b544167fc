"""Pods, reduced to what a finding may depend on: labels, ports, and whose network they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homelab_netpol.shapes import condition, text

if TYPE_CHECKING:
    # A command that reads files only must not wait for the Kubernetes client.
    from homelab_netpol.cluster.client import Api

# Pods that a policy can hold: not on the host's network, and not ended.
WITH_POLICY = "spec.hostNetwork=false,status.phase!=Succeeded,status.phase!=Failed"

_ENDED = ("Succeeded", "Failed")
# A page is parsed at once, while the event loop stands still.
_PAGE = 100


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A port that a container declares; it may listen on others as well.

    Attributes:
        number: the port.
        protocol: TCP, UDP or SCTP.
        name: by which a Service may mean it; "" for none.
    """

    number: int
    protocol: str = "TCP"
    name: str = ""


@dataclass(frozen=True, slots=True)
class ObservedPod:
    """A pod that has not ended.

    Attributes:
        labels: its labels.
        ports: those that its containers declare.
        host_network: it uses its node's network, where no pod policy holds.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[ContainerPort, ...] = ()
    host_network: bool = False


def has_ended(manifest: Mapping[str, Any]) -> bool:
    """It has done its work, or has failed for good."""
    return text(manifest, "status", "phase") in _ENDED


def is_ready(manifest: Mapping[str, Any]) -> bool:
    """Its condition says so."""
    return (condition(manifest, "Ready") or {}).get("status") == "True"


def read_pod(manifest: Mapping[str, Any]) -> ObservedPod | None:
    """Reduces a pod to what is kept of it; None: it has ended."""
    if has_ended(manifest):
        return None
    spec = manifest["spec"]
    # A sidecar is an init container that goes on running.
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    ports = (
        ContainerPort(port["containerPort"], port.get("protocol", "TCP"), port.get("name", ""))
        for container in containers
        for port in container.get("ports") or ()
    )
    return ObservedPod(
        labels=manifest["metadata"].get("labels") or {},
        ports=tuple(dict.fromkeys(ports)),
        host_network=bool(spec.get("hostNetwork")),
    )


async def namespaces_with_pods(api: Api) -> set[str]:
    """The namespaces in which there are pods that a policy can hold, by a list that is complete.

    Raises:
        ApiError: the list failed.
    """
    found: set[str] = set()
    async for items, _ in api.pages(
        "/api/v1/pods", field_selector=WITH_POLICY, metadata_only=True, page_size=_PAGE
    ):
        found.update(item["metadata"]["namespace"] for item in items)
    return found
