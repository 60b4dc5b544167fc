"""Short ways to write what people write in policies."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

NAMESPACE = "k8s:io.kubernetes.pod.namespace"
OF_PODS = {"matchExpressions": [{"key": NAMESPACE, "operator": "Exists"}]}


def ccnp(name: str, selector: Json, **sections: Any) -> Json:
    """A policy for pods of the whole cluster."""
    metadata = {"name": name, "uid": name}
    spec = {"endpointSelector": selector, **sections}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy"}
    return {**kind, "metadata": metadata, "spec": spec}


def taken_baselines() -> list[Json]:
    """Policies of others, for nobody, that have the names of the operator's baselines."""
    nobody = {"matchLabels": {"nobody": "has-it"}}
    names = ("dns-egress", "health-probes", "prometheus-scrape", "hbone-mesh")
    return [ccnp(f"baseline-{name}", nobody, egress=[to_dns()]) for name in names]


def cnp(name: str, namespace: str, pods: Json | None = None, **sections: Any) -> Json:
    """A policy for pods of one Namespace, by their labels."""
    metadata = {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}"}
    selector = {"matchLabels": pods} if pods else {}
    spec = {"endpointSelector": selector, **sections}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": metadata,
        "spec": spec,
    }


def np(name: str, namespace: str, pods: Json | None = None, **fields: Any) -> Json:
    """A NetworkPolicy; its types follow from its rules."""
    types = [one.capitalize() for one in ("ingress", "egress") if one in fields]
    selector = {"matchLabels": pods} if pods else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}"},
        "spec": {"podSelector": selector, "policyTypes": types, **fields},
    }


def answering_dns(name: str) -> Json:
    """The policy of the DNS pods: everybody in the cluster may ask."""
    return cnp(
        name,
        "kube-system",
        {"k8s-app": "kube-dns"},
        ingress=[{"fromEntities": ["cluster"], "toPorts": dns_ports()}],
        egress=[{"toEntities": ["world", "kube-apiserver"]}],
    )


def every_pod() -> Json:
    """As clusters in use write it: whoever lacks a label that nobody has."""
    return {"matchExpressions": [{"key": "reserved.none", "operator": "DoesNotExist"}]}


def pods_of(namespace: str, **labels: str) -> Json:
    """Selects pods; the labels' names with `_` for what Python does not take."""
    return {"matchLabels": {NAMESPACE: namespace, **{_key(key): labels[key] for key in labels}}}


def ports(*numbers: int, protocol: str = "TCP") -> list[Json]:
    """An item of `toPorts`."""
    return [{"ports": [{"port": str(number), "protocol": protocol} for number in numbers]}]


def dns_ports() -> list[Json]:
    """Where DNS is asked."""
    return [{"ports": [{"port": "53", "protocol": each} for each in ("UDP", "TCP")]}]


def to_dns() -> Json:
    """What an egress rule to DNS looks like everywhere."""
    return {"toEndpoints": [pods_of("kube-system", k8s_app="kube-dns")], "toPorts": dns_ports()}


def from_prometheus(namespace: str, *numbers: int) -> Json:
    """Ingress from the pods that scrape."""
    rule: Json = {"fromEndpoints": [pods_of(namespace, name="prometheus")]}
    return {**rule, "toPorts": ports(*numbers)} if numbers else rule


def _key(word: str) -> str:
    return {"name": "app.kubernetes.io/name", "k8s_app": "k8s-app"}.get(word, word)
