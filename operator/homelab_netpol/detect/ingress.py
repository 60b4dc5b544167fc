"""Ingress controllers, Cilium's among them, and tunnels to the internet. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homelab_netpol.detect.classify import side_of
from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.gateway import BY_CILIUM, FoundGateway, of_pods
from homelab_netpol.detect.objects import Component
from homelab_netpol.shapes import text

_NAME = "app.kubernetes.io/name"
_INSTANCE = "app.kubernetes.io/instance"
_COMPONENT = "app.kubernetes.io/component"
_CILIUM = "cilium.io/ingress-controller"
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"


@dataclass(frozen=True, slots=True)
class Controller:
    """An ingress controller, as its chart labels it.

    Attributes:
        title: its name.
        names: of its chart or image.
        keys: the labels that tell one of its installations from another, in order.
        images: by which it is known where labels do not say it.
        component: the value of the label `component` of those of its pods that take requests.
    """

    title: str
    names: tuple[str, ...]
    images: tuple[str, ...]
    component: str = ""
    keys: tuple[str, ...] = (_NAME,)


CONTROLLERS = (
    Controller(
        "ingress-nginx",
        ("ingress-nginx", "rke2-ingress-nginx"),
        ("ingress-nginx/controller", "nginx-ingress-controller"),
        "controller",
        (_INSTANCE, _COMPONENT),
    ),
    Controller("Traefik", ("traefik",), ("traefik",)),
    Controller("NGINX Ingress Controller", ("nginx-ingress",), ("nginx/nginx-ingress",)),
    Controller(
        "HAProxy",
        ("kubernetes-ingress", "haproxy-ingress"),
        ("kubernetes-ingress", "haproxy-ingress"),
    ),
    Controller("Contour's Envoy", ("contour",), (), "envoy", (_NAME, _COMPONENT)),
    Controller(
        "Istio's ingress gateway", ("istio-ingressgateway", "istio-ingress"), (), keys=("app",)
    ),
    Controller("Caddy", ("caddy-ingress-controller",), ("caddyserver/ingress",)),
    Controller("Kong", ("kong",), ("kong",), "app", (_NAME, _COMPONENT)),
)
_TUNNELS = ("cloudflared", "cloudflare-tunnel", "cloudflare-tunnel-remote")
_TAILSCALE = "tailscale.com/parent-resource-type"


def of_ingress_controllers(facts: ClusterFacts) -> Iterator[FoundGateway]:
    """Those whose pods are found."""
    for controller in CONTROLLERS:
        for component in facts.components:
            if _is(component, controller):
                yield _gateway(facts, component, controller)


def of_cilium(facts: ClusterFacts) -> Iterator[FoundGateway]:
    """Cilium's Ingress, where it is switched on and in use."""
    config = facts.cilium_config or {}
    switched_on = config.get("enable-ingress-controller", "").lower() == "true"
    classes = {name for name, by in facts.ingress_controllers.items() if by == _CILIUM}
    if switched_on and not classes:
        classes = {"cilium"}
    used = [
        each
        for each in facts.manifests.of("Ingress")
        if text(each.data, "spec", "ingressClassName") in classes
        or each.annotations.get(_CLASS_ANNOTATION) in classes
    ]
    if used:
        because = f"{used[0]} is of Cilium's class, whose identity is `ingress`"
        yield FoundGateway("Cilium's Ingress", because, BY_CILIUM)
    elif switched_on:
        because = "Cilium's ConfigMap says enable-ingress-controller: true"
        yield FoundGateway("Cilium's Ingress", because, BY_CILIUM)


def tunnels(facts: ClusterFacts) -> Iterator[FoundGateway]:
    """Clients of tunnels, which call a gateway, or the apps themselves: only their owner knows."""
    for component in facts.components:
        if component.is_named(*_TUNNELS) or component.runs("cloudflare/cloudflared"):
            yield _tunnel(component, "external")
        elif _TAILSCALE in component.labels:
            yield _tunnel(component, "internal")


def _tunnel(component: Component, which: str) -> FoundGateway:
    key = next((key for key in (_NAME, "app", _TAILSCALE) if key in component.labels), "")
    labels = f", podLabels: {{{key}: {component.labels[key]}}}" if key else ""
    return FoundGateway(
        str(component),
        "",
        None,
        question=f"{component} is a tunnel's client. Does it call the apps itself, and not a"
        f" gateway above? Then add to gateways.{which}:"
        f" {{namespace: {component.namespace}{labels}}}",
    )


def _is(component: Component, controller: Controller) -> bool:
    named = component.is_named(*controller.names)
    if not named and not (controller.images and component.runs(*controller.images)):
        return False
    if controller.component and component.labels.get(_COMPONENT) not in (
        None,
        controller.component,
    ):
        return False
    return component.kind not in ("Job", "CronJob")


def _gateway(facts: ClusterFacts, component: Component, controller: Controller) -> FoundGateway:
    labels = {key: component.labels[key] for key in controller.keys if key in component.labels}
    for key in ("app", _INSTANCE, "k8s-app"):
        if not labels and key in component.labels:
            labels[key] = component.labels[key]
    alike = [
        each
        for each in facts.within(component.namespace)
        if each != component and labels.items() <= each.labels.items() and _is(each, controller)
    ]
    # Two installations that these labels do not tell apart.
    if alike and _INSTANCE in component.labels:
        labels[_INSTANCE] = component.labels[_INSTANCE]
    services = facts.services_of(component)
    classes = [
        argument.partition("=")[2]
        for argument in component.arguments
        if argument.startswith(("--ingress-class=", "--controller-class="))
    ]
    names = (component.labels.get(_INSTANCE, ""), component.name, *classes, component.namespace)
    side = side_of(names, [address for each in services for address in each.outside])
    peer = {"namespace": component.namespace, "podLabels": labels or dict(component.labels)}
    others = [each for each in facts.components if _is(each, controller) and each != component]
    title = f"{controller.title} ({component.name})" if others else controller.title
    return of_pods(facts, [component], peer, title, side)
