"""The DNS names under which the cluster is reached from outside, and where they lead.

Gateways, their routes, Ingresses, and Services with external-dns' annotation say them. Whether a
name leads to the cluster, its DNS decides: where that can be asked, its answer counts.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from homelab_netpol.cluster.optional import OptionalLists
from homelab_netpol.cluster.services import (
    TARGET_ANNOTATION,
    IpAddress,
    ObservedService,
    addresses_of,
    normal_name,
    published_names,
)

_GATEWAY_API = "/apis/gateway.networking.k8s.io"
_GATEWAYS = [f"{_GATEWAY_API}/{version}/gateways" for version in ("v1", "v1beta1")]
_ROUTES = {
    "HTTPRoute": ("httproutes", ("v1", "v1beta1")),
    "GRPCRoute": ("grpcroutes", ("v1", "v1alpha2")),
    "TLSRoute": ("tlsroutes", ("v1", "v1alpha3", "v1alpha2")),
}
_INGRESSES = "/apis/networking.k8s.io/v1/ingresses"
_HTTP_PORTS = frozenset({80, 443})
_LOOKUP_SECONDS = 2.0
_MAX_LOOKUPS = 50


@dataclass(frozen=True, slots=True)
class PublicName:
    """A name under which something of the cluster is reached.

    Attributes:
        name: in lower case; it may begin with `*.`.
        said_by: the object that says so, for messages.
        ports: on which ports; empty: not known.
        leads_to: addresses, by DNS or by what the object's status says; None: neither says.
        gateway: namespace and name of the Gateway, if it is one's.
    """

    name: str
    said_by: str
    ports: frozenset[int] = frozenset()
    leads_to: frozenset[IpAddress] | None = None
    gateway: tuple[str, str] | None = None


class PublicNames:
    """Lists them, and keeps nothing."""

    def __init__(self, lists: OptionalLists) -> None:
        self._lists = lists

    async def read(
        self, services: Iterable[ObservedService], is_wanted: Callable[[str], bool]
    ) -> list[PublicName]:
        """The names that are wanted.

        Args:
            services: the Services of the cluster.
            is_wanted: whether a name is of interest.

        Raises:
            ApiError: the server did not answer.
        """
        found = [
            PublicName(name, str(service), frozenset(port.number for port in service.ports))
            for service in services
            for name in service.names
            if is_wanted(name)
        ]
        gateways: dict[tuple[str, str], dict[str, Any]] = {}
        async for item in self._lists.items("gateways", *_GATEWAYS):
            gateways[item["metadata"]["namespace"], item["metadata"]["name"]] = item
            found += (each for each in _of_gateway(item) if is_wanted(each.name))
        async for each in self._of_routes(gateways):
            if is_wanted(each.name):
                found.append(each)
        async for item in self._lists.items("ingresses", _INGRESSES):
            found += (each for each in _of_ingress(item) if is_wanted(each.name))
        return await _looked_up(found)

    async def _of_routes(
        self, gateways: Mapping[tuple[str, str], Mapping[str, Any]]
    ) -> AsyncIterator[PublicName]:
        for kind, (plural, versions) in _ROUTES.items():
            paths = [f"{_GATEWAY_API}/{version}/{plural}" for version in versions]
            async for item in self._lists.items(plural, *paths):
                names = _given((item.get("spec") or {}).get("hostnames"))
                for gateway in _parents(item) & gateways.keys() if names else ():
                    by = _named(kind, item["metadata"])
                    for name in names:
                        yield _at_gateway(name, by, gateways[gateway])


def _of_gateway(gateway: Mapping[str, Any]) -> Iterator[PublicName]:
    listeners = (gateway.get("spec") or {}).get("listeners") or ()
    names = _given(each.get("hostname") for each in listeners)
    for name in dict.fromkeys((*names, *published_names(gateway["metadata"]))):
        yield _at_gateway(name, _named("Gateway", gateway["metadata"]), gateway)


def _at_gateway(name: str, said_by: str, gateway: Mapping[str, Any]) -> PublicName:
    metadata, spec = gateway["metadata"], gateway.get("spec") or {}
    ports = frozenset(each["port"] for each in spec.get("listeners") or ())
    stated = [
        each.get("value", "") for each in (gateway.get("status") or {}).get("addresses") or ()
    ]
    leads_to = _leads_to(metadata, stated)
    return PublicName(name, said_by, ports, leads_to, (metadata["namespace"], metadata["name"]))


def _of_ingress(ingress: Mapping[str, Any]) -> Iterator[PublicName]:
    metadata, spec = ingress["metadata"], ingress.get("spec") or {}
    balancer = (ingress.get("status") or {}).get("loadBalancer") or {}
    stated = [each.get("ip") or each.get("hostname", "") for each in balancer.get("ingress") or ()]
    names = _given(rule.get("host") for rule in spec.get("rules") or ())
    for name in dict.fromkeys((*names, *published_names(metadata))):
        yield PublicName(
            name, _named("Ingress", metadata), _HTTP_PORTS, _leads_to(metadata, stated)
        )


def _leads_to(metadata: Mapping[str, Any], stated: list[str]) -> frozenset[IpAddress] | None:
    target = (metadata.get("annotations") or {}).get(TARGET_ANNOTATION)
    said = target.split(",") if target else stated
    return frozenset(addresses_of(each.strip() for each in said)) if said else None


def _parents(route: Mapping[str, Any]) -> set[tuple[str, str]]:
    own = route["metadata"]["namespace"]
    return {
        (each.get("namespace", own), each["name"])
        for each in (route.get("spec") or {}).get("parentRefs") or ()
        if each.get("kind", "Gateway") == "Gateway"
    }


def _given(names: Iterable[str | None] | None) -> tuple[str, ...]:
    return tuple(normal_name(name) for name in names or () if name)


def _named(kind: str, metadata: Mapping[str, Any]) -> str:
    return f"{kind} {metadata['name']} in {metadata['namespace']}"


async def _looked_up(found: list[PublicName]) -> list[PublicName]:
    """The same, with what the cluster's DNS answers, where it does."""
    names = list(dict.fromkeys(each.name for each in found if "*" not in each.name))
    answers: dict[str, frozenset[IpAddress] | None] = {}
    for name in names[:_MAX_LOOKUPS]:
        try:
            answers[name] = await _look_up(name)
        except TimeoutError:
            break  # DNS does not answer, and each question would hold up a thread
    return [
        each if (answer := answers.get(each.name)) is None else replace(each, leads_to=answer)
        for each in found
    ]


async def _look_up(name: str) -> frozenset[IpAddress] | None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOKUP_SECONDS):
            answers = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise
    except (OSError, UnicodeError):
        return None
    return frozenset(addresses_of(str(answer[4][0]) for answer in answers)) or None
