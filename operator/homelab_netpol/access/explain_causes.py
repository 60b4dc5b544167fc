"""Why something does not pass, in the vocabulary's words: no grant, a profile without HTTPS. Pure.

The table of docs/dropped.md, row by row; what to do about it is found by trying (fixes_search.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Member, Ports
from homelab_netpol.access.ends_known import GATEWAY_WORDS, ports_of
from homelab_netpol.access.explain_judge import Half
from homelab_netpol.cilium.dns_patterns import dns_pattern_holds
from homelab_netpol.cilium.evaluation import Direction, Entity, Name, Network, Outcome, Pod
from homelab_netpol.intent import Intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import Peer, SharedResource


def cause(model: ClusterModel, half: Half, ports: Ports) -> str:
    """Why one end does not let a connection pass, in half a sentence; "": it does.

    Args:
        model: the cluster.
        half: what its policies decide.
        ports: on which ports.
    """
    if half.outcome is Outcome.ALLOWED:
        return ""
    if half.outcome is Outcome.UNKNOWN:
        return "; ".join(sorted(doubt.value for doubt in half.verdict.doubts))
    if half.verdict.by_deny_rule:
        return "a deny rule, over which no label and no rule that allows wins"
    pod = half.own.pod
    if pod is None:
        return ""
    foreign = [ref for ref in half.verdict.policies if not model.is_own(ref)]
    intent = model.desired.intents.get(pod.namespace)
    if len(foreign) == len(half.verdict.policies):
        return "a policy that is not the operator's lets pass only what some rule allows"
    if intent is None:
        return ""
    asked = _Asked(model.desired.catalogue, intent, half, ports)
    return asked.outward() if half.direction is Direction.EGRESS else asked.inward()


class _Asked:
    """One connection, seen from the end that does not let it pass."""

    def __init__(self, catalogue: Catalogue, intent: Intent, half: Half, ports: Ports) -> None:
        self._catalogue = catalogue
        self._settings = catalogue.settings
        self._intent = intent
        self._half = half
        self._peer = half.peer
        self._ports = ports

    def outward(self) -> str:
        """Why the sender does not get out."""
        if self._is_dns():
            return "baseline-dns-egress does not stand, or not for these pods: it should"
        granted = self._by_grant()
        if granted:
            return granted
        if self._is_within():
            return self._within()
        which = self._gateway()
        if which:
            return f"no grant on the {which} gateway, the cluster's own front door"
        if isinstance(self._peer.endpoint, Pod):
            return "Namespaces do not reach each other, unless a grant connects them"
        if isinstance(self._peer.endpoint, Entity) and self._peer.endpoint.name != "world":
            return f"no label opens the way to {self._peer.endpoint.name}"
        return self._internet()

    def inward(self) -> str:
        """Why the receiver does not let it in."""
        if self._is(self._settings.scrapers):
            return "baseline-prometheus-scrape does not stand, or not for these pods or ports"
        if self._is(self._settings.probes):
            return "baseline-health-probes does not stand, or not for these pods: it should"
        if self._is_within():
            return self._within()
        which = self._gateway()
        if which:
            return self._by_gateway(which)
        if isinstance(self._peer.endpoint, Pod):
            named = self._resources_here()
            if named:
                return f"no grant on {named} lets {self._peer.endpoint.namespace} in"
            return "Namespaces do not reach each other, unless a grant connects them"
        if isinstance(self._peer.endpoint, Entity):
            return self._by_entity(self._peer.endpoint.name)
        return self._straight_in()

    def _is_dns(self) -> bool:
        dns = self._settings.dns
        return self._is(dns.servers) and _opens(ports_of(dns.ports), self._ports)

    def _is(self, peers: Iterable[Peer]) -> bool:
        return any(_is_peer(peer, self._peer) for peer in peers)

    def _gateway(self) -> str:
        kinds = (each for each in GATEWAY_WORDS if self._is(self._settings.gateways.of(each)))
        return next(kinds, "")

    def _is_within(self) -> bool:
        endpoint = self._peer.endpoint
        return isinstance(endpoint, Pod) and endpoint.namespace == self._intent.namespace

    def _within(self) -> str:
        profile = self._intent.profile
        if profile is None:
            return "pods of a Namespace without a profile do not reach each other"
        key = self._catalogue.vocabulary.intra_namespace_key
        if self._catalogue.vocabulary.profiles.get(profile):
            return f"the label {key} denies it between pods of the Namespace"
        return f"the profile {profile} keeps pods of the Namespace apart"

    def _by_grant(self) -> str:
        words = self._catalogue.vocabulary
        elsewhere: list[str] = []
        for name, resource in self._resources():
            if not _is_of(resource, self._peer):
                continue
            if not _opens(ports_of(resource.ports), self._ports):
                on = ", ".join(map(str, ports_of(resource.ports)))
                elsewhere.append(f"{self._ports} is the wrong port: {name} is on {on}")
            elif name in self._intent.refused_grants:
                return f"the grant on {name} is refused: its allowFrom leaves the Namespace out"
            elif name in self._intent.may_not_ask:
                return f"no grant on {name}, and its allowFrom leaves the Namespace out"
            elif name in self._intent.grants:
                value = self._intent.grant_values.get(name, "true")
                return f"the grant {words.access_prefix}{name}={value} is on other pods"
            else:
                return f"no grant on {name}"
        return elsewhere[0] if elsewhere else ""

    def _resources(self) -> Iterator[tuple[str, SharedResource]]:
        for name in self._catalogue.vocabulary.resources:
            yield name, self._catalogue.resource(name)

    def _resources_here(self) -> str:
        """The shared resources that the receiver's pods offer on the port."""
        names = [
            name
            for name, resource in self._resources()
            if _is_of(resource, self._half.own) and _opens(ports_of(resource.ports), self._ports)
        ]
        return " or ".join(names)

    def _internet(self) -> str:
        ports = ports_of(self._settings.internet.ports)
        listed = self._intent.internet_ports
        what = "HTTPS" if _opens(ports, self._ports) else "way out of the cluster"
        if self._intent.profile is None:
            return f"no profile, so no {what}"
        if self._intent.profile not in self._catalogue.vocabulary.internet_profiles:
            return f"the profile {self._intent.profile} has no {what}"
        if listed:
            ports = tuple(
                Ports(each.protocol, each.first, each.last or each.first) for each in listed
            )
        if not _opens(ports, self._ports):
            on = ", ".join(map(str, ports))
            return f"the profile {self._intent.profile} opens the internet on {on}"
        left_out = self._settings.internet.except_cidrs
        return f"the setting internet.exceptCidrs leaves it out ({', '.join(left_out)})"

    def _by_gateway(self, which: str) -> str:
        profile = self._intent.profile
        if profile is None:
            return f"no profile, so no way in for the {which} gateway"
        if self._intent.gateway_ports == ():
            return f"the profile {profile} does not let the {which} gateway in"
        key = self._catalogue.vocabulary.gateway_ports_key
        lets_in = self._catalogue.profiles.gateways_of(
            self._catalogue.profiles.template_of(profile)
        )
        if which in lets_in:
            return f"the annotation {key} leaves {self._ports} out"
        return f"the profile {profile} does not let the {which} gateway in"

    def _by_entity(self, name: str) -> str:
        match name:
            case "kube-apiserver":
                key = self._catalogue.vocabulary.webhooks_key
                return f"the API server may call no webhook there without the label {key}"
            case "remote-node":
                return (
                    "other nodes come in by no profile: a client from outside that another node"
                    " hands on, or a process of that node"
                )
            case "world":
                return self._straight_in()
            case _:
                return f"no label lets {name} in"

    def _straight_in(self) -> str:
        words = self._catalogue.vocabulary
        return (
            "without a gateway it comes in by the annotation"
            f" {words.lan_ports_key} or {words.world_ports_key} only"
        )


