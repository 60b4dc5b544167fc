"""Pairs of trees, each given to Cilium's engine and to `diff`: what either says has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from itertools import product
from typing import Any, NamedTuple

from homelab_netpol.access.diff import Side, TreeDiff, compare_trees
from homelab_netpol.access.diff.answers import Passes
from homelab_netpol.access.diff.difference import Difference
from homelab_netpol.access.diff.ports import PortRange
from homelab_netpol.access.diff.result import Fate, NamespaceDiff
from homelab_netpol.access.diff.rules import OWN
from homelab_netpol.cilium.evaluation import Direction, Endpoint, Entity, Name, Network, Pod
from homelab_netpol.cilium.evaluation.matchers import Matcher
from homelab_netpol.cli.inputs import desired_state_of
from homelab_netpol.manifests import Manifest, ManifestSet, Source
from homelab_netpol.settings import Settings, parse_settings
from lab.control_plane import Engine, Flow, Identity, Verdict
from tests.truth.probes import ADDRESSES, NAMED, NAMES, OUTSIDE
from tests.truth.random_policies import NAMESPACES, Generator, Json
from tests.worlds.events import random_event, understood
from tests.worlds.random_worlds import random_world
from tests.worlds.readings import NOON
from tests.worlds.world import World

PROTOCOLS = ("TCP", "UDP")


class Move(NamedTuple):
    """A connection that comes out otherwise at one of its ends: by name, this one and the other."""

    own: str
    other: str
    port: int
    protocol: str
    direction: Direction
    gain: bool


_DOMAIN = "network-policy.homelab"


@dataclass(frozen=True)
class Tree:
    """What one side is made of."""

    settings: Settings
    objects: Sequence[Json]


@dataclass
class Pair:
    """Two trees, and the pods that are asked about.

    Attributes:
        about: says how to make it again.
        trees: the two.
        pods: by name: namespace and labels.
        ports: what is asked about.
    """

    about: str
    trees: tuple[Tree, Tree]
    pods: Mapping[str, tuple[str, Mapping[str, str]]]
    ports: Sequence[int]
    sides: tuple[Side, Side] = field(init=False)
    diff: TreeDiff = field(init=False)

    def judge(self, engine: Engine) -> list[Move]:
        """Compares, and returns what the engine says has moved."""
        before, after = (_manifests(tree.objects) for tree in self.trees)
        was = desired_state_of(self.trees[0].settings, before, NOON)
        now = desired_state_of(self.trees[1].settings, after, NOON, was)
        # What Cilium rejects is marked so, as in a cluster.
        self.sides = Side(before, was), Side(after, now)
        said = [self._verdicts(engine, side) for side in self.sides]
        self.diff = compare_trees(*self.sides)
        moves = []
        for flow, one, other in zip(self._flows(), *said, strict=True):
            for direction, ends in (
                (Direction.EGRESS, (flow.source, flow.target)),
                (Direction.INGRESS, (flow.target, flow.source)),
            ):
                old, new = (getattr(each, direction.value) for each in (one, other))
                if ends[0] in self.pods and old != new:
                    gain = new == "allowed"
                    moves.append(Move(*ends, flow.port, flow.protocol, direction, gain))
        return moves

    def is_said(self, move: Move) -> bool:
        """Whether `diff` says it: of this pod, this peer and this port."""
        namespace, labels = self.pods[move.own]
        [found] = [each for each in self.diff.namespaces if each.name == namespace][:1] or [
            _NOTHING
        ]
        return bool(found.unjudged or self.diff.unjudged) or any(
            line.gain is move.gain
            and line.difference.direction is move.direction
            and line.difference.subject.matches(Pod(OWN, {}, labels)) is not False
            and self._is_peer(line.difference.peer, move.other, namespace)
            and _is_port(line.difference.ports, move)
            for line in found.lines
        )

    def _is_peer(self, peer: Matcher | None, name: str, own: str) -> bool:
        if peer is None:
            return True
        ends: list[Endpoint] = []
        if name in self.pods:
            namespace, labels = self.pods[name]
            where = OWN if namespace == own else namespace
            ends = [Pod(where, side.labels(namespace), labels) for side in self.sides]
        elif name in OUTSIDE:
            ends = [Entity(name)]
        elif name in NAMES:
            ends = [Name(name)]
        else:
            ends = [Network(ip_network(name))]
        return any(peer.matches(end) is not False for end in ends)

    def differences(self) -> Iterator[tuple[str, Difference]]:
        """What is said for certain."""
        for each in self.diff.namespaces:
            for line in each.lines:
                if line.certain:
                    yield each.name, line.difference

    def _flows(self) -> list[Flow]:
        others = [*self.pods, *OUTSIDE, *NAMES, *ADDRESSES]
        return [
            Flow(source, target, port, protocol)
            for own, other in product(self.pods, others)
            if own != other
            for source, target in (
                (own, other),
                *(((other, own),) if other not in self.pods else ()),
            )
            for port, protocol in product(self.ports, PROTOCOLS)
        ]

    def _verdicts(self, engine: Engine, side: Side) -> list[Verdict]:
        identities = {
            name: Identity.pod(namespace, labels, side.labels(namespace), NAMED)
            for name, (namespace, labels) in self.pods.items()
        }
        identities |= {name: Identity.entity(name) for name in OUTSIDE}
        identities |= {name: Identity.dns_name(name) for name in NAMES}
        identities |= {cidr: Identity.address(cidr) for cidr in ADDRESSES}
        engine.identities(identities)
        enforce(engine, side)
        return engine.verdicts(self._flows())


_NOTHING = NamespaceDiff("", Fate.CHANGED)


def _is_port(ports: Sequence[PortRange], move: Move) -> bool:
    return not ports or any(
        one.protocol == move.protocol and (one.name or one.first <= move.port <= one.last)
        for one in ports
    )


def enforce(engine: Engine, side: Side) -> None:
    """Puts a tree's policies in force; those that Cilium rejects are marked as rejected."""
    refs = list(side.policies)
    for rejection in engine.policies([side.policies[ref] for ref in refs]):
        condition = {"type": "Valid", "status": "False", "message": rejection.error}
        ref = refs[rejection.index]
        side.policies[ref] = {**side.policies[ref], "status": {"conditions": [condition]}}


