"""The objects that detectors look at, reduced to what says something. Pure.

They may be written by anybody: what has not the shape that Kubernetes gives it counts as not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from homelab_netpol.cilium.terms import is_label_key, is_label_value
from homelab_netpol.manifests.manifest import Manifest
from homelab_netpol.manifests.workloads import OF_REPLICAS, NamedPort, Workload, template_of
from homelab_netpol.shapes import items, mapping, mappings, text

Labels = Mapping[str, str]
Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Component:
    """Pods that are alike, with what their containers run.

    Attributes:
        kind: of what makes them: `Deployment`, `DaemonSet`, `Pod` etc.
        namespace: where they are.
        name: of what makes them.
        labels: of all of the pods; those of replicas left out, and those that no selector can use.
        ports: that their containers declare.
        images: of their containers, without registry, version and digest: `coredns/coredns`.
        arguments: of their containers, commands included.
        service_account: under which they run.
        host_network: they are on their nodes' network.
    """

    kind: str
    namespace: str
    name: str
    labels: Labels
    ports: tuple[NamedPort, ...] = ()
    images: frozenset[str] = frozenset()
    arguments: tuple[str, ...] = ()
    service_account: str = ""
    host_network: bool = False

    def is_named(self, *names: str) -> bool:
        """Its chart calls it one of these, by the labels that charts use for that."""
        said = (self.labels.get(key) for key in ("app.kubernetes.io/name", "app", "k8s-app"))
        return any(name in names for name in said)

    def runs(self, *images: str) -> bool:
        """One of its images ends with one of these paths."""
        return any(f"/{each}".endswith(f"/{image}") for each in self.images for image in images)

    def __str__(self) -> str:
        """As evidence names it: `Deployment traefik/traefik`."""
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service: its own number, and the pods' by number or name."""

    name: str
    number: int
    protocol: str
    target: int | str


@dataclass(frozen=True, slots=True)
class Service:
    """A Service: what it leads to, and by which addresses."""

    namespace: str
    name: str
    kind: str
    labels: Labels
    selector: Labels
    ports: tuple[ServicePort, ...]
    cluster_ip: str
    outside: tuple[Address, ...]

    def leads_to(self, component: Component) -> bool:
        """A component's pods are behind it."""
        return (
            bool(self.selector)
            and component.namespace == self.namespace
            and self.selector.items() <= component.labels.items()
        )

    def __str__(self) -> str:
        """As evidence names it."""
        return f"Service {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A Gateway of the Gateway API."""

    namespace: str
    name: str
    class_name: str
    controller: str
    ports: tuple[tuple[int, str], ...]
    addresses: tuple[Address, ...]

    def __str__(self) -> str:
        """As evidence names it."""
        return f"Gateway {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its labels, addresses, pod networks and what its provider calls it."""

    name: str
    labels: Labels
    addresses: tuple[Address, ...]
    pod_cidrs: tuple[str, ...]
    provider: str


def read_components(given: Iterable[Workload]) -> list[Component]:
    """What people made that has pods: replicas and revisions are one."""
    groups: defaultdict[tuple[str, str, str], list[Workload]] = defaultdict(list)
    for each in given:
        kind, name = _maker(each)
        groups[each.namespace, kind, name].append(each)
    return [_component(kind, name, of_pods) for (_, kind, name), of_pods in sorted(groups.items())]


def _maker(workload: Workload) -> tuple[str, str]:
    """What a person made to have these pods."""
    owners = mappings(workload.manifest.data["metadata"].get("ownerReferences"))
    owner = next((each for each in owners if each.get("controller", True)), None)
    if owner is None or not text(owner, "kind") or not text(owner, "name"):
        return workload.kind, workload.name
    kind, name = text(owner["kind"]), text(owner["name"])
    suffix = f"-{workload.labels.get('pod-template-hash', '')}"
    if kind == "ReplicaSet" and len(suffix) > 1 and name.endswith(suffix):
        return "Deployment", name.removesuffix(suffix)
    if kind == "Node":
        return "Pod", name
    return kind, name


def _component(kind: str, name: str, of_pods: list[Workload]) -> Component:
    first = of_pods[0]
    common = set(first.labels.items()).intersection(*(each.labels.items() for each in of_pods))
    labels = {
        key: value
        for key, value in sorted(common)
        if key not in OF_REPLICAS and is_label_key(key) and is_label_value(value)
    }
    # Not those that only prepare: an app's may well wait for its database with that one's image.
    containers = mappings(template_of(first.manifest), "spec", "containers")
    return Component(
        kind,
        first.namespace,
        name,
        labels,
        first.ports,
        frozenset(_image(text(each, "image")) for each in containers),
        tuple(
            argument
            for each in containers
            for argument in (*items(each, "command"), *items(each, "args"))
            if isinstance(argument, str)
        ),
        text(first.service_account),
        first.host_network,
    )


def _image(image: str) -> str:
    """An image's path: neither registry nor version."""
    path = image.partition("@")[0]
    first, slash, rest = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        path = rest
    return path.partition(":")[0]


def read_service(manifest: Manifest) -> Service:
    """A Service."""
    spec, status = mapping(manifest.data, "spec"), mapping(manifest.data, "status")
    balancer = mapping(status, "loadBalancer")
    outside = [text(each, "ip") for each in mappings(balancer, "ingress")]
    outside += [text(each) for each in items(spec, "externalIPs")]
    selector = mapping(spec, "selector")
    return Service(
        manifest.namespace,
        manifest.name,
        text(spec, "type") or "ClusterIP",
        manifest.labels,
        {str(key): str(value) for key, value in selector.items()},
        tuple(_service_ports(spec)),
        text(spec, "clusterIP"),
        tuple(_addresses(outside)),
    )


def _service_ports(spec: Mapping[str, Any]) -> Iterator[ServicePort]:
    for each in mappings(spec, "ports"):
        number, target = each.get("port"), each.get("targetPort")
        if isinstance(number, int):
            yield ServicePort(
                text(each, "name"),
                number,
                text(each, "protocol") or "TCP",
                target if isinstance(target, int | str) and target else number,
            )


def read_gateway(manifest: Manifest, controllers: Mapping[str, str]) -> Gateway:
    """A Gateway, with the controller of its class."""
    spec, status = mapping(manifest.data, "spec"), mapping(manifest.data, "status")
    class_name = text(spec, "gatewayClassName")
    ports = [
        (each["port"], text(each, "protocol"))
        for each in mappings(spec, "listeners")
        if isinstance(each.get("port"), int)
    ]
    stated = [text(each, "value") for each in mappings(status, "addresses")]
    stated += [text(each, "value") for each in mappings(spec, "addresses")]
    return Gateway(
        manifest.namespace,
        manifest.name,
        class_name,
        controllers.get(class_name, ""),
        tuple(dict.fromkeys(ports)),
        tuple(_addresses(stated)),
    )


def read_node(manifest: Manifest) -> Node:
    """A node."""
    spec, status = mapping(manifest.data, "spec"), mapping(manifest.data, "status")
    internal = [
        text(each, "address")
        for each in mappings(status, "addresses")
        if each.get("type") == "InternalIP"
    ]
    cidrs = items(spec, "podCIDRs") or [spec.get("podCIDR")]
    return Node(
        manifest.name,
        manifest.labels,
        tuple(_addresses(internal)),
        tuple(each for each in cidrs if isinstance(each, str)),
        text(spec, "providerID"),
    )


def _addresses(texts: Iterable[str]) -> Iterator[Address]:
    for each in texts:
        try:
            yield ip_address(each)
        except ValueError:
            continue  # a host name, or nothing
