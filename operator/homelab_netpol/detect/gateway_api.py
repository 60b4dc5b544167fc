"""Gateways of the Gateway API, by the controller of their class. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.detect.classify import side_of
from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.gateway import BY_CILIUM, FoundGateway, WebPort, of_pods
from homelab_netpol.detect.mesh import is_waypoint
from homelab_netpol.detect.objects import Address, Component, Gateway
from homelab_netpol.intent import Waypoint

_CILIUM = "io.cilium/gateway-controller"
_ISTIO = "istio.io/gateway-controller"
_ENVOY = "gateway.envoyproxy.io/gatewayclass-controller"
# Ingress controllers that implement it as well: their pods are found by their labels.
_ELSEWHERE = ("traefik.io/gateway-controller", "haproxy.org/gateway-controller")
# Classes by the names that charts and manuals give them, where no GatewayClass is given.
_CLASSES = {
    "cilium": _CILIUM,
    "istio": _ISTIO,
    "eg": _ENVOY,
    "envoy": _ENVOY,
    "traefik": _ELSEWHERE[0],
}

_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_ISTIO_MANAGED = "gateway.istio.io/managed"
_OF_WAYPOINTS = "istio.io-mesh-controller"
_OWNING_NAME = "gateway.envoyproxy.io/owning-gateway-name"
_OWNING_NAMESPACE = "gateway.envoyproxy.io/owning-gateway-namespace"
_ENVOY_HOME = "envoy-gateway-system"
# Envoy Gateway's pods need no privilege: a port below 1024 is so much more on them.
_ENVOY_OFFSET = 10_000
_PRIVILEGED = 1024


def of_gateway_api(facts: ClusterFacts) -> Iterator[FoundGateway]:
    """All of them but waypoints, which are for calls within the mesh."""
    for gateway in facts.gateways:
        if is_waypoint(gateway):
            continue
        controller = gateway.controller or _CLASSES.get(gateway.class_name, "")
        if controller == _CILIUM:
            yield _cilium(facts, gateway)
        elif controller == _ENVOY:
            yield _envoy(facts, gateway)
        elif controller not in _ELSEWHERE:
            yield _by_name(facts, gateway, controller)


def of_pods_alone(facts: ClusterFacts) -> Iterator[FoundGateway]:
    """Pods of Gateways that are not given themselves, by the labels that controllers give them."""
    given = {(each.namespace, each.name) for each in facts.gateways}
    found: dict[tuple[str, str, bool], list[Component]] = {}
    for component in facts.components:
        labels = component.labels
        if _OWNING_NAME in labels:
            home = labels.get(_OWNING_NAMESPACE, component.namespace)
            found.setdefault((home, labels[_OWNING_NAME], True), []).append(component)
        elif _GATEWAY_NAME in labels and labels.get(_ISTIO_MANAGED) != _OF_WAYPOINTS:
            name = labels[_GATEWAY_NAME]
            found.setdefault((component.namespace, name, False), []).append(component)
    for (home, name, by_envoy), pods in found.items():
        if (home, name) not in given:
            keys = (_OWNING_NAME, _OWNING_NAMESPACE) if by_envoy else (_GATEWAY_NAME,)
            labels = {key: pods[0].labels[key] for key in keys if key in pods[0].labels}
            peer: dict[str, object] = {"namespace": pods[0].namespace, "podLabels": labels}
            if _ISTIO_MANAGED in pods[0].labels and pods[0].service_account:
                peer["serviceAccount"] = pods[0].service_account
            services = [each for pod in pods for each in facts.services_of(pod)]
            side = side_of((name, home), [each for one in services for each in one.outside])
            yield of_pods(facts, pods, peer, f"Gateway {home}/{name}", side)


def _cilium(facts: ClusterFacts, gateway: Gateway) -> FoundGateway:
    config = facts.cilium_config
    checks: tuple[str, ...] = ()
    if config is not None and config.get("enable-gateway-api", "").lower() != "true":
        checks = ("Cilium's ConfigMap does not say enable-gateway-api: true. Is it in use?",)
    because = f"{gateway} is one of Cilium's, whose identity is `ingress`, as all of its gateways'"
    side = side_of(_names(gateway), _outside(facts, gateway, []))
    return FoundGateway(str(gateway), because, BY_CILIUM, side, checks=checks)


def _envoy(facts: ClusterFacts, gateway: Gateway) -> FoundGateway:
    labels = {_OWNING_NAME: gateway.name, _OWNING_NAMESPACE: gateway.namespace}
    pods = [each for each in facts.components if labels.items() <= each.labels.items()]
    side = side_of(_names(gateway), _outside(facts, gateway, pods))
    if pods:
        peer = {"namespace": pods[0].namespace, "podLabels": labels}
        found = of_pods(facts, pods, peer, str(gateway), side)
        if facts.services_of(pods[0]) or found.peer is not peer:
            return found
    peer = {"namespace": pods[0].namespace if pods else _ENVOY_HOME, "podLabels": labels}
    because = f"{gateway} is one of Envoy Gateway's, which puts these labels on its pods"
    checks = () if pods else (f"no pods of {gateway} were found; are they in this namespace?",)
    ports = tuple(_envoy_ports(gateway))
    return FoundGateway(
        str(gateway), because, peer, side, ports, checks, namespace=str(peer["namespace"])
    )


def _envoy_ports(gateway: Gateway) -> Iterator[WebPort]:
    for port, protocol in gateway.ports:
        number = port + _ENVOY_OFFSET if port < _PRIVILEGED else port
        because = f"Envoy Gateway listens there for {port} of {gateway}"
        yield WebPort(number, "UDP" if protocol == "UDP" else "TCP", because)


def _by_name(facts: ClusterFacts, gateway: Gateway, controller: str) -> FoundGateway:
    """Istio's and others', which put the label with the Gateway's name on pods beside it."""
    labels = Waypoint(gateway.namespace, gateway.name).pod_labels
    pods = [
        each
        for each in facts.components
        if each.namespace == gateway.namespace and labels.items() <= each.labels.items()
    ]
    side = side_of(_names(gateway), _outside(facts, gateway, pods))
    peer: dict[str, object] = {"namespace": gateway.namespace, "podLabels": labels}
    if controller == _ISTIO:
        accounts = sorted({each.service_account for each in pods} - {""})
        peer["serviceAccount"] = accounts[0] if len(accounts) == 1 else f"{gateway.name}-istio"
    if pods:
        return of_pods(facts, pods, peer, str(gateway), side)
    if controller == _ISTIO:
        because = f"{gateway} is one of Istio's, which puts this label on its pods"
        check = f"no pods of {gateway} were found; are they in this namespace?"
        return FoundGateway(
            str(gateway), because, peer, side, checks=(check,), namespace=gateway.namespace
        )
    return FoundGateway(
        str(gateway),
        "",
        None,
        question=f"{gateway} is of the class {gateway.class_name or '(none)'}"
        f" ({controller or 'whose controller is not known'}), and no pods with the label"
        f" {_GATEWAY_NAME}: {gateway.name} were found beside it. Which pods are it? Say it in"
        " gateways.internal or gateways.external",
    )


def _names(gateway: Gateway) -> tuple[str, str, str]:
    return gateway.name, gateway.class_name, gateway.namespace


def _outside(facts: ClusterFacts, gateway: Gateway, pods: list[Component]) -> list[Address]:
    services = [each for pod in pods for each in facts.services_of(pod)]
    return [*gateway.addresses, *(address for each in services for address in each.outside)]
