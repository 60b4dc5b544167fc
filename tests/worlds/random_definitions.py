"""Random NetworkProfiles and SharedResources: what people might write, some mistakes included."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from tests.worlds.peers import DnsNames, EntityPeer, Network, Peer, Pods, Requirement
from tests.worlds.ports import IcmpItem, PortItem
from tests.worlds.world import Profile, Resource, Rule

T = TypeVar("T")

APPS = tuple(f"app-{number}" for number in range(1, 7))
POD_LABELS = {"app": ("web", "worker", "db"), "role": ("a", "b")}
TEAMS = ("shop", "blog")
CUSTOM = ("media", "scraper", "game-server", "backend")
OFFERED = ("ldap", "ollama", "stripe", "nas", "nodes")
BUILT_IN_PROFILES = ("isolated", "internal", "internal-egress", "standard")

NUMBERS = (80, 443, 3000, 5432, 8080, 11434, 27015)
_NETWORKS = (
    *("192.168.1.0/24", "10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32", "0.0.0.0/0"),
    *("169.254.0.0/16", "192.168.1.20/32"),
)
_EXCEPTED = {
    "192.168.1.0/24": "192.168.1.64/26",
    "10.0.0.0/8": "10.1.0.0/16",
    "0.0.0.0/0": "192.168.0.0/16",
    "203.0.113.0/24": "203.0.113.8/30",
}
_ENTITIES = (
    *("all", "cluster", "world", "host", "remote-node", "kube-apiserver", "health", "ingress"),
    *("init", "unmanaged"),
)
_NAMES = ("api.stripe.com", "*.example.org", "example.org", "api.*.com", "*", "b.*.example.org")
# Namespaces of the platform that rules are likely to name.
_NAMED = (*APPS, "database", "monitoring", "istio-gateway", "cache")


def some(dice: Random, choice: Sequence[T], most: int) -> tuple[T, ...]:
    """One to `most` of them, each once."""
    return tuple(dice.sample(choice, dice.randint(1, min(most, len(choice)))))


def random_profile(dice: Random, name: str) -> Profile:
    """One NetworkProfile; what it extends may be missing, or lead back to it."""
    others = [each for each in CUSTOM if each != name]
    extends = dice.choices(
        (None, dice.choice(BUILT_IN_PROFILES), dice.choice(others), "gone"), (40, 35, 22, 3)
    )[0]
    return Profile(
        name,
        extends,
        dice.choice((None, None, True, False)),
        tuple(random_rule(dice, "ingress") for _ in range(dice.randint(0, 3))),
        tuple(random_rule(dice, "egress") for _ in range(dice.randint(0, 3))),
        mistake=dice.random() < 0.04,
    )


def random_rule(dice: Random, direction: str) -> Rule:
    """One rule of a profile."""
    peers = _peers(dice, direction)
    seldom = isinstance(peers[0], DnsNames)
    kind = dice.choices(("all", "ports", "http", "icmp"), (2, 6, 4 if seldom else 1, 1))[0]
    to_pods = isinstance(peers[0], Pods)
    if kind == "all":
        return Rule(peers)
    if kind == "icmp":
        items = (("IPv4", 8), ("IPv6", 128), ("IPv4", 3))
        return Rule(peers, icmps=tuple(IcmpItem(*each) for each in some(dice, items, 2)))
    if kind == "http":
        return Rule(peers, tuple(PortItem(each) for each in some(dice, NUMBERS, 2)), http=True)
    ports = tuple(_port(dice, may_be_named=to_pods) for _ in range(dice.randint(1, 3)))
    return Rule(peers, tuple(dict.fromkeys(ports)))


def random_resource(dice: Random, name: str) -> Resource:
    """One SharedResource."""
    ports = tuple(dict.fromkeys(_resource_port(dice) for _ in range(dice.choice((1, 1, 2, 3)))))
    allow_from = None
    if dice.random() < 0.35:
        allow_from = some(
            dice,
            (
                Requirement("team", "In", (dice.choice(TEAMS),)),
                Requirement("team", "NotIn", (dice.choice(TEAMS),)),
                Requirement("team", dice.choice(("Exists", "DoesNotExist"))),
                Requirement("kubernetes.io/metadata.name", "In", some(dice, APPS, 4)),
            ),
            2,
        )
    mistake = dice.random() < 0.04
    if dice.random() < 0.55:
        pod_labels = dice.choice(({}, {}, {"app": "web"}, {"app": "db", "role": "a"}))
        value_label = dice.choice(("", *(key for key in POD_LABELS if key not in pod_labels)))
        return Resource(
            name,
            ports,
            namespace=dice.choice((*APPS[:4], *APPS[:4], "garage", "database", "elsewhere")),
            pod_labels=pod_labels,
            target=dice.choice(("additive", "additive", "exclusive", "none")),
            allow_from=allow_from,
            value_label=value_label,
            allow_all=not value_label or dice.random() < 0.7,
            mistake=mistake,
        )
    kinds: tuple[tuple[Peer, ...], ...] = (
        tuple(EntityPeer(each) for each in some(dice, _ENTITIES[2:], 2)),
        tuple(DnsNames(each) for each in some(dice, _NAMES, 2)),
        tuple(dict.fromkeys(_network(dice) for _ in range(2))),
    )
    target = dice.choice(("additive", "none"))
    peers = dice.choice(kinds)
    return Resource(name, ports, peers=peers, target=target, allow_from=allow_from, mistake=mistake)


def _peers(dice: Random, direction: str) -> tuple[Peer, ...]:
    kinds = ("pods", "pods", "pods", "entities", "network", "set", "names")
    kind = dice.choice(kinds if direction == "egress" else kinds[:-1])
    if kind == "pods":
        return tuple(_pods(dice) for _ in range(dice.choice((1, 1, 2))))
    if kind == "entities":
        return tuple(EntityPeer(each) for each in some(dice, _ENTITIES, 2))
    if kind == "names":
        return tuple(DnsNames(each) for each in some(dice, _NAMES, 2))
    if kind == "network":
        return tuple(Network(each) for each in some(dice, _NETWORKS, 2))
    return tuple(Network(each, (_EXCEPTED[each],)) for each in some(dice, tuple(_EXCEPTED), 2))


def _network(dice: Random) -> Network:
    cidr = dice.choice(_NETWORKS)
    parted = cidr in _EXCEPTED and dice.random() < 0.8
    return Network(cidr, (_EXCEPTED[cidr],) if parted else ())


def _pods(dice: Random) -> Pods:
    labels: tuple[Requirement, ...] = ()
    if dice.random() < 0.5:
        key = dice.choice(tuple(POD_LABELS))
        operator = dice.choice(("In", "In", "NotIn", "Exists", "DoesNotExist"))
        values = some(dice, POD_LABELS[key], 2) if operator in ("In", "NotIn") else ()
        labels = (Requirement(key, operator, values),)
    where = dice.choice(("own", "named", "named", "labelled", "anywhere"))
    if where == "own":
        return Pods(own=True, labels=labels)
    if where == "named":
        if dice.random() < 0.15:
            gateway = Requirement(
                "gateway.networking.k8s.io/gateway-name",
                "In",
                (dice.choice(("internal", "external")),),
            )
            return Pods(spaces=("istio-gateway",), labels=(gateway,))
        return Pods(spaces=some(dice, _NAMED, 2), labels=labels)
    if where == "labelled":
        return Pods(space_labels=(Requirement("team", "In", some(dice, TEAMS, 2)),), labels=labels)
    return Pods(labels=labels)


def _port(dice: Random, *, may_be_named: bool) -> PortItem:
    kind = dice.choices(("number", "range", "every", "named"), (7, 2, 1, 1 if may_be_named else 0))
    protocol = dice.choice(("TCP", "TCP", "TCP", "UDP", "ANY", "SCTP"))
    match kind[0]:
        case "number":
            return PortItem(dice.choice(NUMBERS), protocol=protocol)
        case "range":
            return PortItem(8000, 8100, protocol)
        case "every":
            return PortItem(0, protocol=protocol)
        case _:
            return PortItem(8080, named=True)


def _resource_port(dice: Random) -> PortItem:
    protocol = dice.choice(("TCP", "TCP", "TCP", "UDP", "SCTP"))
    last = 8100 if dice.random() < 0.2 else None
    return PortItem(8000 if last else dice.choice(NUMBERS), last, protocol)
