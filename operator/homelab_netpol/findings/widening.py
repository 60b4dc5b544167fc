"""What policies of others let through that a namespace's labels do not ask for. Pure.

The operator's policies for a namespace say what its labels ask for. Where they deny a connection,
and a foreign rule allows it, the profile does not hold.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Pod
from homelab_netpol.cilium.evaluation.matchers import select
from homelab_netpol.cilium.evaluation.policy import (
    Direction,
    PolicyRef,
    ReadPolicy,
    Rule,
)
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.evaluation.verdict import (
    Outcome,
    egress_verdict,
    ingress_verdict,
)
from homelab_netpol.findings.finding import (
    LONGEST,
    Finding,
    FindingReason,
    join_words,
    name_policies,
)
from homelab_netpol.findings.flows import directions_in_words, what_counts
from homelab_netpol.findings.own_rules import OwnRules
from homelab_netpol.findings.peers import (
    Peer,
    PeerContext,
    namespaces_of,
    networks_of,
    peers_of,
    selected_pods,
)
from homelab_netpol.findings.places import Labels, Places

# What one policy adds, in words, by direction.
Added = Mapping[Direction, Sequence[str]]

# Beside the others' rules it stands for the operator's, which close both directions.
_CLOSED = ReadPolicy(
    PolicyRef("", "", ""), tuple(Rule(direction, select(()), peers=()) for direction in Direction)
)
_FIRST_NAMES = 3
_WAYS = {Direction.INGRESS: "ingress from", Direction.EGRESS: "egress to"}


@dataclass(frozen=True, slots=True)
class Governed:
    """A namespace with a profile in force.

    Attributes:
        name: its name.
        labels: all of its labels.
        pods: the labels of its pods.
        own: the operator's policies for it.
        profile: in force there.
        contrary: of the policies of others that may select its pods those with rules that deny, or
            of another tier: what one rule allows may not pass because of them.
        contrary_key: is equal for two namespaces where they say the same; None: that they do in any
            other one is not known.
    """

    name: str
    labels: Labels
    pods: Sequence[Labels]
    own: OwnRules
    profile: str
    contrary: Sequence[ReadPolicy] = ()
    contrary_key: Hashable | None = ()


def may_add(policy: ReadPolicy) -> bool:
    """Whether it has rules that let something pass."""
    return any(_may_add(rule) for rule in policy.rules)


def added_by(policy: ReadPolicy, governed: Governed, places: Places) -> Added:
    """What a policy certainly lets through that the operator's policies deny."""
    found: dict[Direction, dict[str, None]] = {}
    for rule in policy.rules:
        if _may_add(rule):
            for words in _added(policy, rule, governed, places):
                found.setdefault(rule.direction, {})[words] = None
    return {direction: list(words) for direction, words in found.items()}


def finding_of(policy: PolicyRef, governed: Governed, added: Added, key: str) -> Finding:
    """Describes to the owner of a namespace which policy adds what.

    Args:
        policy: the policy.
        governed: the namespace.
        added: what the policy adds.
        key: of the annotation that says that it is meant.
    """
    named = name_policies([policy._replace(namespace="")])
    head = f"{named} lets more through than the profile {governed.profile} does: "
    message = _message(head, added, key)
    return Finding(FindingReason.PROFILE_WIDENED, governed.name, message, policy=policy)


def finding_of_many(
    policy: PolicyRef, namespaces: Sequence[str], added: Added, key: str
) -> Finding:
    """Describes which clusterwide policy adds what to many namespaces; `added` is of the first."""
    first = join_words([*namespaces[:_FIRST_NAMES], f"{len(namespaces) - _FIRST_NAMES} more"])
    head = (
        f"{name_policies([policy])} lets more through than the profiles of {len(namespaces)}"
        f" Namespaces do ({first}). In {namespaces[0]}: "
    )
    message = _message(head, added, key)
    return Finding(FindingReason.PROFILE_WIDENED, "", message, about=policy, policy=policy)


def _message(head: str, added: Added, key: str) -> str:
    what_to_do = (
        ". Narrow or delete it (a chart that brings it has a value for it, such as"
        f" networkPolicy.enabled), or say in its annotation {key} why it is meant."
    )
    room = LONGEST - len(head) - len(what_to_do)
    return f"{head}{directions_in_words(added, room, _WAYS)}{what_to_do}"


def _may_add(rule: Rule) -> bool:
    # Whether authentication is set up, and succeeds, cannot be known.
    return rule.allows and bool(rule.peers) and not rule.authenticated


def _added(policy: ReadPolicy, rule: Rule, governed: Governed, places: Places) -> list[str]:
    own = governed.own
    pods = selected_pods(rule.subject, governed.name, governed.labels, governed.pods)
    if not pods:
        return []
    is_clusterwide = not policy.ref.namespace
    rule_key = own.key_of(rule, governed.name, is_clusterwide)
    shared = governed.contrary_key
    if rule_key is None or shared is None or not own.is_same_for_all_pods:
        return _compared(policy, rule, governed, pods, places)
    # That other pods of the namespace may differ only matters if it is shared with no other.
    key = (rule_key, shared)
    if key not in own.known:
        own.known[key] = _compared(policy, rule, governed, pods[:1], places)
    return own.known[key]


def _compared(
    policy: ReadPolicy, rule: Rule, governed: Governed, pods: Sequence[Labels], places: Places
) -> list[str]:
    """What a rule adds, of these pods for any."""
    own, contrary = governed.own, governed.contrary
    others = [each for one in contrary for each in one.rules]
    matchers = [matcher for each in others for matcher in each.peers]
    around = PeerContext(
        governed.name,
        places,
        own.named | frozenset(namespaces_of(matchers)),
        (*own.networks, *networks_of(matchers)),
    )
    turns = sorted({*own.turns, *turning_ports(others)}) if others else own.turns
    asked = policy.with_rule_on_all_ports(rule)
    deciding = [asked, _CLOSED, *(one for one in contrary if one is not policy)]
    ask = ingress_verdict if rule.direction is Direction.INGRESS else egress_verdict

    def passes(labels: Labels, endpoint: Endpoint, port: int, protocol: str) -> bool:
        """Whether the rule has its way, also if another policy is not understood."""
        pod = Pod(governed.name, governed.labels, labels)
        verdict = ask(deciding, pod, endpoint, port, protocol)
        return verdict.outcome is Outcome.ALLOWED or (
            verdict.outcome is Outcome.UNKNOWN and policy.ref not in verdict.policies
        )

    def is_added(peer: Peer, endpoint: Endpoint, port: int, protocol: str) -> bool:
        return any(
            own.deny(governed.name, rule.direction, labels, peer, endpoint, port, protocol)
            and (not contrary or passes(labels, endpoint, port, protocol))
            for labels in pods
        )

    return what_counts(rule, peers_of(rule, around), turns, is_added)
