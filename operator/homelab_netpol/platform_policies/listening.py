"""On which ports pods listen, as far as manifests say: containers, probes, Services. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from homelab_netpol.cilium.terms import LAST_PORT, TRANSPORT_PROTOCOLS
from homelab_netpol.findings.needs import Port
from homelab_netpol.manifests import ManifestSet, kinds
from homelab_netpol.manifests.workloads import Workload, template_of
from homelab_netpol.shapes import field, mapping, mappings

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE_KINDS = ("httpGet", "tcpSocket", "grpc")
_METRICS = ("metrics", "prom")
_METRICS_PORT = "prometheus.io/port"


@dataclass(frozen=True, slots=True)
class ListeningPort:
    """A port that pods listen on.

    Attributes:
        port: protocol and number.
        where: what says so, in words.
        metrics: it has metrics, by its name or an annotation.
        service: a Service leads to it.
    """

    port: Port
    where: str
    metrics: bool = False
    service: bool = False


def listening_ports(manifests: ManifestSet, workloads: Sequence[Workload]) -> list[ListeningPort]:
    """All ports of some workloads, in the order of their numbers, each once."""
    found: dict[Port, ListeningPort] = {}
    for workload in workloads:
        for one in (*_declared(workload), *_of_services(manifests, workload)):
            known = found.get(one.port, one)
            found[one.port] = ListeningPort(
                one.port,
                known.where,
                known.metrics or one.metrics,
                known.service or one.service,
            )
    return sorted(found.values(), key=lambda each: (each.port[1], each.port[0]))


def _declared(workload: Workload) -> Iterator[ListeningPort]:
    for port in workload.ports:
        if port.protocol in TRANSPORT_PROTOCOLS and _is_port(port.number):
            name = f" {port.name}" if port.name else ""
            is_metrics = any(word in str(port.name) for word in _METRICS)
            where = f"{workload.kind} {workload.name}{name}"
            yield ListeningPort((port.protocol, port.number), where, is_metrics)
    template = template_of(workload.manifest)
    annotated = str(mapping(template, "metadata", "annotations").get(_METRICS_PORT, ""))
    if annotated.isascii() and annotated.isdigit() and _is_port(int(annotated)):
        where = f"{workload.kind} {workload.name} ({_METRICS_PORT})"
        yield ListeningPort(("TCP", int(annotated)), where, metrics=True)
    for container in mappings(template, "spec", "containers"):
        for probe in _PROBES:
            for kind in _PROBE_KINDS:
                number = field(container, probe, kind, "port")
                # One given by its name is a declared one.
                if _is_port(number):
                    where = f"{workload.kind} {workload.name} {probe}"
                    yield ListeningPort(("TCP", number), where)


def _of_services(manifests: ManifestSet, workload: Workload) -> Iterator[ListeningPort]:
    for service in manifests.of(kinds.SERVICE):
        selector = mapping(service.data, "spec", "selector")
        if service.namespace != workload.namespace or not selector:
            continue
        if not selector.items() <= dict(workload.labels).items():
            continue
        for one in mappings(service.data, "spec", "ports"):
            protocol = one.get("protocol", "TCP")
            given_target = one.get("targetPort", one.get("port"))
            named = (each.number for each in workload.ports if each.name == given_target)
            target = next(named, None) if isinstance(given_target, str) else given_target
            if protocol in TRANSPORT_PROTOCOLS and _is_port(target):
                is_metrics = any(word in str(one.get("name", "")) for word in _METRICS)
                where = f"Service {service.name}"
                yield ListeningPort((protocol, target), where, is_metrics, service=True)


def _is_port(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LAST_PORT
