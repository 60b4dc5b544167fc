"""The cluster's own addresses and names, where something outside the cluster was meant. Pure.

Cilium translates the address of a Service to a pod's before it asks any policy: what leads to the
cluster is judged by the pods there, never by networks (`cidrs`) or names (`fqdns`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from homelab_netpol.cilium.dns_patterns import dns_pattern_holds
from homelab_netpol.cluster.public_names import PublicName
from homelab_netpol.cluster.services import IpAddress, ObservedService, normal_name
from homelab_netpol.findings.finding import join_words, name_labels, name_ports
from homelab_netpol.findings.front_door import FrontDoor
from homelab_netpol.findings.ports import GrantedPort, granted_ports
from homelab_netpol.findings.rule_ports import opened_by
from homelab_netpol.intent import GATEWAY_NAME_LABEL
from homelab_netpol.settings import SharedResource

# A network is only reported if every address in it is the cluster's own; larger ones never are.
_LARGEST_NETWORK = 256
_KUBERNETES = ("default", "kubernetes")


@dataclass(frozen=True, slots=True)
class Outside:
    """What is opened, as its author believes, outside the cluster.

    Attributes:
        who: opens it, as the beginning of a sentence.
        where: that is written, for messages.
        labels_in: the field there that has pods' labels.
        cidrs: networks.
        names: DNS names and patterns of them, in lower case.
        ports: on which ports; empty: on all.
    """

    who: str
    where: str
    labels_in: str
    cidrs: tuple[str, ...]
    names: tuple[str, ...]
    ports: tuple[GrantedPort, ...]

    def opens(self, number: int, protocol: str) -> bool:
        """Whether a port is opened."""
        return not self.ports or any(each.holds(number, protocol) for each in self.ports)

    def means(self, name: str) -> bool:
        """Whether it means a name, which may be `*.` and a domain."""
        return any(_means(text, name) for text in self.names)


class OwnEnds:
    """What leads to the cluster itself: Services by address and by name, and public names."""

    def __init__(self, names: Sequence[PublicName] = (), *, outside: bool = True) -> None:
        """Makes an empty one.

        Args:
            names: the public names.
            outside: addresses of load balancers and external ones count: Cilium translates them.
        """
        self._outside = outside
        self.names = sorted(names, key=lambda one: (one.name, one.said_by))
        self._by_address: dict[IpAddress, list[ObservedService]] = defaultdict(list)
        self._by_name: dict[tuple[str, str], ObservedService] = {}

    def add(self, service: ObservedService) -> None:
        """Adds a Service."""
        self._by_name[service.namespace, service.name] = service
        for address in service.addresses(outside=self._outside):
            self._by_address[address].append(service)

    def at(self, address: IpAddress) -> Sequence[ObservedService]:
        """The Services that have an address; several may share one."""
        return self._by_address.get(address, ())

    def called(self, name: str) -> ObservedService | None:
        """The Service that has a name within the cluster: NAME.NAMESPACE.svc and its domain."""
        parts = name.split(".")
        if len(parts) < 3 or parts[2] != "svc":
            return None
        service = self._by_name.get((parts[1], parts[0]))
        # One without either leads to another name (type ExternalName).
        if service is None or not (service.selector or service.cluster_ips or service.outside):
            return None
        return service


def of_resource(name: str, resource: SharedResource) -> Outside:
    """What a shared resource opens outside the cluster."""
    texts = (each.match_name or each.match_pattern or "" for each in resource.fqdns)
    return Outside(
        who=f"The grant {name}",
        where=f"in the shared resource {name}",
        labels_in="podLabels",
        cidrs=tuple(each.cidr for each in resource.networks if not each.except_),
        names=tuple(map(normal_name, texts)),
        ports=granted_ports(resource.ports),
    )


def of_rule(profile: str, rule: Mapping[str, Any]) -> Outside:
    """What an egress rule of a NetworkProfile opens outside the cluster."""
    sets = [each for each in rule.get("toCIDRSet") or () if not each.get("except")]
    cidrs = [*(rule.get("toCIDR") or ()), *(each.get("cidr") for each in sets)]
    texts = [
        each.get("matchName") or each.get("matchPattern") for each in rule.get("toFQDNs") or ()
    ]
    return Outside(
        who=f"The NetworkProfile {profile}",
        where=f"in toEndpoints of a rule of {profile}",
        labels_in="labels",
        cidrs=tuple(str(cidr) for cidr in cidrs if cidr),
        names=tuple(normal_name(text) for text in texts if text),
        ports=opened_by([rule]),
    )


def leads_home(asked: Outside, own: OwnEnds, door: FrontDoor | None = None) -> str | None:
    """What to say of a network or a name that leads to the cluster itself; None: none does.

    Args:
        asked: what is opened outside the cluster.
        own: what leads to the cluster.
        door: what opens its gateways; None: no label does.
    """
    for cidr in asked.cidrs:
        network = ip_network(cidr, strict=False)
        if network.num_addresses > _LARGEST_NETWORK:
            continue
        serving = [_serving(own.at(address), asked) for address in network]
        if all(serving):
            return _service_called(cidr, serving[0][0], "a network", asked, door)
    for text in asked.names:
        service = own.called(text)
        if service is not None and (service.headless or _serving([service], asked)):
            return _service_called(text, service, "a name", asked, door)
        for each in own.names:
            if _means(text, each.name) and _is_own(each, own) and _serves(each, asked):
                advice = _to_gateways(each, own, asked, door) if door else None
                return _name_called(each, text, asked, advice)
    return None


def _service_called(
    what: str, service: ObservedService, never: str, asked: Outside, door: FrontDoor | None
) -> str:
    advice = _to_gateway(service, asked, door) if door else None
    return (
        f"{asked.who} opens nothing for {what}: that is the {service}, and Cilium judges what is"
        f" behind it, never {never}. {advice or _instead(service, asked)}"
    )


def _name_called(name: PublicName, text: str, asked: Outside, advice: str | None) -> str:
    of_pattern = "" if text == name.name else f", which {text} means,"
    labels = ""
    if name.gateway is not None:
        namespace, gateway = name.gateway
        labels = f" namespace: {namespace}, {asked.labels_in}: {GATEWAY_NAME_LABEL}={gateway},"
    by_pods = (
        f"Write {asked.where} the pods that answer it:{labels} and the port that they listen on."
    )
    return (
        f"{asked.who} opens nothing for {name.name}: by {name.said_by} this{of_pattern} leads to"
        f" the cluster itself, and Cilium judges the pods there, never a name. {advice or by_pods}"
    )


def _to_gateways(name: PublicName, own: OwnEnds, asked: Outside, door: FrontDoor) -> str | None:
    """The advice for a public name: by the Services at its addresses, else by its Gateway."""
    services = (service for address in name.leads_to or () for service in own.at(address))
    for service in _serving(services, asked):
        if (advice := _to_gateway(service, asked, door)) is not None:
            return advice
    if name.gateway is None:
        return None
    namespace, gateway = name.gateway
    return door.advice(namespace, {GATEWAY_NAME_LABEL: gateway}, ())


def _to_gateway(service: ObservedService, asked: Outside, door: FrontDoor) -> str | None:
    targets = _targets(service, asked)
    numbers = [(how, target) for how, target in targets if isinstance(target, int)]
    return door.advice(service.namespace, service.selector, numbers)


def _targets(service: ObservedService, asked: Outside) -> list[tuple[str, int | str]]:
    """Protocols and ports of the pods, by number or by name, that calls of it lead to."""
    return [
        (port.protocol, port.number if service.headless else port.target)
        for port in service.ports
        if service.headless or asked.opens(port.number, port.protocol)
    ]


def _instead(service: ObservedService, asked: Outside) -> str:
    if (service.namespace, service.name) == _KUBERNETES:
        return "Write the entity kube-apiserver there instead."
    if not service.selector:
        return "Write the addresses of its EndpointSlices there instead."
    targets = [target for _, target in _targets(service, asked)]
    protocols = {port.protocol for port in service.ports}
    how = protocols.pop() if len(protocols) == 1 else "port"
    numbers = dict.fromkeys((how, target, None) for target in targets if isinstance(target, int))
    named = dict.fromkeys(target for target in targets if isinstance(target, str))
    ports = [*([name_ports(numbers)] if numbers else ()), *(f"the one named {n}" for n in named)]
    return (
        f"Write {asked.where} namespace: {service.namespace}, {asked.labels_in}:"
        f" {name_labels(service.selector)}, and the pods' port, {join_words(ports or ['any'])}."
    )


def _serving(services: Iterable[ObservedService], asked: Outside) -> list[ObservedService]:
    """Those that translate one of the ports: Services may share an address."""
    return [
        service
        for service in services
        if any(asked.opens(port.number, port.protocol) for port in service.ports)
    ]


def _means(text: str, name: str) -> bool:
    if name.startswith("*."):
        # Such a name is not one that is called; the same pattern means all that it stands for.
        return text in (name, f"*{name}")
    if set(text.split(".")[0]) == {"*"} and text.count(".") < 2:
        # `*` or `*.com`: its author had others in mind.
        return False
    return dns_pattern_holds(text, name)


def _is_own(name: PublicName, own: OwnEnds) -> bool:
    return name.leads_to is None or any(own.at(address) for address in name.leads_to)


def _serves(name: PublicName, asked: Outside) -> bool:
    protocols = ("TCP", "UDP")
    return not name.ports or any(asked.opens(n, how) for n in name.ports for how in protocols)
