"""A gateway that was found: by what Cilium knows it, what it listens on, whom it serves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.detect.classify import UNKNOWN, Side
from homelab_netpol.detect.facts import ClusterFacts, resolved
from homelab_netpol.detect.found import BY_NODE
from homelab_netpol.detect.objects import Component

BY_CILIUM = {"entities": ["ingress"]}
_WEB = {80, 443}
_FRONTS = ("LoadBalancer", "NodePort")


@dataclass(frozen=True, slots=True)
class WebPort:
    """A port that a gateway's pods listen on for the web."""

    number: int
    protocol: str = "TCP"
    because: str = ""


@dataclass(frozen=True, slots=True)
class FoundGateway:
    """A gateway.

    Attributes:
        name: for messages.
        because: the evidence.
        peer: as the settings name it; None: it is not known by what Cilium knows it.
        side: whom it serves.
        ports: what its pods listen on for 80 and 443; empty: nothing that a rule is about.
        checks: what its owner has to confirm.
        question: what its owner has to answer, as there is no setting to write.
        namespace: of its pods; "": it has none, or they are on the nodes' network.
        pods: its pods, as far as they are known.
    """

    name: str
    because: str
    peer: Mapping[str, Any] | None
    side: Side = UNKNOWN
    ports: tuple[WebPort, ...] = ()
    checks: tuple[str, ...] = ()
    question: str = ""
    namespace: str = ""
    pods: tuple[Component, ...] = ()


def of_pods(
    facts: ClusterFacts, pods: list[Component], peer: Mapping[str, Any], name: str, side: Side
) -> FoundGateway:
    """A gateway whose pods are known; on the nodes' network Cilium knows only the node."""
    ports = tuple(web_ports(facts, pods))
    because = f"{pods[0]} is {name}"
    if pods and all(each.host_network for each in pods):
        return FoundGateway(
            name,
            f"{because}, and on the nodes' network, where Cilium knows it by its node only",
            BY_NODE,
            side,
            ports,
            (
                "this is every process of every node, on every TCP port of an app with a gateway:"
                " keep it to the right ones by the annotation gateway-ports",
            ),
        )
    return FoundGateway(
        name, because, peer, side, ports, namespace=pods[0].namespace, pods=tuple(pods)
    )


def web_ports(facts: ClusterFacts, pods: Iterable[Component]) -> Iterator[WebPort]:
    """What pods listen on for 80 and 443, by their Services; else, what they declare."""
    found: dict[tuple[int, str], str] = {}
    for pod in pods:
        services = facts.services_of(pod)
        # A Service of its own may be for the API server, which calls the controller's webhook.
        fronts = [each for each in services if each.kind in _FRONTS] or services
        for service in fronts:
            for port in service.ports:
                is_web = port.number in _WEB and "webhook" not in port.name
                for number in resolved(port, [pod]) if is_web else ():
                    because = f"{pod} listens there for {port.number} of the {service}"
                    found.setdefault((number, port.protocol), because)
        if not found:
            for declared in pod.ports:
                if declared.number in _WEB or declared.name in (
                    "web",
                    "websecure",
                    "http",
                    "https",
                ):
                    because = f"{pod} declares it"
                    found.setdefault((declared.number, declared.protocol), because)
    for (number, protocol), because in found.items():
        yield WebPort(number, protocol, because)
