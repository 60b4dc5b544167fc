"""Platform namespaces: joins what is known of each, and of those that depend on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial

from homelab_netpol.cilium.evaluation import Outcome, Pod, egress_verdict
from homelab_netpol.findings.clients import App, dns_findings, gateway_findings
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.needs import Port, Surroundings
from homelab_netpol.findings.platform import is_in_mesh, platform_findings
from homelab_netpol.findings.targets import carries
from homelab_netpol.findings.tunnel import tunnel_findings
from homelab_netpol.policy.keys import GATEWAYS


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the platform namespaces whose policies drop what must flow."""
    settings = inspection.cache.catalogue.settings
    dns, prometheus, mesh = settings.dns, settings.prometheus, settings.mesh
    around = Surroundings(
        dns=_pods(inspection, dns.namespace, dns.labels),
        prometheus=_pods(inspection, prometheus.namespace, prometheus.labels),
        ztunnel=_pods(inspection, mesh.ztunnel.namespace, mesh.ztunnel.labels),
    )
    for name in inspection.namespaces:
        if inspection.is_platform(name):
            yield from _namespace(inspection, name, around)
        yield None
    if inspection.is_platform(dns.namespace):
        yield from dns_findings(
            around.dns,
            inspection.selecting(dns.namespace),
            _every_pod(inspection),
            partial(_sends, inspection),
            settings,
        )
    if inspection.is_platform(settings.gateways.namespace):
        yield from _gateways(inspection)


def _namespace(inspection: Inspection, name: str, around: Surroundings) -> Iterator[Finding | None]:
    settings = inspection.cache.catalogue.settings
    meshed = inspection.cache.namespaces.is_meshed(name)
    pods, policies = inspection.pods(name), inspection.selecting(name)
    yield from platform_findings(name, pods, policies, settings, around, meshed=meshed)
    if meshed:
        by_hand = {policy.ref for policy in inspection.snapshot.policies.get(name, ())}
        in_mesh = partial(_pods_in_mesh, inspection)
        yield from tunnel_findings(name, pods, policies, by_hand, settings, in_mesh)


def _gateways(inspection: Inspection) -> Iterator[Finding | None]:
    settings = inspection.cache.catalogue.settings
    gateways = settings.gateways
    policies = inspection.selecting(gateways.namespace)
    for which, value in zip(GATEWAYS, (gateways.internal, gateways.external), strict=True):
        pods = _pods(inspection, gateways.namespace, {gateways.label: value})
        yield from gateway_findings(which, pods, policies, _apps(inspection, which), settings)


def _apps(inspection: Inspection, which: str) -> Iterator[App | None]:
    """The namespaces whose profile lets a gateway in."""
    cache, mesh = inspection.cache, inspection.cache.catalogue.settings.mesh
    gateways_meshed = cache.namespaces.is_meshed(cache.catalogue.settings.gateways.namespace)
    for name in sorted(inspection.namespaces):
        intent = cache.intents.get(name)
        if intent is None or not cache.planner.lets_in(which, intent):
            yield None
            continue
        yield App(
            namespace=name,
            pods=inspection.pods(name),
            ports=intent.gateway_ports or (),
            tunnel=mesh.port if intent.meshed else None,
            only_by_tunnel=intent.meshed and gateways_meshed,
        )


def _sends(inspection: Inspection, client: Pod, dns: Pod, port: Port) -> bool:
    """Whether a client's own policies certainly let it ask."""
    protocol, number = port
    policies = inspection.selecting(client.namespace)
    return egress_verdict(policies, client, dns, number, protocol).outcome is Outcome.ALLOWED


def _pods(inspection: Inspection, namespace: str, labels: Mapping[str, str]) -> tuple[Pod, ...]:
    return tuple(pod for pod in inspection.pods(namespace) if carries(pod.labels, labels))


def _every_pod(inspection: Inspection) -> Iterator[Pod]:
    for name in sorted(inspection.snapshot.pods):
        yield from inspection.pods(name)


def _pods_in_mesh(inspection: Inspection, names: Collection[str] | None) -> Iterator[Pod]:
    settings = inspection.cache.catalogue.settings
    for name in sorted(inspection.snapshot.pods if names is None else names):
        if inspection.cache.namespaces.is_meshed(name):
            yield from (pod for pod in inspection.pods(name) if is_in_mesh(pod, settings))
