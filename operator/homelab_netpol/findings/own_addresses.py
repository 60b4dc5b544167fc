"""The cluster's own addresses and names, where something outside the cluster was meant. Pure.

Cilium translates the address of a Service to a pod's before it asks any policy: what leads to the
cluster is judged by the pods there, never by networks (`cidrs`) or names (`fqdns`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.cilium.dns_patterns import dns_pattern_holds
from homelab_netpol.cluster.public_names import PublicName
from homelab_netpol.cluster.services import IpAddress, ObservedService
from homelab_netpol.findings.finding import join_words, name_labels, name_ports
from homelab_netpol.findings.targets import GrantedPort, granted_ports
from homelab_netpol.settings import SharedResource

# A network is only told if every address in it is the cluster's own; larger ones never are.
_LARGEST_NETWORK = 256
_KUBERNETES = ("default", "kubernetes")
_GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"

OwnAddresses = Mapping[IpAddress, Collection[ObservedService]]


@dataclass(frozen=True, slots=True)
class AskedNames:
    """The names that `fqdns` of some resources mean.

    Attributes:
        texts: each a name or a pattern.
    """

    texts: tuple[str, ...]

    def __bool__(self) -> bool:
        """There are any."""
        return bool(self.texts)

    def means(self, name: str) -> bool:
        """Whether one of them means a name, which may be `*.` and a domain."""
        return any(_means(text, name) for text in self.texts)


def names_of(resources: Iterable[SharedResource]) -> AskedNames:
    """The names of all `fqdns` of some resources."""
    texts = (name for resource in resources for name in _names_in(resource))
    return AskedNames(tuple(dict.fromkeys(texts)))


def own_address_asked(name: str, resource: SharedResource, own: OwnAddresses) -> str | None:
    """What to say of a resource with a network in which all addresses are Services'.

    Args:
        name: of the shared resource.
        resource: what it is.
        own: the Services that have each address.
    """
    ports = granted_ports(resource.ports)
    for cidr in resource.cidrs:
        network = ip_network(cidr)
        if network.num_addresses > _LARGEST_NETWORK:
            continue
        serving = [_serving(own.get(address, ()), ports) for address in network]
        if all(serving):
            service = serving[0][0]
            return (
                f"The grant {name} opens nothing for {cidr}: that is the address of the {service},"
                " and Cilium judges what is behind it, never a network."
                f" {_instead(service, ports, name)}"
            )
    return None


def own_name_asked(
    name: str, resource: SharedResource, names: Iterable[PublicName], own: OwnAddresses
) -> str | None:
    """What to say of a resource with a name that leads to the cluster itself.

    Args:
        name: of the shared resource.
        resource: what it is.
        names: the public names of the cluster.
        own: the Services that have each address.
    """
    numbers = granted_ports(resource.ports)
    for text in _names_in(resource):
        for each in sorted(names, key=lambda one: (one.name, one.said_by)):
            if _means(text, each.name) and _leads_home(each, own) and _serves(each, numbers):
                of_pattern = "" if text == each.name else f", which {text} means,"
                return (
                    f"The grant {name} opens nothing for {each.name}: by {each.said_by} this"
                    f"{of_pattern} leads to the cluster itself, and Cilium judges the pods there,"
                    f" never a name. {_gateway_instead(each, name)}"
                )
    return None


def _names_in(resource: SharedResource) -> Iterator[str]:
    for each in resource.fqdns:
        yield (each.match_name or each.match_pattern or "").lower().rstrip(".")


def _means(text: str, name: str) -> bool:
    if name.startswith("*."):
        # Such a name is not one that is called; the same pattern means all that it stands for.
        return text in (name, f"*{name}")
    if set(text.split(".")[0]) == {"*"} and text.count(".") < 2:
        # `*` or `*.com`: its author had others in mind.
        return False
    return dns_pattern_holds(text, name)


def _leads_home(name: PublicName, own: OwnAddresses) -> bool:
    return name.leads_to is None or any(address in own for address in name.leads_to)


def _serves(name: PublicName, ports: Iterable[GrantedPort]) -> bool:
    return not name.ports or any(
        port.number <= number <= port.last for port in ports for number in name.ports
    )


def _serving(
    services: Iterable[ObservedService], ports: Iterable[GrantedPort]
) -> list[ObservedService]:
    """Those that translate one of the ports: Services may share an address."""
    return [
        service
        for service in services
        if any(each.holds(port.number, port.protocol) for port in service.ports for each in ports)
    ]


def _instead(service: ObservedService, ports: Iterable[GrantedPort], name: str) -> str:
    where = f"in the shared resource {name}"
    if (service.namespace, service.name) == _KUBERNETES:
        return f"Write entities: [kube-apiserver] {where}."
    if not service.selector:
        return f"Write the addresses of its EndpointSlices {where}."
    targets = [
        port
        for port in service.ports
        if any(each.holds(port.number, port.protocol) for each in ports)
    ]
    numbers = dict.fromkeys(
        (p.protocol, p.target, None) for p in targets if isinstance(p.target, int)
    )
    names = dict.fromkeys(p.target for p in targets if isinstance(p.target, str))
    pods_ports = [
        *([name_ports(numbers)] if numbers else ()),
        *(f"the one named {n}" for n in names),
    ]
    return (
        f"Write {where} namespace: {service.namespace}, podLabels:"
        f" {name_labels(service.selector)}, and the pods' port, {join_words(pods_ports)}."
    )


def _gateway_instead(name: PublicName, resource: str) -> str:
    where = f"Write the pods that answer it in the shared resource {resource}"
    if name.gateway is None:
        return f"{where}: namespace, podLabels, and the ports that they listen on."
    namespace, gateway = name.gateway
    return (
        f"{where}: namespace: {namespace}, podLabels: {_GATEWAY_LABEL}={gateway} or as your gateway"
        " has it, and the ports that they listen on."
    )
