"""What a platform namespace is there for: Services are reached, the hatch works. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import (
    Direction,
    Endpoint,
    Entity,
    Outcome,
    Pod,
    ReadPolicy,
    egress_verdict,
)
from homelab_netpol.cilium.evaluation.endpoint import Network
from homelab_netpol.cilium.evaluation.matchers import Cidr, Entities, Matcher
from homelab_netpol.cilium.evaluation.policy import Rule
from homelab_netpol.cilium.evaluation.verdict import judge
from homelab_netpol.findings.clients import App, dns_findings, gateway_findings
from homelab_netpol.findings.denials import DeniedNamespace, DenyRules
from homelab_netpol.findings.drops import PodGroup, PodGroups
from homelab_netpol.findings.needs import Port
from homelab_netpol.findings.places import Places
from homelab_netpol.findings.platform import is_in_mesh
from homelab_netpol.findings.tunnel import tunnel_findings
from homelab_netpol.intent import GATEWAYS
from homelab_netpol.manifests.workloads import Workload
from homelab_netpol.platform_policies.listening import listening_ports
from homelab_netpol.platform_policies.own_pods import one_sided_rules
from homelab_netpol.platform_policies.required import Requirements
from homelab_netpol.platform_policies.results import RuleResult, RuleState
from homelab_netpol.platform_policies.surroundings import (
    Looked,
    example_of,
    is_one_of,
    known_peers,
)
from homelab_netpol.policy.plan import Planner


def service_rules(
    model: ClusterModel, requirements: Requirements, looked: Looked
) -> Iterator[RuleResult]:
    """Looks at what a namespace offers, and at the hatch.

    Args:
        model: the cluster.
        requirements: whom it must let in anyway.
        looked: the namespace.
    """
    yield from _services(model, requirements, looked)
    yield from one_sided_rules(looked)
    yield from _messages(model, requirements, looked)
    yield _hatch(model, looked)


def _services(
    model: ClusterModel, requirements: Requirements, looked: Looked
) -> Iterator[RuleResult]:
    closed: dict[Port, str] = {}
    offered = False
    for workload in model.workloads.get(looked.namespace, ()):
        if workload.host_network:
            continue
        for one in listening_ports(model.manifests, [workload]):
            # Whom metrics are for is asked elsewhere.
            if one.service and not one.metrics:
                offered = True
                if not _lets_in(model, requirements, workload, looked.every, one.port):
                    closed[one.port] = one.where
    if offered and not closed:
        yield RuleResult("Service", "ingress", "its clients", "", RuleState.OK)
    for (protocol, number), where in closed.items():
        on = f"{protocol} {number}"
        ports = [{"ports": [{"port": str(number), "protocol": protocol}]}]
        yield RuleResult(
            "Service",
            "ingress",
            "its clients",
            on,
            RuleState.MISSING,
            f"{where} leads to {on}, and no rule lets in who would call it.",
            add={"ingress": [{"fromEndpoints": [{}], "toPorts": ports}]},
        )


def _lets_in(
    model: ClusterModel,
    requirements: Requirements,
    workload: Workload,
    policies: Sequence[ReadPolicy],
    port: Port,
) -> bool:
    """Whether anyone beside those who must be let in anyway may reach a port, or perhaps may."""
    groups = PodGroups(policies, Direction.INGRESS)
    groups.add(model.pod(workload))
    protocol, number = port
    for group in groups.closed():
        covering = [
            one.rule
            for one in group.rules
            if one.rule.allows and one.rule.covers(number, protocol) is not False
        ]
        return any(
            _may_pass(group, end, port)
            for rule in covering
            for end in _examples(model, requirements, rule, workload.namespace)
        )
    return True


def _may_pass(group: PodGroup, end: Endpoint, port: Port) -> bool:
    return judge(group.question(port), end).outcome is not Outcome.DENIED


def _examples(
    model: ClusterModel, requirements: Requirements, rule: Rule, namespace: str
) -> Iterator[Endpoint]:
    """Of each kind of peer of a rule one, if it is not one that must be let in anyway."""
    settings = requirements.settings
    expected = [*settings.scrapers, *settings.mesh.ztunnel]
    probes = {str(cidr) for peer in settings.probes for cidr in peer.cidrs}
    probes |= set(settings.mesh.probe_cidrs)
    for matcher in rule.peers:
        if isinstance(matcher, Entities):
            yield from (Entity(name) for name in sorted(matcher.names) if _is_client(name))
        elif isinstance(matcher, Cidr):
            if str(matcher.network) not in probes:
                yield Network(matcher.network)
        else:
            yield from _example_pods(model, matcher, namespace, expected)


def _example_pods(
    model: ClusterModel, matcher: Matcher, namespace: str, expected: Sequence[Any]
) -> Iterator[Endpoint]:
    pod = example_of(model, matcher, namespace)
    if pod is not None and not is_one_of(pod, expected):
        yield pod


def _is_client(entity: str) -> bool:
    return entity not in ("health", "host", "none", "init")


def _messages(
    model: ClusterModel, requirements: Requirements, looked: Looked
) -> Iterator[RuleResult]:
    """What the operator's own inspection finds, beside what every pod needs."""
    settings = requirements.settings
    namespace, every = looked.namespace, looked.every

    def in_mesh(names: Collection[str] | None) -> Iterator[Pod]:
        for name in sorted(model.namespaces if names is None else names):
            intent = model.desired.intents.get(name)
            if intent is not None and intent.meshed:
                yield from (each for each in model.pods(name) if is_in_mesh(each, settings))

    def sends(client: Pod, dns: Pod, port: Port) -> bool:
        verdict = egress_verdict(model.policies(client.namespace), client, dns, port[1], port[0])
        return verdict.outcome is Outcome.ALLOWED

    if looked.meshed:
        refs = {policy.ref for policy in looked.own}
        for finding in tunnel_findings(namespace, looked.pods, every, refs, settings, in_mesh):
            if finding is not None:
                yield RuleResult(
                    "HBONE", "", "peers of its own rules", "", RuleState.MISSING, finding.message
                )
    if not model.workloads.get(namespace):
        return
    for server in requirements.dns:
        answering = server.of(namespace)
        if not answering.pods:
            continue
        clients = (pod for name in sorted(model.namespaces) for pod in model.pods(name))
        messages = [
            each.message
            for each in dns_findings(answering, every, clients, sends, settings)
            if each is not None
        ]
        yield from _of(messages, "DNS service", "ingress", "every pod")
    for which in GATEWAYS:
        for gateway in known_peers(model, settings.gateways.of(which)):
            if gateway.of(namespace).pods:
                apps = _apps(model, requirements, which, namespace)
                found = gateway_findings(which, gateway.of(namespace), every, apps)
                messages = [each.message for each in found if each is not None]
                yield from _of(messages, f"Gateway {which}", "egress", "apps that let it in")


