"""Which Services gateways and the API server lead to, by the objects that say so. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homelab_netpol.detect.api_server import called_services
from homelab_netpol.manifests import Manifest, ManifestSet
from homelab_netpol.shapes import mapping, mappings, text

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
    for manifest, service in called_services(manifests):
        namespace, name = text(service, "namespace"), text(service, "name")
        if namespace and name:
            port = service.get("port")
            number = port if isinstance(port, int) else _HTTPS
            yield Route(str(manifest), namespace, name, number)


def _of_ingress(ingress: Manifest) -> Iterator[Route]:
    spec = mapping(ingress.data, "spec")
    backends = [mapping(spec, "defaultBackend")]
    for rule in mappings(spec, "rules"):
        paths = mappings(rule, "http", "paths")
        backends += [mapping(each, "backend") for each in paths]
    for backend in backends:
        service = mapping(backend, "service")
        port = mapping(service, "port")
        if text(service, "name"):
            number = port.get("number")
            by = number if isinstance(number, int) else text(port, "name") or None
            yield Route(str(ingress), ingress.namespace, text(service, "name"), by)


def _of_route(route: Manifest) -> Iterator[Route]:
    spec = mapping(route.data, "spec")
    gateways = frozenset(
        f"Gateway {text(each.get('namespace')) or route.namespace}/{text(each.get('name'))}"
        for each in mappings(spec, "parentRefs")
        if each.get("kind", "Gateway") == "Gateway"
    )
    for rule in mappings(spec, "rules"):
        for backend in mappings(rule, "backendRefs"):
            if backend.get("kind", "Service") == "Service" and text(backend, "name"):
                port = backend.get("port")
                yield Route(
                    str(route),
                    text(backend, "namespace") or route.namespace,
                    text(backend, "name"),
                    port if isinstance(port, int) else None,
                    gateways,
                )
