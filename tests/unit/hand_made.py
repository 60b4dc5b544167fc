"""Policies, Services and pods as people write them by hand, for the tests of findings."""

from __future__ import annotations

from typing import Any

from homelab_netpol.cluster.pods import ContainerPort, ObservedPod
from homelab_netpol.cluster.services import ObservedService, ServicePort

Json = dict[str, Any]


def policy(
    name: str = "closed",
    namespace: str = "database",
    kind: str = "CiliumNetworkPolicy",
    pods: dict[str, str] | None = None,
    **spec: Any,
) -> Json:
    """A policy of the pods that carry some labels; without labels, of all pods."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    selector = {"matchLabels": pods} if pods else {}
    subject = "podSelector" if kind == "NetworkPolicy" else "endpointSelector"
    return {"kind": kind, "metadata": metadata, "spec": {subject: selector, **spec}}


def namespaces(*names: str) -> list[Json]:
    """Selects all pods of each."""
    return [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": name}} for name in names]


def ports(*numbers: int, protocol: str = "TCP") -> list[Json]:
    """An item of `toPorts`."""
    return [{"ports": [{"port": str(number), "protocol": protocol} for number in numbers]}]


def rejected(policy: Json, generation: int = 1) -> Json:
    """The policy, after Cilium's operator has looked at it and found it invalid."""
    condition = {"type": "Valid", "status": "False"}
    metadata = {**policy["metadata"], "generation": generation}
    return {**policy, "metadata": metadata, "status": {"conditions": [condition]}}


def service(
    name: str = "api",
    namespace: str = "jobs",
    *,
    selector: dict[str, str] | None = None,
    ports: tuple[tuple[int, int | str], ...] = ((80, 8080),),
    protocol: str = "TCP",
    headless: bool = False,
) -> ObservedService:
    """A Service of the pods `app: NAME`; its ports are given with those of the pods."""
    return ObservedService(
        namespace,
        name,
        {"app": name} if selector is None else selector,
        tuple(ServicePort(number, protocol, target) for number, target in ports),
        headless,
    )


def pod(app: str = "api", *declared: int | tuple[int, str], protocol: str = "TCP") -> ObservedPod:
    """A pod of an app; its ports are numbers, or numbers with names."""
    pairs = (each if isinstance(each, tuple) else (each, "") for each in declared)
    found = tuple(ContainerPort(number, protocol, name) for number, name in pairs)
    return ObservedPod({"app": app}, found)