def _of(messages: Sequence[str], rule: str, direction: str, peer: str) -> Iterator[RuleResult]:
    if not messages:
        yield RuleResult(rule, direction, peer, "", RuleState.OK)
    for message in messages:
        yield RuleResult(rule, direction, peer, "", RuleState.MISSING, message)


def _apps(
    model: ClusterModel, requirements: Requirements, which: str, gateways: str
) -> Iterator[App]:
    """The namespaces whose profile lets a gateway in, which is in the namespace `gateways`."""
    intents, mesh = model.desired.intents, requirements.settings.mesh
    planner = Planner(model.desired.catalogue)
    for name, intent in sorted(intents.items()):
        if planner.gateways.lets_in(which, intent):
            yield App(
                namespace=name,
                pods=tuple(model.pods(name)),
                ports=intent.gateway_ports or (),
                tunnel=mesh.port if intent.meshed else None,
                only_by_tunnel=intent.meshed and intents[gateways].meshed,
            )


def _hatch(model: ClusterModel, looked: Looked) -> RuleResult:
    places = Places()
    for name, labels in model.namespaces.items():
        places.add(name, labels, [pod.labels for pod in model.pods(name)])
    denied = DeniedNamespace(
        looked.namespace,
        model.namespaces[looked.namespace],
        [pod.labels for pod in looked.pods],
        [policy for policy in looked.every if policy.may_overrule],
    )
    words = DenyRules(places).in_words(denied)
    if not words:
        return RuleResult("Hatch", "", "everyone", "", RuleState.OK)
    message = f"Deny rules win over the escape hatch: {words}. Narrow or delete them."
    return RuleResult("Hatch", "", "everyone", "", RuleState.MISSING, message)
