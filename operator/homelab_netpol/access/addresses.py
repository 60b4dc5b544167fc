"""What an IP address is to Cilium: a node, the API server, pods, or something outside. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.surroundings import API_SERVER, address_of, backends, listed, mapping
from homelab_netpol.cilium.evaluation import Endpoint, Entity, Network
from homelab_netpol.cilium.terms import IpNetwork
from homelab_netpol.manifests import Manifest, kinds
from homelab_netpol.manifests.workloads import Workload, has_ended, workload_of


@dataclass(frozen=True, slots=True)
class ResolvedAddress:
    """An address.

    Attributes:
        words: what it is: `Node worker-1`, `Service database/db`.
        endpoints: whom Cilium means by it. Of a node there are two: as pods on it meet it, and as
            all others do. Of a Service its pods, or what else is behind it; none, if nothing is.
        service: the Service whose address it is, which has ports of its own; None: it is none.
        pod: the pod whose address it is; None: it is none.
    """

    words: str
    endpoints: tuple[Endpoint, ...]
    service: Manifest | None = None
    pod: Workload | None = None


def resolve_address(model: ClusterModel, address: str) -> ResolvedAddress:
    """What an address is, as far as the cluster is known.

    Args:
        model: the cluster.
        address: of IPv4 or IPv6, without a prefix length.

    Raises:
        ValueError: it is no address.
        ManifestError: it is a pod's, which is not described as it must be.
    """
    network = ip_network(ip_address(address))
    for service in model.manifests.of(kinds.SERVICE):
        if network in _addresses_of(service):
            words = f"Service {service.namespace}/{service.name}"
            return ResolvedAddress(words, _behind(model, service), service)
    return resolve_target(model, network)


def resolve_target(model: ClusterModel, network: IpNetwork) -> ResolvedAddress:
    """Likewise of an address that is no Service's, such as one that a Service leads to.

    Args:
        model: the cluster.
        network: the address, as a network of its own.

    Raises:
        ManifestError: it is a pod's, which is not described as it must be.
    """
    own = model.own_addresses
    node = next((name for name, found in own.nodes.items() if network in found), None)
    if network in own.api_server:
        where = f" on Node {node}" if node else ""
        return ResolvedAddress(f"the API server{where}", tuple(_api_server(model, network, node)))
    if node is not None:
        return ResolvedAddress(f"Node {node}", tuple(map(model.entity, _as_node(model))))
    for pod in model.manifests.of(kinds.POD):
        if network in _pod_addresses(pod):
            workload = workload_of(pod)
            return ResolvedAddress(str(workload), (model.pod(workload),), pod=workload)
    return ResolvedAddress("an address outside the cluster", (Network(network),))


def _api_server(model: ClusterModel, network: IpNetwork, node: str | None) -> Iterator[Entity]:
    known = model.entity("kube-apiserver")
    places = _as_node(model) if node else [known.place]
    for place in places:
        yield Entity("kube-apiserver", place, (network,), known.nodes_by_cidr)


def _as_node(model: ClusterModel) -> list[str]:
    return ["host"] if len(model.own_addresses.nodes) == 1 else ["host", "remote-node"]


def _addresses_of(service: Manifest) -> set[IpNetwork]:
    spec, status = mapping(service.data.get("spec")), mapping(service.data.get("status"))
    of_balancer = mapping(status.get("loadBalancer")).get("ingress")
    given: list[Any] = [spec.get("clusterIP"), spec.get("loadBalancerIP")]
    given += [*listed(spec.get("clusterIPs")), *listed(spec.get("externalIPs"))]
    given += [mapping(each).get("ip") for each in listed(of_balancer)]
    return {found for each in given for found in address_of(each)}


def _behind(model: ClusterModel, service: Manifest) -> tuple[Endpoint, ...]:
    selector = mapping(mapping(service.data.get("spec")).get("selector"))
    if selector:
        return _unlike(_pods(model, service.namespace, selector))
    key = (service.namespace, service.name)
    found = backends(model.manifests).get(key, [])
    if not found and key == API_SERVER:
        return (model.entity("kube-apiserver"),)
    return _unlike(endpoint for each in found for endpoint in resolve_target(model, each).endpoints)


def _pods(model: ClusterModel, namespace: str, selector: Mapping[str, Any]) -> Iterator[Endpoint]:
    for each in model.workloads.get(namespace, ()):
        if selector.items() <= each.labels.items():
            if each.host_network:
                yield from map(model.entity, _as_node(model))
            else:
                yield model.pod(each)


def _pod_addresses(pod: Manifest) -> set[IpNetwork]:
    """Its own; that of one that has ended may be another's by now."""
    status = mapping(pod.data.get("status"))
    if mapping(pod.data.get("spec")).get("hostNetwork") or has_ended(status):
        return set()
    given = [
        status.get("podIP"),
        *(mapping(each).get("ip") for each in listed(status.get("podIPs"))),
    ]
    return {found for each in given for found in address_of(each)}


def _unlike(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    found: list[Endpoint] = []
    for each in endpoints:
        if each not in found:
            found.append(each)
    return tuple(found)
