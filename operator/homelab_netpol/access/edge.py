"""Who may talk to whom, as a graph: what its nodes and edges are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from homelab_netpol.access.ends import Ports


class NodeKind(StrEnum):
    """What an end of edges is."""

    NAMESPACE = "namespace"
    GATEWAY = "gateway"
    RESOURCE = "resource"
    DNS = "dns"
    SCRAPER = "scraper"
    WORLD = "world"
    LAN = "lan"
    ENTITY = "entity"
    NETWORK = "network"
    NAME = "name"
    ANY = "any"


class By(StrEnum):
    """By whose word an edge is there.

    Of the operator's policies: a profile, a grant, what an annotation or label opens to outside
    (`opening`), the other end of a grant (`companion`), a baseline, an open hatch. Else a policy by
    hand; or no policy at all, as none closes the direction (`open`).
    """

    PROFILE = "profile"
    GRANT = "grant"
    OPENING = "opening"
    COMPANION = "companion"
    POLICY = "policy"
    BASELINE = "baseline"
    HATCH = "hatch"
    OPEN = "open"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """An end of edges.

    Attributes:
        id: unique in a graph: `ns/photos`, `gateway/internal`, `world`.
        kind: what it is.
        label: its name.
    """

    id: str
    kind: NodeKind
    label: str


@dataclass(frozen=True, slots=True)
class Word:
    """What an edge comes from.

    Attributes:
        by: of which sort it is.
        text: which one: the profile's name, the resource, the policy; "" where `by` says all.
    """

    by: By
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """Connections that pass at both ends, from some pod of the source to some pod of the target.

    Attributes:
        source: who opens the connection, a node's id.
        target: who is called.
        word: what it comes from.
        ports: those that are open.
        unknown: those of which that cannot be said.
        without: of an edge from or to `any`: the nodes for which it does not hold; what holds for
            them, edges of their own say.
    """

    source: str
    target: str
    word: Word
    ports: tuple[Ports, ...]
    unknown: tuple[Ports, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessGraph:
    """Who may talk to whom in a cluster.

    `any` stands for pods of a Namespace that no rule names. So two Namespaces may talk if there is
    an edge between them, or if the first has an edge to `any` and the second one from it that share
    a port, and neither leaves the other out.

    Attributes:
        nodes: all ends that an edge has, and all Namespaces.
        edges: by source and target.
    """

    nodes: Sequence[Node] = field(default_factory=tuple)
    edges: Sequence[Edge] = field(default_factory=tuple)
