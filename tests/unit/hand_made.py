"""Policies as people write them by hand, for the tests of findings."""

from __future__ import annotations

from typing import Any

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