def _opens(ports: Iterable[Ports], asked: Ports) -> bool:
    return any(
        each.protocol == asked.protocol and each.first <= asked.first and asked.last <= each.last
        for each in ports
    )


def _is_of(resource: SharedResource, member: Member) -> bool:
    """Whether an end is a shared resource, or a part of one."""
    endpoint = member.endpoint
    if isinstance(endpoint, Pod):
        labels = resource.pod_labels.items()
        return endpoint.namespace == resource.home and (
            labels <= endpoint.labels.items() or not endpoint.complete
        )
    if isinstance(endpoint, Entity):
        return endpoint.name in resource.entities
    if isinstance(endpoint, Name):
        return any(
            target.match_name == endpoint.name
            or dns_pattern_holds(target.match_pattern or "", endpoint.name)
            for target in resource.fqdns
        )
    return any(
        Network(endpoint.network).is_within(ip_network(each.cidr, strict=False)) is True
        for each in resource.networks
    )


def _is_peer(peer: Peer, member: Member) -> bool:
    """Whether an end is one that settings name."""
    endpoint = member.endpoint
    if isinstance(endpoint, Pod):
        return peer.selects(endpoint.namespace, endpoint.labels, endpoint.namespace_labels or {})
    if isinstance(endpoint, Entity):
        return endpoint.name in peer.entities
    if isinstance(endpoint, Network):
        return any(endpoint.is_within(ip_network(each)) is True for each in peer.cidrs)
    return False
