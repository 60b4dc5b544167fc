"""Pods and Services as charts bring them; no pod ever starts, and it is there all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.kube import Kube, Manifest

USE_WAYPOINT = "istio.io/use-waypoint"


class Workloads:
    """Makes what runs in Namespaces, and takes it away again where these stay."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._made: list[str] = []

    def pod(
        self,
        namespace: str,
        labels: Mapping[str, str],
        *ports: Mapping[str, Any],
        host_network: bool = False,
    ) -> str:
        """Makes a pod whose container declares ports; its path."""
        container = {"name": "main", "image": "example.org/main", "ports": list(ports)}
        spec = {"containers": [container], "hostNetwork": host_network}
        collection = f"/api/v1/namespaces/{namespace}/pods"
        metadata = {"generateName": "pod-", "labels": dict(labels)}
        return self._create(collection, {"metadata": metadata, "spec": spec})

    def service(
        self,
        namespace: str,
        name: str,
        ports: Sequence[Mapping[str, Any]],
        *,
        address: str = "",
        annotations: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> str:
        """Makes a Service of the pods `app: NAME`; its path.

        Args:
            namespace: where.
            name: its name.
            ports: of its spec.
            address: it is a load balancer's, with this address.
            annotations: of its metadata.
            **spec: more of its spec.
        """
        kind = "LoadBalancer" if address else "ClusterIP"
        own = {"selector": {"app": name}, "ports": list(ports), "type": kind, **spec}
        metadata = {"name": name, "annotations": dict(annotations or {})}
        path = self._create(
            f"/api/v1/namespaces/{namespace}/services", {"metadata": metadata, "spec": own}
        )
        if address:
            status = {"loadBalancer": {"ingress": [{"ip": address}]}}
            self._kube.patch(f"{path}/status", {"status": status})
        return path

    def ingress(self, namespace: str, host: str, address: str) -> str:
        """Makes an Ingress of one host, at an address; its path."""
        backend = {"service": {"name": "web", "port": {"number": 80}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        body = {
            "metadata": {"name": "own"},
            "spec": {"rules": [{"host": host, "http": {"paths": paths}}]},
        }
        collection = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"
        path = self._create(collection, body)
        status = {"loadBalancer": {"ingress": [{"ip": address}]}}
        self._kube.patch(f"{path}/status", {"status": status})
        return path

    def remove(self, path: str) -> None:
        """Takes one away at once."""
        self._kube.delete(f"{path}?gracePeriodSeconds=0")

    def clear(self) -> None:
        """Takes away all that was made."""
        for path in self._made:
            self.remove(path)

    def _create(self, collection: str, body: Manifest) -> str:
        made = self._kube.create(collection, body)
        path = f"{collection}/{made['metadata']['name']}"
        self._made.append(path)
        return path
