"""The ways of a Namespace as rows of a table: what is alike is said once. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from homelab_netpol.access.ends import Member, Ports
from homelab_netpol.access.ends_known import INTERNET
from homelab_netpol.access.reach import ANY_OTHER, Way, ports_in_words
from homelab_netpol.cilium.evaluation import Direction, Outcome, PolicyRef

_EVERYBODY = "everything that no other row names"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: ways that are alike.

    Attributes:
        direction: out of the Namespace, or into it.
        pods: whose: workloads of the Namespace; none: all of them.
        peers: the other ends.
        ports: that are open.
        unknown: of which that cannot be said.
        policies: that let it through, at either end; none: nothing denies it.
    """

    direction: Direction
    pods: tuple[str, ...]
    peers: tuple[str, ...]
    ports: tuple[Ports, ...]
    unknown: tuple[Ports, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Alike:
    """What ways of one row have in common."""

    direction: Direction
    ports: tuple[Ports, ...]
    unknown: tuple[Ports, ...]


_RowKey = tuple[_Alike, tuple[str, ...]]


def rows(found: Iterable[Way], own: Sequence[Member]) -> list[Row]:
    """Joins what is alike: the parts of a peer, the pods of the Namespace, then the peers."""
    parts: defaultdict[tuple[_Alike, str, str], list[Way]] = defaultdict(list)
    for way in found:
        alike = _Alike(way.direction, way.ports(), way.ports(Outcome.UNKNOWN))
        parts[alike, way.own.words, way.peer.words].append(way)
    pods: defaultdict[tuple[_Alike, str], dict[str, list[Way]]] = defaultdict(dict)
    for (alike, own_words, _), same in parts.items():
        for words in _peer_words(same):
            pods[alike, words][own_words] = same
    everybody = {each.words for each in own}
    peers: defaultdict[_RowKey, list[str]] = defaultdict(list)
    by: defaultdict[_RowKey, dict[str, None]] = defaultdict(dict)
    for (alike, peer), whose in pods.items():
        key = (alike, () if set(whose) == everybody else tuple(whose))
        peers[key].append(peer)
        by[key] |= dict.fromkeys(_policies(way for same in whose.values() for way in same))
    return [
        Row(
            alike.direction,
            whose,
            _joined(peers[alike, whose]),
            alike.ports,
            alike.unknown,
            tuple(by[alike, whose]),
        )
        for alike, whose in peers
    ]


def _joined(names: Sequence[str]) -> tuple[str, ...]:
    """Peers; where those that no rule names are among them, the rest need not be named."""
    return (_EVERYBODY,) if {INTERNET, ANY_OTHER} <= set(names) else tuple(names)


def _peer_words(same: Sequence[Way]) -> list[str]:
    """The peer's name, if these are ways to all of its parts; else those of the parts."""
    [first, *_] = same
    reached = {way.part.words for way in same}
    everything = {part.words for part in first.peer.members} - {first.own.words}
    return [first.peer.words] if reached >= everything else sorted(reached)


def _policies(ways: Iterable[Way]) -> list[str]:
    """Those of the own side, by which a row came about; of the peer's where it has none."""
    own: set[PolicyRef] = set()
    theirs: set[PolicyRef] = set()
    for way in ways:
        for case in way.cases:
            for half in case.halves:
                (own if half.own is way.own else theirs).update(half.verdict.policies)
    return [
        f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
        for ref in sorted(own or theirs, key=lambda ref: (not ref.namespace, ref))
    ]


CELLS = ("Direction", "Peer", "Ports", "Pods", "By")
_MOST_PEERS = 8


def cells(row: Row) -> tuple[str, ...]:
    """A row in words, in the order of `CELLS`."""
    peers = ", ".join(row.peers[:_MOST_PEERS])
    if len(row.peers) > _MOST_PEERS:
        peers += f" and {len(row.peers) - _MOST_PEERS} more"
    ports = ports_in_words(row.ports)
    if row.unknown:
        unknown = f"unknown: {ports_in_words(row.unknown)}"
        ports = f"{ports}; {unknown}" if ports else unknown
    policies = ", ".join(row.policies) or "no policy denies it"
    return row.direction.value, peers, ports, ", ".join(row.pods) or "all", policies
