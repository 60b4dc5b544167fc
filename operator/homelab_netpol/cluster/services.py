"""Services, reduced to what a finding may depend on: where they lead, and by which addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.intent import USE_WAYPOINT

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# What external-dns publishes a name of, and what it lets the name lead to instead of the object.
NAME_ANNOTATION = "external-dns.alpha.kubernetes.io/hostname"
TARGET_ANNOTATION = "external-dns.alpha.kubernetes.io/target"
_WAYPOINT_BOUND = "istio.io/WaypointBound"
# Cilium's own gateways answer on these themselves, before any policy for the sender counts.
_OF_CILIUM = ("io.cilium.gateway/owning-gateway", "cilium.io/ingress")


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service.

    Attributes:
        number: the Service's own.
        protocol: TCP, UDP or SCTP.
        target: the pods' port: its number, or the name that their containers give it.
    """

    number: int
    protocol: str
    target: int | str


@dataclass(frozen=True, slots=True)
class ObservedService:
    """A Service.

    Attributes:
        namespace: where it is.
        name: its name.
        selector: labels of the pods behind it; empty: none are chosen by labels.
        ports: its ports.
        headless: it has no address, so clients call its pods, on the pods' ports.
        cluster_ips: its addresses in the cluster, as they are written.
        outside: those of its load balancer, and external ones.
        names: DNS names that lead to its address from outside.
        waypoint_labels: those of its labels that say which of Istio's waypoints it has.
        waypoint_bound: Istio says that it has one, or has none; None: Istio does not say.
        by_every_node: it takes clients from outside in by every node, which then send them on as
            their own (`externalTrafficPolicy: Cluster`).
    """

    namespace: str
    name: str
    selector: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    headless: bool = False
    cluster_ips: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    waypoint_labels: Mapping[str, str] = field(default_factory=dict)
    waypoint_bound: bool | None = None
    by_every_node: bool = False

    def addresses(self, *, outside: bool) -> tuple[IpAddress, ...]:
        """Its addresses in the cluster, with those outside of it or without them."""
        return tuple(addresses_of((*self.cluster_ips, *(self.outside if outside else ()))))

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels, in its namespace, is behind it."""
        return bool(self.selector) and self.selector.items() <= labels.items()

    def __str__(self) -> str:
        """As messages name it."""
        return f"Service {self.name} in {self.namespace}"


def read_service(manifest: Mapping[str, Any]) -> ObservedService:
    """Reduces a Service to what is kept of it."""
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    status, labels = manifest.get("status") or {}, metadata.get("labels") or {}
    external = spec.get("type") == "ExternalName"
    cluster_ips = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    outside = [each for each in _outside(spec, status) if each]
    by_cilium = external or any(labels.get(key) for key in _OF_CILIUM)
    return ObservedService(
        namespace=metadata["namespace"],
        name=metadata["name"],
        selector={} if external else spec.get("selector") or {},
        ports=tuple(map(_port, spec.get("ports") or ())),
        headless="None" in cluster_ips,
        cluster_ips=() if by_cilium else tuple(cluster_ips),
        outside=() if by_cilium else tuple(outside),
        names=published_names(metadata) if outside and not by_cilium else (),
        waypoint_labels={k: v for k, v in labels.items() if k.startswith(USE_WAYPOINT)},
        waypoint_bound=_waypoint_bound(status),
        by_every_node=spec.get("type") in ("LoadBalancer", "NodePort")
        and spec.get("externalTrafficPolicy", "Cluster") == "Cluster",
    )


def published_names(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The names by which external-dns publishes an object's own address."""
    annotations = metadata.get("annotations") or {}
    if annotations.get(TARGET_ANNOTATION):
        return ()
    names = annotations.get(NAME_ANNOTATION, "").split(",")
    return tuple(normal_name(name.strip()) for name in names if name.strip())


def normal_name(name: str) -> str:
    """A DNS name as names are compared: in lower case, without a dot at its end."""
    return name.lower().rstrip(".")


def addresses_of(texts: Iterable[str]) -> Iterator[IpAddress]:
    """Those of the texts that are addresses."""
    for text in texts:
        try:
            yield ipaddress.ip_address(text)
        except ValueError:
            continue  # "None", "", or a host name


def _port(port: Mapping[str, Any]) -> ServicePort:
    number = port["port"]
    return ServicePort(number, port.get("protocol", "TCP"), port.get("targetPort") or number)


def _outside(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[str]:
    yield from spec.get("externalIPs") or ()
    if spec.get("type") == "LoadBalancer":
        for each in (status.get("loadBalancer") or {}).get("ingress") or ():
            # `Proxy`: the load balancer wants to see the traffic, and Cilium leaves it to it.
            if each.get("ipMode", "VIP") == "VIP":
                yield each.get("ip") or ""


def _waypoint_bound(status: Mapping[str, Any]) -> bool | None:
    for each in status.get("conditions") or ():
        if each.get("type") == _WAYPOINT_BOUND:
            return bool(each.get("status") == "True")
    return None
