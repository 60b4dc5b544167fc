"""The operator's Cilium policies as rules whose peers and ports can be said elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.cilium.evaluation import read_policy
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector
from homelab_netpol.cilium.evaluation.policy import Direction, ReadPolicy, Rule, Tier
from homelab_netpol.cilium.selectors import Requirement
from homelab_netpol.export.limits import ExportError, Unsaids
from homelab_netpol.export.peers import Addresses, Peer, Port, Unsayable, peers_of, ports_of, split
from homelab_netpol.policy.keys import CILIUM_KINDS
from homelab_netpol.policy.objects import Policy, as_object

Requirements = tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One rule.

    Attributes:
        origin: the policy that it is of.
        direction: of the connections.
        namespaces: whose Namespace's labels are like this.
        pods: and whose own labels are like this.
        closes: what no statement allows is denied to these pods.
        peers: who is let in, or reached; none: nobody.
        ports: on which ports; None: on all of all protocols.
    """

    origin: Policy
    direction: Direction
    namespaces: Requirements
    pods: Requirements
    closes: bool
    peers: tuple[Peer, ...]
    ports: tuple[Port, ...] | None

    @property
    def says_something(self) -> bool:
        """It allows something."""
        return bool(self.peers) and self.ports != ()

    def is_about(self, labels: Mapping[str, str]) -> bool:
        """Whether pods of a Namespace with these labels, its name's included, are meant."""
        return all(one.holds(labels.get(one.key)) for one in self.namespaces)


def statements(
    policies: Iterable[Policy], addresses: Addresses, unsaid: Unsaids
) -> list[Statement]:
    """Reads policies of Cilium's kinds.

    Raises:
        ExportError: a policy denies by a rule, or selects pods by what only Cilium knows.
    """
    return [
        statement
        for policy in policies
        if policy.key.kind in CILIUM_KINDS
        for statement in _of_policy(policy, addresses, unsaid)
    ]


def _of_policy(policy: Policy, addresses: Addresses, unsaid: Unsaids) -> Iterator[Statement]:
    read: ReadPolicy = read_policy(_without_dns_proxy(as_object(policy)))
    for rule in read.rules:
        if rule.deny or rule.passes or rule.tier is not Tier.NORMAL:
            raise ExportError(f"{policy.key}: a deny rule cannot be exported")
        subject = _subject(policy, rule, addresses)
        if subject is None:
            continue
        peers, ports = _says(policy, rule, addresses, unsaid)
        yield Statement(policy, rule.direction, *subject, rule.default_deny, peers, ports)


def _subject(
    policy: Policy, rule: Rule, addresses: Addresses
) -> tuple[Requirements, Requirements] | None:
    if not isinstance(rule.subject, EndpointSelector):
        raise ExportError(f"{policy.key}: whom it is for cannot be exported")
    try:
        return split(rule.subject, addresses)
    except Unsayable as reason:
        raise ExportError(f"{policy.key}: it is for {reason.what}: cannot be exported") from None


def _says(
    policy: Policy, rule: Rule, addresses: Addresses, unsaid: Unsaids
) -> tuple[tuple[Peer, ...], tuple[Port, ...] | None]:
    if not rule.peers:
        return (), None
    if rule.authenticated or rule.ports == ():
        _note(Unsayable("ICMP" if rule.ports == () else "mutual authentication"), policy, unsaid)
        return (), None
    peers: dict[Peer, None] = {}
    for peer in peers_of(rule, policy.key.namespace, addresses):
        if isinstance(peer, Unsayable):
            _note(peer, policy, unsaid)
        else:
            peers[peer] = None
    if rule.ports is None:
        return tuple(peers), None
    ports: dict[Port, None] = {}
    for port in ports_of(rule):
        if isinstance(port, Unsayable):
            _note(port, policy, unsaid)
        else:
            ports[port] = None
    return tuple(peers), tuple(ports)


def _note(reason: Unsayable, policy: Policy, unsaid: Unsaids) -> None:
    unsaid.add(reason.what, reason.effect, policy.key)


def _without_dns_proxy(value: Any) -> Any:
    """Rules on DNS that let every name through allow what they would without a look at names."""
    if isinstance(value, dict):
        made = {key: _without_dns_proxy(inner) for key, inner in value.items()}
        rules = made.get("rules")
        proxied = isinstance(rules, dict) and rules.keys() == {"dns"} and "ports" in made
        if proxied and {"matchPattern": "*"} in (made["rules"]["dns"] or ()):
            del made["rules"]
        return made
    return [_without_dns_proxy(each) for each in value] if isinstance(value, list) else value
