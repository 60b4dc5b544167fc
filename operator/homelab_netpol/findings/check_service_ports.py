"""Ports that grants, annotations, NetworkProfiles and settings open, compared with Services'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from homelab_netpol.cluster.pods import ObservedPod
from homelab_netpol.definitions import CustomProfile
from homelab_netpol.findings.finding import Finding, FindingReason
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.known_peers import observed_pods
from homelab_netpol.findings.ports import GrantedPort, granted_ports, listed_ports
from homelab_netpol.findings.rule_ports import OpenedPeers, opened_by, peers_elsewhere
from homelab_netpol.findings.service_ports import describe, service_ports_opened
from homelab_netpol.findings.targets import carries
from homelab_netpol.findings.wanted import profiles_in_use, resources_in_use
from homelab_netpol.intent import WHOLE
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name
from homelab_netpol.settings import SharedResource


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the ports that are a Service's, where policies are about those of its pods."""
    yield from _dns(inspection)
    for name, resource in resources_in_use(inspection.cache).items():
        if resource.home is not None:
            for value, consumers in inspection.cache.intents.holding_by_value(name).items():
                yield from _grant(inspection, name, resource, resource.home, value, consumers)
        yield None
    for namespace in inspection.namespaces:
        yield from _gateways(inspection, namespace)
        yield from _straight(inspection, namespace)
        yield None
    for name, (custom, users) in profiles_in_use(inspection.cache).items():
        yield from _profile(inspection, name, custom, users)


def _grant(
    inspection: Inspection,
    name: str,
    resource: SharedResource,
    home: str,
    value: str,
    consumers: Iterable[str],
) -> Iterator[Finding]:
    opened, cache = granted_ports(resource.ports), inspection.cache
    pods = inspection.snapshot.targets.get(home)
    labels = resource.labels_of(value)
    chosen = [pod for pod in pods or () if carries(pod.labels, labels)]
    who, where = f"The grant {name}", f"in the shared resource {name}"
    plain = _message(inspection, opened, home, chosen, who, where)
    if plain is None:
        return
    # The tunnel carries TCP, whatever its port; which ones it may carry, Istio's policy says.
    others = [port for port in opened if port.protocol != "TCP"]
    in_tunnel = _message(inspection, others, home, chosen, who, where)
    part = "" if value == WHOLE else value
    by_istio = PolicyKey(Kind.AUTHORIZATION, home, policy_name(Component.GRANT, name, part))
    is_free = cache.namespaces.is_meshed(home) and cache.policies.get(by_istio) is None
    for consumer in consumers:
        message = in_tunnel if is_free and cache.namespaces.is_meshed(consumer) else plain
        if message is not None:
            yield Finding(FindingReason.SERVICE_PORT_OPENED, consumer, message)


def _gateways(inspection: Inspection, namespace: str) -> Iterator[Finding]:
    catalogue, intent = inspection.cache.catalogue, inspection.cache.intents.get(namespace)
    pods = inspection.snapshot.targets.get(namespace)
    if intent is None or not intent.gateway_ports or intent.profile is None or not pods:
        return
    # A gateway's tunnel to a pod in the mesh carries every port, unless Istio's policies say which.
    in_tunnel = intent.meshed and not catalogue.settings.mesh.authorization_policies
    profiles = catalogue.profiles
    if in_tunnel or not profiles.gateways_of(profiles.template_of(intent.profile)):
        return
    key = catalogue.vocabulary.gateway_ports_key
    opened = [GrantedPort(port) for port in intent.gateway_ports]
    who, where = f"The annotation {key}", "in the annotation"
    message = _message(inspection, opened, namespace, pods, who, where)
    if message is not None:
        yield Finding(FindingReason.SERVICE_PORT_OPENED, namespace, message)


def _straight(inspection: Inspection, namespace: str) -> Iterator[Finding]:
    """What comes in without a gateway: a load balancer's port is a Service's, too."""
    intent = inspection.cache.intents.get(namespace)
    pods = inspection.snapshot.targets.get(namespace)
    if intent is None or not pods:
        return
    words = inspection.cache.catalogue.vocabulary
    for key, listed in (
        (words.lan_ports_key, intent.lan_ports),
        (words.world_ports_key, intent.world_ports),
    ):
        who, where = f"The annotation {key}", "in the annotation"
        message = _message(inspection, listed_ports(listed), namespace, pods, who, where)
        if message is not None:
            yield Finding(FindingReason.SERVICE_PORT_OPENED, namespace, message)


def _profile(
    inspection: Inspection, name: str, custom: CustomProfile, users: Iterable[str]
) -> Iterator[Finding | None]:
    own = opened_by(custom.ingress)
    elsewhere = [_peers(inspection, name, peers) for peers in peers_elsewhere(custom.egress)]
    reported = [message for message in elsewhere if message is not None][:1]
    yield None
    for user in users:
        pods = inspection.snapshot.targets.get(user, ())
        who, where = f"The NetworkProfile {name}", f"in an ingress rule of {name}"
        # In the mesh its pods may be called through the tunnel, where Cilium sees no port.
        opened = () if inspection.cache.namespaces.is_meshed(user) else own
        message = _message(inspection, opened, user, pods, who, where)
        for each in (message, *reported):
            if each is not None:
                yield Finding(FindingReason.SERVICE_PORT_OPENED, user, each)
        yield None


def _peers(inspection: Inspection, name: str, peers: OpenedPeers) -> str | None:
    if inspection.cache.namespaces.is_meshed(peers.namespace):
        return None
    pods = inspection.snapshot.targets.get(peers.namespace, ())
    chosen = [pod for pod in pods if peers.selects(pod.labels)]
    who, where = f"The NetworkProfile {name}", f"in its egress rule for {peers.namespace}"
    return _message(inspection, peers.ports, peers.namespace, chosen, who, where)


def _dns(inspection: Inspection) -> Iterator[Finding]:
    dns = inspection.cache.catalogue.settings.dns
    opened = granted_ports(dns.ports)
    who, where = "The setting dns.ports", "in dns.ports"
    for server in dns.servers:
        chosen = observed_pods(inspection, server)
        for namespace in server.namespaces if chosen else ():
            message = _message(inspection, opened, namespace, chosen, who, where)
            if message is not None:
                yield Finding(FindingReason.SERVICE_PORT_OPENED, namespace, message)


def _message(
    inspection: Inspection,
    opened: Iterable[GrantedPort],
    namespace: str,
    pods: Iterable[ObservedPod],
    who: str,
    where: str,
) -> str | None:
    services = inspection.snapshot.services.get(namespace, ())
    found = service_ports_opened(list(opened), services, pods)
    return describe(found, who, namespace, where) if found else None
