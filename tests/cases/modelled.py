"""Clusters in memory as commands read them: manifests of a cluster, with what it says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.agent_config import AgentConfig, read_agent_config
from homelab_netpol.cilium.evaluation import Endpoint, Name, Network
from homelab_netpol.cilium.version import Version
from homelab_netpol.manifests import Manifest, ManifestSet, Source
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import Settings
from lab.control_plane import Identity
from tests.cases.case import Case
from tests.cases.inspected import settings_of
from tests.cases.owners import owners_policies
from tests.inspected import Json
from tests.models.model import Model

# Two nodes, of which the first runs the API server.
_NODES = ("192.0.2.1", "192.0.2.2")
_GROUPS = {"NetworkPolicy": "networking.k8s.io/v1", "Service": "v1", "Pod": "v1"}
_ENTITIES = ("kube-apiserver", "host", "remote-node")


@dataclass(frozen=True)
class Modelled:
    """A cluster, and whom verdicts may be asked about.

    Attributes:
        name: in the names of tests.
        model: the cluster.
        pods: of each its endpoint, by its name.
        others: likewise what is no pod.
        identities: what Cilium's engine knows all of them by.
        manifests: all policies that Cilium reads.
    """

    name: str
    model: ClusterModel
    pods: Mapping[str, Endpoint]
    others: Mapping[str, Endpoint]
    identities: Mapping[str, Identity]
    manifests: Sequence[Json]


def of_case(name: str, case: Case) -> Modelled:
    """A case as its owner runs it, with the operator beside it."""
    pods = {f"{each}": labels for each, labels in case.pods.items()}
    around = case.surroundings
    names = {each: f"{at}/32" for each, at in around.get("names", {}).items()}
    return modelled(
        name,
        {each: {} for each in case.namespaces},
        pods,
        owners_policies(case),
        settings_of(case, "workload"),
        entities=around["entities"],
        addresses=[f"{at}/32" for at in around["addresses"].values()],
        names=names,
    )


def of_model(model: Model) -> Modelled:
    """A model of a cluster with policies written by hand."""
    pods = {
        f"{namespace}/pod-{number}": labels
        for namespace, found in model.pods.items()
        for number, labels in enumerate(found)
    }
    return modelled(model.name, model.namespaces, pods, model.policies, model.settings)


def modelled(
    name: str,
    namespaces: Mapping[str, Mapping[str, str]],
    pods: Mapping[str, Mapping[str, str]],
    policies: Iterable[Json],
    settings: Settings,
    *,
    entities: Iterable[str] = _ENTITIES,
    addresses: Iterable[str] = ("203.0.113.10/32", "192.168.10.50/32", "169.254.7.127/32"),
    names: Mapping[str, str] | None = None,
    objects: Iterable[Json] = (),
    ports: Mapping[str, Mapping[str, int]] | None = None,
) -> Modelled:
    """A cluster whose agents are configured as by default.

    Args:
        name: of it.
        namespaces: the labels of each.
        pods: the labels of each, by `namespace/name`.
        policies: of others.
        settings: the operator's.
        entities: that are asked about.
        addresses: outside, which no pod looks up by a name.
        names: outside, each with its address.
        objects: others, which have their apiVersion.
        ports: those that a pod's container names, by the pod's name.
    """
    named = ports or {}
    manifests = ManifestSet()
    found = [*policies, *_nodes(), *objects]
    found += [_object("Namespace", each, labels=labels) for each, labels in namespaces.items()]
    for each, labels in pods.items():
        namespace, _, pod = each.partition("/")
        declared = [{"name": n, "containerPort": at} for n, at in named.get(each, {}).items()]
        spec: Json = {"spec": {"containers": [{"name": "main", "ports": declared}]}}
        found.append(_object("Pod", pod, namespace, labels) | spec)
    source = Source("cluster")
    manifests.add(Manifest({"apiVersion": _version(one), **one}, source) for one in found)
    state = desired_state(Catalogue(settings), manifests.namespaces(), datetime.now(UTC))
    model = ClusterModel(manifests, state, _agents())
    ends: dict[str, Endpoint] = {
        f"{each.namespace}/{each.name}": model.pod(each)
        for namespace in namespaces
        for each in model.workloads.get(namespace, ())
    }
    identities = {
        each: Identity.pod(
            each.partition("/")[0],
            labels,
            namespaces.get(each.partition("/")[0], {}),
            {name: f"{at}/TCP" for name, at in named.get(each, {}).items()},
        )
        for each, labels in pods.items()
    }
    others: dict[str, Endpoint] = {each: model.entity(each) for each in entities}
    others |= {each: Network(ip_network(each), ()) for each in addresses}
    others |= {each: Name(each, (ip_network(at),)) for each, at in (names or {}).items()}
    identities |= {each: Identity.entity(each) for each in entities}
    identities |= {each: Identity.address(each) for each in addresses}
    identities |= {each: Identity.dns_name(each, at) for each, at in (names or {}).items()}
    return Modelled(name, model, ends, others, identities, [*map(_with_uid, model.in_force)])


def _nodes() -> list[Json]:
    nodes = [
        _object("Node", f"node-{number}")
        | {"status": {"addresses": [{"type": "InternalIP", "address": address}]}}
        for number, address in enumerate(_NODES)
    ]
    api_server = _object(
        "EndpointSlice", "kubernetes", "default", {"kubernetes.io/service-name": "kubernetes"}
    )
    behind = {"ports": [{"port": 6443}], "endpoints": [{"addresses": [_NODES[0]]}]}
    return [*nodes, {"apiVersion": "discovery.k8s.io/v1", **api_server, **behind}]


def _agents() -> AgentConfig:
    return read_agent_config({"cluster-name": "default"}, [Version(1, 20, 1)])


def _object(
    kind: str, name: str, namespace: str = "", labels: Mapping[str, str] | None = None
) -> Json:
    metadata: Json = {"name": name, "labels": dict(labels or {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"kind": kind, "metadata": metadata}


def _version(manifest: Json) -> str:
    if manifest["kind"].startswith("Cilium"):
        return "cilium.io/v2"
    return _GROUPS.get(manifest["kind"], "v1")


def _with_uid(manifest: Mapping[str, Any]) -> Json:
    metadata: Json = dict(manifest["metadata"])
    return {**manifest, "metadata": {"uid": str(metadata), **metadata}}
