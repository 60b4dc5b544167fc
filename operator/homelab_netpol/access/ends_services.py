"""Services as ends: the pods behind them, on the ports that these listen on. Pure.

Cilium translates a Service's address and port to a pod's before it asks any policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from homelab_netpol.access.addresses import resolve_target
from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, EndError, Member, Ports, end_of
from homelab_netpol.access.ends_known import KnownEnds
from homelab_netpol.access.surroundings import API_SERVER, backends, listed, mapping
from homelab_netpol.cilium.evaluation import Endpoint, Entity, Name
from homelab_netpol.cilium.terms import LAST_PORT, TRANSPORT_PROTOCOLS, IpNetwork
from homelab_netpol.manifests import Manifest
from homelab_netpol.manifests.workloads import Workload


def service_end(model: ClusterModel, known: KnownEnds, service: Manifest) -> End:
    """The pods behind a Service, or whatever else it leads to.

    Raises:
        EndError: it leads nowhere, as far as is given.
    """
    words = f"Service {service.namespace}/{service.name}"
    spec = mapping(service.data.get("spec"))
    if (service.namespace, service.name) == API_SERVER:
        return known.entity("kube-apiserver").noting(f"{words} is the API server")
    if spec.get("type") == "ExternalName" and isinstance(spec.get("externalName"), str):
        name = spec["externalName"].rstrip(".")
        return End(name, (Member(name, Name(name)),)).noting(f"{words} stands for {name}")
    selector = mapping(spec.get("selector"))
    if not selector:
        return _by_addresses(model, service, words)
    behind = [
        each
        for each in model.workloads.get(service.namespace, ())
        if selector.items() <= each.labels.items()
    ]
    members = [member for each in behind for member in known.workload(each)]
    if not members:
        labels = {str(key): str(value) for key, value in selector.items()}
        members = [Member(f"pods of {words}", known.some_pod(service.namespace, labels))]
    translated = tuple(_translated(spec, behind))
    ports = [port for _, targets in translated for port in targets]
    named = members[0].words if len(members) == 1 else f"the pods of {words}"
    end = end_of(named, members, ports)
    on = ", ".join(map(str, dict.fromkeys(ports)))
    note = f"{words} leads to {named}" + (f" on {on}" if on else "")
    notes = (f"{note}, which policies are about",)
    return replace(end, notes=notes, service=translated)


def _by_addresses(model: ClusterModel, service: Manifest, words: str) -> End:
    members = [
        Member(f"{words} ({_place(network, endpoint)})", endpoint)
        for network in backends(model.manifests).get((service.namespace, service.name), ())
        for endpoint in resolve_target(model, network).endpoints
    ]
    if not members:
        raise EndError(
            f"{words} chooses no pods by labels, and its EndpointSlices are not given; name the"
            " address that it leads to"
        )
    return end_of(words, members)


def _place(network: IpNetwork, endpoint: Endpoint) -> str:
    """An address, and as which entity Cilium knows it; of a node there are two."""
    known = f", {endpoint.name}" if isinstance(endpoint, Entity) else ""
    return f"{network.network_address}{known}"


def _translated(
    spec: Mapping[str, Any], behind: Sequence[Workload]
) -> Iterator[tuple[Ports, tuple[Ports, ...]]]:
    """The ports of a Service, and of its pods; none where no container has the port's name."""
    for port in listed(spec.get("ports")):
        fields = mapping(port)
        number, protocol = fields.get("port"), fields.get("protocol", "TCP")
        if not _is_port(number) or protocol not in TRANSPORT_PROTOCOLS:
            continue
        target = fields.get("targetPort") or number
        if _is_port(target):
            yield Ports.one(number, protocol), (Ports.one(target, protocol),)
            continue
        named = (each for workload in behind for each in workload.ports if each.name == target)
        found = dict.fromkeys(Ports.one(each.number, each.protocol) for each in named)
        yield Ports.one(number, protocol), tuple(found)


def _is_port(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LAST_PORT
