"""CRDs of the Gateway API, reduced to what the operator reads of it, and objects of theirs."""

from __future__ import annotations

from typing import Any

from tests.cluster.kube import Kube, Manifest

_GROUP = "gateway.networking.k8s.io"
GATEWAY_API = f"/apis/{_GROUP}/v1"
_KINDS = ("Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute")


def plural_of(kind: str) -> str:
    """How a kind is spelt in a path."""
    return f"{kind.lower()}s"


def gateway_crds() -> list[Manifest]:
    """The CRDs of Gateways and of the routes that have names."""
    return [_crd(kind) for kind in _KINDS]


def create(kube: Kube, kind: str, namespace: str, name: str, **spec: Any) -> str:
    """Makes an object of one of the kinds; its path."""
    collection = f"{GATEWAY_API}/namespaces/{namespace}/{plural_of(kind)}"
    body = {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    kube.create(collection, body)
    return f"{collection}/{name}"


def _crd(kind: str) -> Manifest:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural_of(kind)}.{_GROUP}",
            # Kubernetes asks for it where a group is its own.
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": _GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural_of(kind), "singular": kind.lower()},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
            ],
        },
    }
