"""The operator's Cilium policies as rules whose peers and ports can be said elsewhere. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from homelab_netpol.cilium.evaluation import read_policy
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector
from homelab_netpol.cilium.evaluation.policy import Direction, ReadPolicy, Rule, Tier
from homelab_netpol.cilium.selectors import Requirement
from homelab_netpol.cilium.terms import NAME_LABEL
from homelab_netpol.export.limits import Effect, ExportError, Unsaids
from homelab_netpol.export.peers import (
    Addresses,
    Net,
    Peer,
    Pods,
    Port,
    Unsayable,
    peers_of,
    ports_of,
    split,
)
from homelab_netpol.policy.keys import CILIUM_KINDS
from homelab_netpol.policy.objects import Policy, as_object

Requirements = tuple[Requirement, ...]
_OUTSIDE = (
    "that addresses are outside: every one is that --cluster-cidr does not name, so that a node, a"
    " Service or a pod which is missing there is allowed as well"
)


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

    def is_about(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether pods of a Namespace with these labels are meant."""
        return all(
            one.holds(namespace if one.key == NAME_LABEL else labels.get(one.key))
            for one in self.namespaces
        )


# The policy's own namespace, while it is read once for all that say the same. A Namespace's name
# has no dot.
_OWN = "own.namespace"


def statements(
    policies: Iterable[Policy], addresses: Addresses, unsaid: Unsaids
) -> Mapping[str, Sequence[Statement]]:
    """Reads policies of Cilium's kinds.

    Returns:
        What they say, by their namespace; "" has what clusterwide ones say.

    Raises:
        ExportError: a policy denies by a rule, or selects pods by what only Cilium knows.
    """
    found: defaultdict[str, list[Statement]] = defaultdict(list)
    # A thousand Namespaces with the same profile share its rules.
    known: dict[tuple[int, bool], tuple[list[Statement], list[Unsayable]]] = {}
    for policy in policies:
        if policy.key.kind not in CILIUM_KINDS:
            continue
        key = (id(policy.body), bool(policy.key.namespace))
        if key not in known:
            reasons: list[Unsayable] = []
            known[key] = (list(_of_policy(policy, addresses, reasons)), reasons)
        said, unsayable = known[key]
        for reason in unsayable:
            unsaid.add(reason.what, reason.effect, policy.key)
        if any(_is_outside(peer, addresses) for each in said for peer in each.peers):
            unsaid.add(_OUTSIDE, Effect.WIDER, policy.key)
        found[policy.key.namespace] += [_in_place(each, policy) for each in said]
    return found


def rules_by_direction(
    said: Sequence[Statement], rules_of: Callable[[Statement], Iterable[dict[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    """The rules of one policy, each once, by the field for their direction.

    A direction is there if a statement is about it, even one that allows nothing.

    Args:
        said: what the policy says.
        rules_of: the rules that say a statement; none: it allows nothing.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for direction in Direction:
        here = [each for each in said if each.direction is direction]
        if here:
            rules = [rule for each in here for rule in rules_of(each)]
            found[direction.value] = [
                rule for index, rule in enumerate(rules) if rule not in rules[:index]
            ]
    return found


def _is_outside(peer: Peer, addresses: Addresses) -> bool:
    """It is addresses among which those of a cluster may be."""
    if not isinstance(peer, Net) or peer.network in addresses.api_servers:
        return False
    return not peer.network.is_link_local


def _in_place(statement: Statement, policy: Policy) -> Statement:
    """The same, said by another policy of the same rules, in its own namespace."""
    namespace = policy.key.namespace
    peers = tuple(_with_own(each, namespace) for each in statement.peers)
    return replace(statement, origin=policy, peers=peers)


def _with_own(peer: Peer, namespace: str) -> Peer:
    if not isinstance(peer, Pods):
        return peer
    if peer.own is not None:
        return replace(peer, own=namespace)
    if not any(_OWN in one.values for one in peer.namespaces):
        return peer
    named = tuple(
        Requirement(
            one.source,
            one.key,
            one.operator,
            tuple(namespace if value == _OWN else value for value in one.values),
        )
        for one in peer.namespaces
    )
    return replace(peer, namespaces=named)


def _of_policy(
    policy: Policy, addresses: Addresses, unsayable: list[Unsayable]
) -> Iterator[Statement]:
    place = _OWN if policy.key.namespace else ""
    there = replace(policy, key=policy.key._replace(namespace=place))
    read: ReadPolicy = read_policy(_without_dns_proxy(as_object(there)))
    for rule in read.rules:
        if rule.deny or rule.passes or rule.tier is not Tier.NORMAL:
            raise ExportError(f"{policy.key}: a deny rule cannot be exported")
        subject = _subject(policy, rule, addresses)
        if subject is None:
            continue
        peers, ports = _says(rule, place, addresses, unsayable)
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
    rule: Rule, namespace: str, addresses: Addresses, unsayable: list[Unsayable]
) -> tuple[tuple[Peer, ...], tuple[Port, ...] | None]:
    if not rule.peers:
        return (), None
    if rule.authenticated or rule.ports == ():
        unsayable.append(Unsayable("ICMP" if rule.ports == () else "mutual authentication"))
        return (), None
    peers: dict[Peer, None] = {}
    for peer in peers_of(rule, namespace, addresses):
        if isinstance(peer, Unsayable):
            unsayable.append(peer)
        else:
            peers[peer] = None
    if rule.ports is None:
        return tuple(peers), None
    ports: dict[Port, None] = {}
    for port in ports_of(rule):
        if isinstance(port, Unsayable):
            unsayable.append(port)
        else:
            ports[port] = None
    return tuple(peers), tuple(ports)


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
