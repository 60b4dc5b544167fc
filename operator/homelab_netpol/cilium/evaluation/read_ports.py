"""Reads `toPorts` and `icmps` of a rule of Cilium's: ports, types, and what is asked beyond. Pure.

What each means is Cilium's reading of them (its package policy/api, 1.20).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.evaluation import strict
from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.policy import PortSpan, Unreadable
from homelab_netpol.cilium.icmp_types import ICMP_V4, ICMP_V6

# Everything in an item of toPorts that hands connections to a proxy.
_PROXIED = ("rules", "listener", "terminatingTLS", "originatingTLS", "serverNames")
_LAST_TYPE = 255
_FAMILIES = {"IPv4": (terms.ICMP, ICMP_V4), "IPv6": (terms.ICMP_V6, ICMP_V6)}
_PROTOCOLS = {
    **{name: frozenset({name}) for name in (*terms.TRANSPORT_PROTOCOLS, terms.ICMP)},
    terms.ICMP_V6.upper(): frozenset({terms.ICMP_V6}),
    terms.ANY_PROTOCOL: frozenset(terms.TRANSPORT_PROTOCOLS),
}


def read_ports(fields: Mapping[str, Any]) -> tuple[PortSpan, ...] | None:
    """The ports of a rule, and its types of ICMP; None: it is about all of all protocols.

    Raises:
        Unreadable: something is not understood, or Cilium rejects it.
    """
    to_ports, icmps = strict.items(fields.get("toPorts")), strict.items(fields.get("icmps"))
    if to_ports and icmps:
        raise Unreadable
    if icmps:
        items = (strict.mapping(item, ("fields",)).get("fields") for item in icmps)
        return tuple(_type(field) for item in items for field in strict.items(item))
    if not to_ports:
        return None
    spans: list[PortSpan] = []
    for item in to_ports:
        parts = strict.mapping(item, ("ports", *_PROXIED))
        requests = _requests(parts) if len(parts) > 1 else None
        spans += [_span(port, requests) for port in strict.items(parts.get("ports"))]
    return tuple(spans)


def _span(port: Any, requests: tuple[str, ...] | None) -> PortSpan:
    parts = strict.mapping(port, ("port", "endPort", "protocol"))
    port_or_name, end = parts.get("port"), strict.port_number(parts.get("endPort"))
    protocol = str(parts.get("protocol") or terms.ANY_PROTOCOL).upper()
    filtered = requests is not None
    asked = requests or ()
    if protocol in terms.PORTLESS_PROTOCOLS:
        protocols = frozenset({protocol})
        return PortSpan(0, terms.LAST_PORT, protocols, filtered, requests=asked)
    protocols = _PROTOCOLS[strict.word(protocol, _PROTOCOLS)]
    if not isinstance(port_or_name, str):
        raise Unreadable
    if terms.is_port_name(port_or_name):
        doubt = Doubt.ODD_PORT if end else Doubt.NAMED_PORT
        return PortSpan(0, terms.LAST_PORT, protocols, filtered, doubt, port_or_name, asked)
    if not terms.is_port_number(port_or_name):
        raise Unreadable
    first = strict.port_number(int(port_or_name))
    odd = Doubt.ODD_PORT if end and not first else None
    return PortSpan(first, max(first, end), protocols, filtered, odd, requests=asked)


def _type(field: Any) -> PortSpan:
    """A type of ICMP, where Cilium has a port; so type 0 is every type."""
    parts = strict.mapping(field, ("family", "type"))
    family, value = parts.get("family") or "IPv4", parts.get("type")
    protocol, names = _FAMILIES[strict.word(family, _FAMILIES)]
    if isinstance(value, str):
        if value not in names and not terms.is_port_number(value):
            raise Unreadable
        value = names[value] if value in names else int(value)
    if value is None or strict.port_number(value) > _LAST_TYPE:
        raise Unreadable
    return PortSpan(value, value, frozenset({protocol}))


# What a proxy looks at


def _requests(parts: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What passes beyond the port, in words; None: everything."""
    rules = strict.anything(strict.optional(parts.get("rules")))
    if not any(rules.values()) and not any(parts.get(key) for key in _PROXIED if key != "rules"):
        return None
    return tuple(_words(parts, rules))


def _words(parts: Mapping[str, Any], rules: Mapping[str, Any]) -> Iterator[str]:
    for kind, given in rules.items():
        for rule in given if isinstance(given, list) else ():
            said = rule if isinstance(rule, Mapping) else {}
            yield _of_http(said) if kind == "http" else _of_others(str(kind), said)
    names = parts.get("serverNames")
    if isinstance(names, list) and names:
        yield f"TLS {', '.join(map(str, names))}"
    elif parts.get("terminatingTLS") or parts.get("originatingTLS"):
        yield "TLS"
    if parts.get("listener"):
        listener = parts["listener"]
        name = listener.get("name", "") if isinstance(listener, Mapping) else ""
        yield f"what the listener {name} of Envoy lets pass"


def _of_http(rule: Mapping[str, Any]) -> str:
    words = ["HTTP", *(str(rule[key]) for key in ("method", "path") if rule.get(key))]
    if rule.get("host"):
        words.append(f"at {rule['host']}")
    if rule.get("headers") or rule.get("headerMatches"):
        words.append("with some headers")
    return " ".join(words) if len(words) > 1 else "every HTTP request"


def _of_others(kind: str, rule: Mapping[str, Any]) -> str:
    return " ".join([kind.upper(), *(str(value) for value in rule.values() if value)])