def is_so(engine: Engine, pair: Pair, name: str, found: Difference) -> bool:
    """Whether the engine says the same of the connection that a difference gives as its example."""
    example, outcomes = found.example, []
    for side in pair.sides:
        pod = Identity.pod(name, example.pod, side.labels(name), NAMED)
        match example.peer:
            case Pod() as peer:
                where = name if peer.namespace == OWN else peer.namespace
                given = side.namespaces.get(where)
                labels = peer.namespace_labels if given is None else given
                other = Identity.pod(where, peer.labels, labels, NAMED)
            case Entity(entity):
                other = Identity.entity(entity)
            case Network(network):
                other = Identity.address(str(network))
            case Name(dns_name):
                other = Identity.dns_name(dns_name)
        engine.identities({"pod": pod, "other": other})
        enforce(engine, side)
        ends = ("pod", "other") if found.direction is Direction.EGRESS else ("other", "pod")
        [verdict] = engine.verdicts([Flow(*ends, example.port, example.protocol)])
        outcomes.append(getattr(verdict, found.direction.value))
    expected = [
        "denied" if each is Passes.NO else "allowed" for each in (example.before, example.after)
    ]
    return outcomes == expected


def pair_of_worlds(seed: str) -> Pair:
    """A world of the operator's, before and after a few things have happened to it."""
    dice = Generator(seed).random
    before = understood(random_world(dice))
    after = before
    for _ in range(dice.randint(1, 3)):
        after = random_event(dice, after).after
    after = understood(after)
    if dice.random() < 0.2:
        after = replace(after, scope=dice.choice(("workload", "labelled", "cluster")))
    if dice.random() < 0.2 and after.hand_made:
        after = replace(after, hand_made=after.hand_made[1:])
    pods = {pod.name: (pod.namespace, pod.labels) for pod in before.pods}
    chosen = dict(dice.sample(sorted(pods.items(), key=str), min(14, len(pods))))
    ports = dice.sample((53, 80, 443, 5432, 6443, 8080, 9090, 15008, 27015), 4)
    trees = (_tree_of(before), _tree_of(after))
    return Pair(f"worlds {seed}", trees, chosen, ports)


def pair_of_policies(seed: str) -> Pair:
    """Policies that others wrote, before and after one of them comes, goes or changes."""
    generator = Generator(seed)
    dice = generator.random
    pods = {one.name: (one.namespace, one.labels) for one in generator.pods()}
    policies = generator.policies()
    changed = list(policies)
    what = dice.choice(("come", "go", "change", "labels"))
    at = dice.randrange(len(changed))
    if what == "go":
        del changed[at]
    elif what != "labels":
        other = dice.choice(generator.policies())
        other["metadata"]["name"] = f"new-{at}" if what == "come" else f"policy-{at}"
        changed[at:] = [*changed[at:], other] if what == "come" else [other, *changed[at + 1 :]]
    namespaces = {name: dict(labels) for name, labels in NAMESPACES.items()}
    moved = {name: dict(labels) for name, labels in NAMESPACES.items()}
    if what == "labels" or dice.random() < 0.2:
        moved[dice.choice(list(moved))] = {"team": dice.choice(("web", "data"))}
    if dice.random() < 0.5:
        profile = {f"{_DOMAIN}/profile": dice.choice(("isolated", "internal", "standard"))}
        namespaces["shop"] |= profile
        moved["shop"] |= profile
    trees = tuple(
        Tree(parse_settings(""), [*map(_namespace, labels.items()), *objects])
        for labels, objects in ((namespaces, policies), (moved, changed))
    )
    ports = dice.sample((53, 80, 81, 101, 443, 5432, 8080, 9100, 15008), 4)
    return Pair(f"policies {seed}", (trees[0], trees[1]), pods, ports)


def _namespace(given: tuple[str, Mapping[str, str]]) -> Json:
    name, labels = given
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _tree_of(world: World) -> Tree:
    from tests.worlds.rendered import catalogue_of

    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", **each.manifest()}
        for each in world.spaces.values()
    ]
    others: list[Any] = [
        *(each.manifest() for each in world.profiles.values()),
        *(each.manifest() for each in world.resources.values()),
        *(each.manifest() for each in world.hand_made),
    ]
    return Tree(catalogue_of(world).settings, [*spaces, *others])


def _manifests(objects: Sequence[Json]) -> ManifestSet:
    found = ManifestSet()
    found.add(Manifest(each, Source("random")) for each in objects)
    return found
