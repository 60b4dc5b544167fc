"""What a policy says, whatever kind it is: rules with a subject, peers and ports.

Pure. The readers make these of manifests; verdict.py joins them to a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import NamedTuple

from homelab_netpol.cilium.evaluation.answer import Answer, Doubt, any_of
from homelab_netpol.cilium.evaluation.endpoint import Endpoint
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


@dataclass(frozen=True, slots=True)
class PortSpan:
    """Ports that a rule is about.

    Attributes:
        first: the first port; 0: all of them.
        last: the last port.
        protocols: TCP, UDP, SCTP; others have no ports.
        filtered: rules of the application's protocol, such as HTTP, look at what passes.
        doubt: why the numbers cannot be said.
        name: of a port that containers name; "" for one given by its number.
    """

    first: int
    last: int
    protocols: frozenset[str]
    filtered: bool = False
    doubt: Doubt | None = None
    name: str = ""

    def covers(self, port: int | None, protocol: str) -> Answer:
        """Whether a port is among them; None: any port at all is."""
        if protocol not in self.protocols:
            return False
        if self.doubt is not None:
            return self.doubt
        return port is None or self.first == 0 or self.first <= port <= self.last


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

    def covers(self, port: int | None, protocol: str) -> Answer:
        """Whether it is about this port; None: about any port at all of the protocol."""
        if self.ports is None:
            return True
        return any_of(span.covers(port, protocol) for span in self.ports)

    def filters(self, port: int, protocol: str) -> bool:
        """Whether it lets only some requests pass on a port that it covers."""
        spans = self.ports or ()
        covering = [span for span in spans if span.covers(port, protocol) is True]
        return bool(covering) and all(span.filtered for span in covering)


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
