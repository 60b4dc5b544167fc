"""Reads table.yaml and says what it expects of one half of a flow.

This is all the code there is between the table and an expectation; it knows no profile, no
resource and no port.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from tests.truth.world import HERE, WORDS, Endpoint, Namespace, Port, World, ports

Direction = Literal["egress", "ingress"]
Facts = Mapping[str, frozenset[str]]

_PORT_CLASSES = {"any": ("TCP", "UDP"), "any-TCP": ("TCP",)}
_PEER_KEYS = {"egress": "to", "ingress": "from", "both": "with"}


@dataclass(frozen=True)
class Setting:
    """What holds for a whole judgement.

    Attributes:
        world: the world that is judged.
        own_policies: every platform namespace has a hand-written policy beside the operator's.
    """

    world: World
    own_policies: bool = False

    def facts(self, namespace: Namespace | None) -> Facts:
        """What the table's conditions are about; of no namespace, nothing is true."""
        if namespace is None:
            return {}
        own_policy = namespace.platform and self.own_policies
        return {
            "profile": frozenset([namespace.profile]),
            "grant": namespace.grants,
            "hatch": frozenset(["open" if namespace.hatch else "closed"]),
            "mesh": frozenset(["ambient" if namespace.mesh else "none"]),
            **{word: frozenset([dict(namespace.words).get(word, "unset")]) for word in WORDS},
            "own-policy": frozenset(["only-itself" if own_policy else "none"]),
            "scope": frozenset([self.world.scope]),
        }


@dataclass(frozen=True)
class Alternative:
    """Conditions that must all hold, on the half's own namespace and on the peer's."""

    own: Facts
    peer: Facts

    def holds(self, own: Facts, peer: Facts) -> bool:
        """Whether every condition holds; each lists the values of which one must be there."""
        return _all_hold(self.own, own) and _all_hold(self.peer, peer)


@dataclass(frozen=True, eq=False)
class Row:
    """One row of the table, for one direction."""

    name: str
    says: str
    direction: Direction
    of: str
    pod: str | None
    peers: frozenset[str]
    ports: frozenset[str]
    when: tuple[Alternative, ...]

    @property
    def always(self) -> bool:
        """The row has no condition: what it is about can never be denied."""
        return any(not alternative.own and not alternative.peer for alternative in self.when)

    def is_about(self, own: Endpoint, peer: Endpoint) -> bool:
        """Whether the row speaks of these two, on some port and under some condition."""
        assert own.namespace is not None
        group = "platform" if own.namespace.platform else "workload"
        return (
            self.of in ("any", group, own.namespace.name)
            and self.pod in (None, own.name)
            and not self.peers.isdisjoint(_classes(own, peer))
        )

    @functools.cached_property
    def ports_covered(self) -> frozenset[Port]:
        """The ports that the row speaks of, among those that are tried."""
        protocols = {protocol for name in self.ports for protocol in _PORT_CLASSES.get(name, ())}
        return frozenset(
            port for port in ports() if str(port) in self.ports or port.protocol in protocols
        )

    def applies(self, own: Facts, peer: Facts) -> bool:
        """Whether one of the row's alternatives holds."""
        return any(alternative.holds(own, peer) for alternative in self.when)


class Table:
    """The rows, and the one rule that joins them: what no row allows is denied."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)

    @classmethod
    def load(cls, path: Path = HERE / "table.yaml") -> Table:
        """Read the table; a mistyped key is an error, not a row that never applies."""
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert set(data) == set(_PEER_KEYS), f"{path.name}: sections {sorted(data)}"
        return cls(
            row for section in data for spec in data[section] for row in _rows(section, spec)
        )


class Expectation:
    """The table, read for one setting."""

    def __init__(self, table: Table, setting: Setting) -> None:
        self.table = table
        self.setting = setting
        self._facts: dict[str, Facts] = {}
        self._about: dict[tuple[str, ...], list[Row]] = {}
        self._open: dict[tuple[Row, ...], frozenset[Port]] = {}

    def rows_about(self, direction: Direction, own: Endpoint, peer: Endpoint) -> list[Row]:
        """The rows that speak of this half of a flow between the two, on some port."""
        # No row names a workload namespace or its pods, so they are all alike here.
        alike = "same" if own.namespace == peer.namespace else "other"
        key = (direction, alike, *("" if _workload(end) else end.name for end in (own, peer)))
        if key not in self._about:
            self._about[key] = [
                row
                for row in self.table.rows
                if row.direction == direction and row.is_about(own, peer)
            ]
        return self._about[key]

    def rows_allowing(self, direction: Direction, own: Endpoint, peer: Endpoint) -> list[Row]:
        """Of those, the ones whose conditions hold."""
        own_facts, peer_facts = self._facts_of(own), self._facts_of(peer)
        about = self.rows_about(direction, own, peer)
        return [row for row in about if row.applies(own_facts, peer_facts)]

    def open_ports(self, direction: Direction, own: Endpoint, peer: Endpoint) -> frozenset[Port]:
        """The ports on which this half is allowed."""
        rows = tuple(self.rows_allowing(direction, own, peer))
        if rows not in self._open:
            self._open[rows] = frozenset[Port]().union(*(row.ports_covered for row in rows))
        return self._open[rows]

    def _facts_of(self, endpoint: Endpoint) -> Facts:
        name = endpoint.namespace.name if endpoint.namespace else ""
        if name not in self._facts:
            self._facts[name] = self.setting.facts(endpoint.namespace)
        return self._facts[name]


def _all_hold(conditions: Facts, facts: Facts) -> bool:
    for key, wanted in conditions.items():
        if key not in facts or wanted.isdisjoint(facts[key]):
            return False
    return True


def _workload(endpoint: Endpoint) -> bool:
    return endpoint.namespace is not None and not endpoint.namespace.platform


def _classes(own: Endpoint, peer: Endpoint) -> Iterator[str]:
    """Everything that a row can call the other end."""
    yield "anyone"
    yield peer.name
    if peer.namespace is not None:
        yield "pods"
        yield f"namespace/{peer.namespace.name}"
        if not peer.namespace.platform:
            yield "workload-pods"
        if peer.namespace == own.namespace:
            yield "same-namespace"


def _rows(section: str, spec: dict[str, Any]) -> Iterator[Row]:
    peer_key = _PEER_KEYS[section]
    known = {"row", "says", "of", "pod", "ports", "when", peer_key}
    assert set(spec) | {"pod"} == known, f"row {spec.get('row')}: keys {sorted(spec)}"
    directions: tuple[Direction, ...] = ("egress", "ingress")
    for direction in directions:
        if section in (direction, "both"):
            yield Row(
                name=spec["row"],
                says=" ".join(spec["says"].split()),
                direction=direction,
                of=spec["of"],
                pod=spec.get("pod"),
                peers=_set(spec[peer_key]),
                ports=_set(spec["ports"]),
                when=tuple(_alternatives(spec["when"])),
            )


def _alternatives(spec: Any) -> Iterator[Alternative]:
    if spec == "always":
        yield Alternative({}, {})
        return
    alternatives: list[dict[str, Any]] = spec if isinstance(spec, list) else [spec]
    for alternative in alternatives:
        own = {key: _set(value) for key, value in alternative.items() if key != "peer"}
        peer = {key: _set(value) for key, value in alternative.get("peer", {}).items()}
        yield Alternative(own, peer)


def _set(value: str | list[str]) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else value)
