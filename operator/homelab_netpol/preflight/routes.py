"""Which Services gateways and the API server lead to, by the objects that say so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.detect.shapes import mapping, mappings, text
from homelab_netpol.manifests import Manifest, ManifestSet

_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Route:
    """A way to a Service.

    Attributes:
        said_by: the object that says so.
        namespace: of the Service.
        service: its name.
        port: its port, by number or name; None: any.
        gateways: by which Gateways; empty: by any, or none.
    """

    said_by: str
    namespace: str
    service: str
    port: int | str | None = None
    gateways: frozenset[str] = frozenset()


def routes(manifests: ManifestSet) -> Iterator[Route]:
    """Those of Ingresses and HTTPRoutes, each once."""
    found: dict[Route, None] = {}
    for ingress in manifests.of("Ingress"):
        found |= dict.fromkeys(_of_ingress(ingress))
    for route in manifests.of("HTTPRoute"):
        found |= dict.fromkeys(_of_route(route))
    yield from found


def webhooks(manifests: ManifestSet) -> Iterator[Route]:
    """Those that the API server calls."""
    for kind in _WEBHOOKS:
        for each in manifests.of(kind):
            for webhook in mappings(each.data.get("webhooks")):
                service = mapping(mapping(webhook.get("clientConfig")).get("service"))
                yield from _of_api_server(each, service)
    for each in manifests.of("APIService"):
        yield from _of_api_server(each, mapping(mapping(each.data.get("spec")).get("service")))


def _of_api_server(manifest: Manifest, service: Mapping[str, Any]) -> Iterator[Route]:
    namespace, name, port = service.get("namespace"), service.get("name"), service.get("port")
    if text(namespace) and text(name):
        number = port if isinstance(port, int) else _HTTPS
        yield Route(str(manifest), text(namespace), text(name), number)


def _of_ingress(ingress: Manifest) -> Iterator[Route]:
    spec = mapping(ingress.data.get("spec"))
    backends = [mapping(spec.get("defaultBackend"))]
    for rule in mappings(spec.get("rules")):
        paths = mappings(mapping(rule.get("http")).get("paths"))
        backends += [mapping(each.get("backend")) for each in paths]
    for backend in backends:
        service = mapping(backend.get("service"))
        port = mapping(service.get("port"))
        if text(service.get("name")):
            number = port.get("number")
            by = number if isinstance(number, int) else text(port.get("name")) or None
            yield Route(str(ingress), ingress.namespace, text(service.get("name")), by)


def _of_route(route: Manifest) -> Iterator[Route]:
    spec = mapping(route.data.get("spec"))
    gateways = frozenset(
        f"Gateway {text(each.get('namespace')) or route.namespace}/{text(each.get('name'))}"
        for each in mappings(spec.get("parentRefs"))
        if each.get("kind", "Gateway") == "Gateway"
    )
    for rule in mappings(spec.get("rules")):
        for backend in mappings(rule.get("backendRefs")):
            if backend.get("kind", "Service") == "Service" and text(backend.get("name")):
                port = backend.get("port")
                yield Route(
                    str(route),
                    text(backend.get("namespace")) or route.namespace,
                    text(backend.get("name")),
                    port if isinstance(port, int) else None,
                    gateways,
                )
