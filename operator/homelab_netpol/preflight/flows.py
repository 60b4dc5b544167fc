"""Connections that objects of the cluster speak of: would the policies of a profile deny them?

Services of load balancers, routes of gateways, webhooks. What a policy denies today is not cut off
by the operator; what is uncertain is a warning at the most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation import (
    Endpoint,
    Entity,
    Network,
    Outcome,
    Pod,
    ingress_verdict,
)
from homelab_netpol.detect.facts import ClusterFacts, resolved
from homelab_netpol.detect.gateway import FoundGateway
from homelab_netpol.detect.objects import Component, Service, ServicePort
from homelab_netpol.findings.finding import join_words
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.preflight.problem import Problem, Severity
from homelab_netpol.preflight.routes import Route, routes, webhooks
from homelab_netpol.preflight.stages import Stages

DIRECT, ROUTED, CALLED = "load-balancer", "gateway", "webhook"
_FRONTS = ("LoadBalancer", "NodePort")
# Kept for documentation (RFC 5737): no policy means it in particular.
_INTERNET = ip_network("203.0.113.0/24")


@dataclass(frozen=True, slots=True)
class _Target:
    """A port of pods, as a Service leads to it."""

    pod: Pod
    port: int
    protocol: str


def check(
    stages: Stages, facts: ClusterFacts, gateways: Sequence[FoundGateway]
) -> Iterator[Problem]:
    """What would be denied of that which comes in from outside."""
    governed = {name for name in stages.before.namespaces if _is_governed(stages, name)}
    fronts = {pod for gateway in gateways for pod in map(str, gateway.pods)}
    by_name = {(each.namespace, each.name): each for each in facts.services}
    yield from _direct(stages, facts, governed, fronts)
    for route in routes(facts.manifests):
        service = by_name.get((route.namespace, route.service))
        if service is not None and service.namespace in governed:
            yield from _routed(stages, facts, route, service, gateways)
    for hook in webhooks(facts.manifests):
        service = by_name.get((hook.namespace, hook.service))
        if service is not None and service.namespace in governed:
            yield from _called(stages, facts, hook, service)


def _is_governed(stages: Stages, name: str) -> bool:
    """A profile is in force there; namespaces without one are reported as a whole."""
    intent = stages.cache.intents.get(name)
    return (
        intent is not None
        and intent.profile is not None
        and not intent.platform
        and not intent.hatch_open
    )


def _direct(
    stages: Stages, facts: ClusterFacts, governed: set[str], fronts: set[str]
) -> Iterator[Problem]:
    """Clients of the home network and the internet, to Services that take them in themselves."""
    clients = _outside(stages)
    keys = stages.cache.catalogue.vocabulary
    for service in facts.services:
        if service.namespace not in governed or service.kind not in _FRONTS:
            continue
        if any(str(each) in fronts for each in facts.behind(service)):
            continue
        cut = _cut(stages, facts, service, service.ports, clients)
        if cut:
            ports = _ports(cut)
            listed = ",".join(sorted({_as_listed(each) for each in cut}))
            yield Problem(
                Severity.CUT_OFF,
                DIRECT,
                service.namespace,
                f"The {service.kind} {service.name} leads clients from outside to {ports} of its"
                f" pods, which the profile {_profile(stages, service.namespace)} denies.",
                f"kubectl annotate namespace {service.namespace} {keys.lan_ports_key}={listed} (or"
                f" {keys.world_ports_key} for the internet).",
            )


def _outside(stages: Stages) -> list[Endpoint]:
    """Networks of which clients come; of the internet a part that stands for the rest."""
    lan = [ip_network(cidr) for cidr in stages.settings.lan.cidrs]
    probes = [ip_network(cidr) for peer in stages.settings.probes for cidr in peer.cidrs]
    # Of a network that holds a prober's, something is always allowed.
    clients = [
        each
        for each in lan
        if not any(each.version == probe.version and each.overlaps(probe) for probe in probes)
    ]
    return [Network(each) for each in (*clients, _INTERNET)]


def _routed(
    stages: Stages,
    facts: ClusterFacts,
    route: Route,
    service: Service,
    gateways: Sequence[FoundGateway],
) -> Iterator[Problem]:
    meant = [each for each in gateways if each.name in route.gateways] or list(gateways)
    clients = [end for each in meant for end in _ends(stages, each)]
    ports = [each for each in service.ports if route.port in (None, each.number, each.name)]
    cut = _cut(stages, facts, service, ports, clients) if clients else []
    if cut:
        names = join_words(list(dict.fromkeys(each.name for each in meant)))
        yield Problem(
            Severity.CUT_OFF,
            ROUTED,
            service.namespace,
            f"{route.said_by} leads requests of {names} to {_ports(cut)} of {service.name}'s pods,"
            f" which the profile {_profile(stages, service.namespace)} denies.",
            "Choose a profile with that gateway (internal or standard), or name it in the setting"
            " gateways.",
        )


def _called(
    stages: Stages, facts: ClusterFacts, hook: Route, service: Service
) -> Iterator[Problem]:
    ports = [each for each in service.ports if hook.port in (None, each.number)]
    clients: list[Endpoint] = [Entity("kube-apiserver")]
    cut = _cut(stages, facts, service, ports, clients)
    # Rules for networks may mean the API server as well, by where it is.
    perhaps = [] if cut else _cut(stages, facts, service, ports, clients, certain=False)
    if cut or perhaps:
        key = stages.cache.catalogue.vocabulary.webhooks_key
        denies = "denies" if cut else "denies, unless a rule for networks lets it in"
        yield Problem(
            Severity.CUT_OFF if cut else Severity.WARNING,
            CALLED,
            service.namespace,
            f"{hook.said_by}: the API server calls {_ports(cut or perhaps)} of {service.name}'s"
            f" pods, which the profile {_profile(stages, service.namespace)} {denies}.",
            f"kubectl label namespace {service.namespace} {key}=allow.",
        )


def _cut(
    stages: Stages,
    facts: ClusterFacts,
    service: Service,
    ports: Sequence[ServicePort],
    clients: Sequence[Endpoint],
    *,
    certain: bool = True,
) -> list[_Target]:
    """The targets that some client may reach today, and none of them (certainly) afterwards."""
    shut = {Outcome.DENIED} if certain else {Outcome.DENIED, Outcome.UNKNOWN}
    found = []
    for target in _targets(stages, facts, service, ports):
        today = {_outcome(stages.before, target, client) for client in clients}
        if today != {Outcome.DENIED} and all(
            _outcome(stages.after, target, client) in shut for client in clients
        ):
            found.append(target)
    return found


def _targets(
    stages: Stages, facts: ClusterFacts, service: Service, ports: Sequence[ServicePort]
) -> Iterator[_Target]:
    for component in facts.behind(service):
        if component.host_network:
            continue
        pod = _pod(stages, component)
        for port in ports:
            for number in resolved(port, [component]):
                yield _Target(pod, number, port.protocol)


def _outcome(stage: Inspection, target: _Target, client: Endpoint) -> Outcome:
    policies = stage.selecting(target.pod.namespace)
    return ingress_verdict(policies, target.pod, client, target.port, target.protocol).outcome


def _pod(stages: Stages, component: Component) -> Pod:
    labels: Mapping[str, str] | None = stages.cache.namespaces.labels(component.namespace)
    seen = stages.before.identity_labels
    return Pod(component.namespace, labels, component.labels, identity_labels=seen)


def _ends(stages: Stages, gateway: FoundGateway) -> list[Endpoint]:
    """A gateway as Cilium knows it; nothing: that is not known."""
    peer = gateway.peer or {}
    entities = peer.get("entities")
    if isinstance(entities, list):
        return [Entity(str(each)) for each in entities]
    return [_pod(stages, each) for each in gateway.pods]


def _profile(stages: Stages, namespace: str) -> str:
    intent = stages.cache.intents.get(namespace)
    return intent.profile or "" if intent is not None else ""


def _ports(targets: Sequence[_Target]) -> str:
    return join_words(sorted({f"{each.protocol} {each.port}" for each in targets}))


def _as_listed(target: _Target) -> str:
    """As annotations list a port."""
    return str(target.port) if target.protocol == "TCP" else f"{target.port}/{target.protocol}"
