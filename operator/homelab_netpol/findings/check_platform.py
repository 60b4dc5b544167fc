"""Platform namespaces: joins what is known of each, and of those that depend on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

from homelab_netpol.cilium.evaluation import Outcome, Pod, egress_verdict
from homelab_netpol.findings.clients import App, dns_findings, gateway_findings
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.known_peers import known_peers
from homelab_netpol.findings.needs import Port, Surroundings
from homelab_netpol.findings.platform import is_in_mesh, platform_findings
from homelab_netpol.findings.tunnel import tunnel_findings
from homelab_netpol.intent import GATEWAYS


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the platform namespaces whose policies drop what must flow."""
    settings = inspection.cache.catalogue.settings
    around = Surroundings(
        dns=known_peers(inspection, settings.dns.servers),
        scrapers=known_peers(inspection, settings.scrapers),
        ztunnel=known_peers(inspection, settings.mesh.ztunnel),
    )
    for name in inspection.namespaces:
        if inspection.is_platform(name):
            yield from _namespace(inspection, name, around)
        yield None
    for server in around.dns:
        for namespace in server.peer.namespaces:
            if inspection.is_platform(namespace):
                yield from dns_findings(
                    server.of(namespace),
                    inspection.selecting(namespace),
                    _every_pod(inspection),
                    partial(_sends, inspection),
                    settings,
                )
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
    for which in GATEWAYS:
        for gateway in known_peers(inspection, settings.gateways.of(which)):
            for namespace in gateway.peer.namespaces:
                if inspection.is_platform(namespace):
                    policies = inspection.selecting(namespace)
                    apps = _apps(inspection, which, namespace)
                    yield from gateway_findings(which, gateway.of(namespace), policies, apps)


def _apps(inspection: Inspection, which: str, gateways: str) -> Iterator[App | None]:
    """The namespaces whose profile lets a gateway in, which is in the namespace `gateways`."""
    cache, mesh = inspection.cache, inspection.cache.catalogue.settings.mesh
    gateways_meshed = cache.namespaces.is_meshed(gateways)
    for name in sorted(inspection.namespaces):
        intent = cache.intents.get(name)
        if intent is None or not cache.planner.gateways.lets_in(which, intent):
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


def _every_pod(inspection: Inspection) -> Iterator[Pod]:
    for name in sorted(inspection.snapshot.pods):
        yield from inspection.pods(name)


def _pods_in_mesh(inspection: Inspection, names: Collection[str] | None) -> Iterator[Pod]:
    settings = inspection.cache.catalogue.settings
    for name in sorted(inspection.snapshot.pods if names is None else names):
        if inspection.cache.namespaces.is_meshed(name):
            yield from (pod for pod in inspection.pods(name) if is_in_mesh(pod, settings))
