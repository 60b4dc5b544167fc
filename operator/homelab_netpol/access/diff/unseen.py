"""What policies say that verdicts do not look at: HTTP and DNS, ICMP, CIDR groups, nodes. Pure.

A change of one of these must be said, though whether more passes by it is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from homelab_netpol.cilium.terms import CCNP, CNP

_SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
# What hands connections to a proxy, or asks for mutual authentication.
_OF_PORTS = ("rules", "listener", "terminatingTLS", "originatingTLS", "serverNames")
REQUESTS, ICMP = "rules about requests (HTTP, DNS, TLS)", "rules about ICMP"


class Unseen(NamedTuple):
    """One such part of a rule.

    Attributes:
        kind: `REQUESTS` or `ICMP`.
        direction: `ingress` or `egress`.
        text: what is written, in one form.
    """

    kind: str
    direction: str
    text: bytes


def unseen_in(manifest: Mapping[str, Any]) -> Iterator[Unseen]:
    """The parts of a policy that no verdict depends on."""
    if manifest.get("kind") not in (CNP, CCNP):
        return
    specs = manifest.get("specs")
    for spec in (manifest.get("spec"), *(specs if isinstance(specs, list) else ())):
        if not isinstance(spec, Mapping):
            continue
        for section in _SECTIONS:
            rules = spec.get(section)
            for rule in rules if isinstance(rules, list) else ():
                if isinstance(rule, Mapping):
                    yield from _of_rule(rule, section)


def names_group(manifest: Mapping[str, Any]) -> bool:
    """The policy looks at CIDR groups."""
    text = _text([manifest.get("spec"), manifest.get("specs")])
    return b'"cidrGroupRef"' in text or b'"cidrGroupSelector"' in text


def is_for_nodes(manifest: Mapping[str, Any]) -> bool:
    """The policy is the host firewall's, in one of its specs at least."""
    specs = manifest.get("specs")
    return any(
        isinstance(spec, Mapping) and "nodeSelector" in spec
        for spec in (manifest.get("spec"), *(specs if isinstance(specs, list) else ()))
    )


def looks_at_namespace_labels(manifest: Mapping[str, Any], keys: Iterable[str] = ("",)) -> bool:
    """The policy may look at labels of Namespaces; given keys, at one of these."""
    text = _text([manifest.get("spec"), manifest.get("specs")])
    may = b"namespace.labels." in text or b"amespaceSelector" in text or b'"namespaces"' in text
    return may and any(key.encode() in text for key in keys)


def _of_rule(rule: Mapping[str, Any], section: str) -> Iterator[Unseen]:
    direction = section.removesuffix("Deny")
    if rule.get("icmps"):
        yield Unseen(ICMP, direction, _text([section, rule]))
    items = rule.get("toPorts")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and any(item.get(key) for key in _OF_PORTS):
            about = {key: item.get(key) for key in _OF_PORTS}
            yield Unseen(REQUESTS, direction, _text([section, about]))


def _text(value: Any) -> bytes:
    try:
        return orjson.dumps(
            value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str
        )
    except orjson.JSONEncodeError:
        return repr(value).encode()


def differing(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Kinds and directions of what is said differently, in policies that have changed.

    Rules about requests that only one side has are seen by the verdicts: they narrow.
    """
    was, now = ({one for each in side for one in unseen_in(each)} for side in (before, after))
    found = []
    for kind in (REQUESTS, ICMP):
        for direction in ("egress", "ingress"):
            old, new = (
                {one for one in side if one[:2] == (kind, direction)} for side in (was, now)
            )
            if old != new and (kind == ICMP or (old and new)):
                found.append((kind, direction))
    return found
