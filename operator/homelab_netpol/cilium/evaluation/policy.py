"""What a policy says, whatever kind it is: rules with a subject, peers and ports.

Pure. The readers make these of manifests; verdict.py joins them to a verdict.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from typing import NamedTuple

from homelab_netpol.cilium.evaluation.answer import Answer, Doubt, any_of
from homelab_netpol.cilium.evaluation.endpoint import ContainerPort, Endpoint
from homelab_netpol.cilium.evaluation.matchers import Matcher


class Direction(Enum):
    """Into the subject, or out of it."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Tier(IntEnum):
    """When a rule is asked: the rules of a tier that decide leave the later ones nothing to say.

    Only ClusterNetworkPolicies are of another tier than the middle one.
    """

    ADMIN = 1
    NORMAL = 2
    BASELINE = 3


class PolicyRef(NamedTuple):
    """Which policy: kind, namespace ("" for a clusterwide one) and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """As kubectl would write it, for messages."""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"


class RulePlace(NamedTuple):
    """Which rule of which policy.

    Attributes:
        policy: the policy.
        place: the rule's path there, such as `spec.egress[2]`; of a policy that closes a
            direction, the path of what does; "": the policy is not understood.
    """

    policy: PolicyRef
    place: str

    def __str__(self) -> str:
        """For messages."""
        return f"{self.policy}, {self.place}" if self.place else str(self.policy)


# The names that containers of one pod give to ports; None: not known.
ContainerPorts = Collection[ContainerPort] | None


@dataclass(frozen=True, slots=True)
class PortSpan:
    """Ports that a rule is about.

    Attributes:
        first: the first port, of ICMP the type; 0: all of them.
        last: the last port.
        protocols: TCP, UDP, SCTP, or ICMP and ICMPv6; others have no ports.
        filtered: rules of the application's protocol, such as HTTP, look at what passes.
        doubt: why the numbers cannot be said.
        name: of a port that containers name; "" for one given by its number.
        requests: what the application's rules let pass, in words: `HTTP GET /metrics`.
    """

    first: int
    last: int
    protocols: frozenset[str]
    filtered: bool = False
    doubt: Doubt | None = None
    name: str = ""
    requests: tuple[str, ...] = ()

    def covers(
        self, port: int | None, protocol: str, container_ports: ContainerPorts = None
    ) -> Answer:
        """Whether a port is among them.

        Args:
            port: the port; None: any port at all is.
            protocol: TCP, UDP or SCTP; with a type as port also ICMP or ICMPv6.
            container_ports: of the pod that is called.
        """
        if protocol not in self.protocols:
            return False
        if self.doubt is not None:
            if self.name and container_ports is not None and self.doubt is Doubt.NAMED_PORT:
                return _is_named(self.name, port, protocol, container_ports)
            return self.doubt
        return port is None or self.first == 0 or self.first <= port <= self.last


def _is_named(
    name: str, port: int | None, protocol: str, container_ports: Collection[ContainerPort]
) -> Answer:
    lower = name.lower()  # Cilium makes no difference
    found = {each[1:] for each in container_ports if each.name.lower() == lower}
    if len(found) > 1:
        return Doubt.NAMED_PORT  # Cilium keeps one of them, by chance
    return any(of == protocol and port in (None, number) for number, of in found)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy.

    Attributes:
        direction: of the connections that it is about.
        subject: whose connections.
        peers: the other end is one of these; none: it is about no connection at all.
        ports: on which ports: one of these; None: all ports of all protocols.
        deny: it denies; else it allows, unless it passes.
        passes: it leaves the decision to the next tier.
        default_deny: for its subjects it denies, in its direction, what no rule allows.
        authenticated: it allows only after mutual authentication.
        tier: when it is asked.
        priority: within its tier, the lower first.
        place: its path in the manifest, such as `specs[0].ingress[1]`; "": none is known.
    """

    direction: Direction
    subject: Matcher
    peers: tuple[Matcher, ...]
    ports: tuple[PortSpan, ...] | None = None
    deny: bool = False
    default_deny: bool = True
    authenticated: bool = False
    passes: bool = False
    tier: Tier = Tier.NORMAL
    priority: int = 0
    place: str = field(default="", compare=False)

    @property
    def allows(self) -> bool:
        """It lets something pass, if it has any peers."""
        return not (self.deny or self.passes)

    def meets(self, peer: Endpoint) -> Answer:
        """Whether it is about this peer."""
        # As `any_of` has it; see LabelSelector.matches.
        result: Answer = False
        for matcher in self.peers:
            answer = matcher.matches(peer)
            if answer is True:
                return True
            if result is False:
                result = answer
        return result

    def covers(
        self, port: int | None, protocol: str, container_ports: ContainerPorts = None
    ) -> Answer:
        """Whether it is about this port; None: about any port at all of the protocol.

        Of the pod that is called, `container_ports` are the ports with names.
        """
        if self.ports is None:
            return True
        return any_of(span.covers(port, protocol, container_ports) for span in self.ports)

    def filtering_ports(
        self, port: int, protocol: str, container_ports: ContainerPorts = None
    ) -> tuple[PortSpan, ...]:
        """The ports on which it lets only some requests pass; none, if it lets all pass on one."""
        found: list[PortSpan] = []
        for span in self.ports or ():
            if span.covers(port, protocol, container_ports) is True:
                if not span.filtered:
                    return ()
                found.append(span)
        return tuple(found)

    def filters(self, port: int, protocol: str) -> bool:
        """Whether it lets only some requests pass on a port that it covers."""
        return bool(self.filtering_ports(port, protocol))


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """A policy, as far as it could be read."""

    ref: PolicyRef
    rules: tuple[Rule, ...]

    @property
    def may_overrule(self) -> bool:
        """What another policy allows may not pass because of it: it denies, or is asked first."""
        return any(rule.deny or rule.tier is not Tier.NORMAL for rule in self.rules)

    def with_rule_on_all_ports(self, rule: Rule) -> ReadPolicy:
        """The same with one of its rules widened.

        For a question about one of that rule's ports, which may be given by a name.
        """
        rules = (replace(each, ports=None) if each is rule else each for each in self.rules)
        return ReadPolicy(self.ref, tuple(rules))


class Unreadable(Exception):
    """A policy says something that is not understood here, or that Cilium rejects."""

    def __init__(self, doubt: Doubt = Doubt.UNREADABLE) -> None:
        super().__init__(doubt.value)
        self.doubt = doubt
