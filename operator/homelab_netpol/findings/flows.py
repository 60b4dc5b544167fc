"""The part of a rule that has an effect, asked for single connections. Pure.

Connections are chosen so that one of them decides, whatever the rules are: at each port and address
where one of them begins or ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Pod
from homelab_netpol.cilium.evaluation.policy import Direction, PortSpan, Rule
from homelab_netpol.cilium.terms import LAST_PORT, TRANSPORT_PROTOCOLS
from homelab_netpol.findings.finding import join_words, name_ports
from homelab_netpol.findings.peers import Peer

# Whether a connection with a peer's endpoint counts, on a port of a protocol.
Counts = Callable[[Peer, Endpoint, int, str], bool]

_EVERY_PORT = (PortSpan(0, LAST_PORT, frozenset(TRANSPORT_PROTOCOLS)),)
_MOST_PEERS = 4
_MOST_PORTS = 4


def what_counts(
    rule: Rule, peers: Iterable[Peer], turns: Sequence[int], counts: Counts
) -> list[str]:
    """Of what a rule is about the part that counts, in words: peers, and on which ports.

    Args:
        rule: the rule.
        peers: its peers.
        turns: where the ports of other rules begin, and have ended.
        counts: whether a connection counts.
    """
    on: defaultdict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    spans = _EVERY_PORT if rule.ports is None else rule.ports
    for peer in peers:
        # Only containers name ports, those of the pods that are called.
        named = rule.direction is Direction.INGRESS or _is_pods(peer)
        found = [
            span
            for span in spans
            if (named or not span.name) and _any_counts(span, peer, turns, counts)
        ]
        if found:
            on[_words(found)][peer.words] = None
    return [
        f"{join_words(_some(list(words), _MOST_PEERS))}"
        f" on {join_words(_some(list(ports), _MOST_PORTS))}"
        for ports, words in on.items()
    ]


def directions_in_words(
    found: Mapping[Direction, Sequence[str]], room: int, ways: Mapping[Direction, str]
) -> str:
    """What counts in each direction, in so many characters at most."""
    separator = "; "
    share = room // max(len(found), 1) - len(separator)
    parts = (_as_fits(f"{ways[direction]} ", words, share) for direction, words in found.items())
    return separator.join(parts)


def _as_fits(way: str, words: Sequence[str], room: int) -> str:
    rest = " and more"
    text = way + words[0]
    if len(text) > room:
        return f"{text[: room - 1]}…"
    for word in words[1:]:
        longer = f"{text}, {word}"
        if len(longer) + len(rest) > room:
            return text + rest
        text = longer
    return text


def _is_pods(peer: Peer) -> bool:
    return all(isinstance(endpoint, Pod) for endpoint in peer.endpoints)


def _any_counts(span: PortSpan, peer: Peer, turns: Sequence[int], counts: Counts) -> bool:
    by_name = span.doubt is Doubt.NAMED_PORT and bool(span.name)
    if span.doubt is not None and not by_name:
        return False
    first, last = span.first or 1, span.last if span.first else LAST_PORT
    ports = [first, *(port for port in turns if first < port <= last)]
    # Which number a name has is not known, so every port must count.
    asked = all if by_name else any
    return any(
        asked(counts(peer, endpoint, port, protocol) for port in ports)
        for endpoint in peer.endpoints
        for protocol in TRANSPORT_PROTOCOLS
        if protocol in span.protocols
    )


def _words(spans: Iterable[PortSpan]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for span in spans for word in _of_span(span)))


def _of_span(span: PortSpan) -> Iterator[str]:
    protocols = [each for each in TRANSPORT_PROTOCOLS if each in span.protocols]
    if span.name:
        yield f"port {span.name}"
    elif span.first:
        each = "/".join(protocols)
        yield name_ports([(each, span.first, span.last)])
    elif len(protocols) == len(TRANSPORT_PROTOCOLS):
        yield "every port"
    else:
        yield f"every {'/'.join(protocols)} port"


def _some(words: list[str], most: int) -> list[str]:
    if len(words) <= most:
        return words
    return [*words[: most - 1], f"{len(words) - most + 1} more"]
