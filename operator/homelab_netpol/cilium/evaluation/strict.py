"""Reads the parts that all kinds of policies are made of: lists, label selectors, networks. Pure.

What has an unexpected shape raises Unreadable, and is never guessed at: an unknown field may change
what the rest means.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.evaluation.policy import Unreadable
from homelab_netpol.cilium.selectors import Requirement, read_selector


def mapping(value: Any, known: Collection[str]) -> Mapping[str, Any]:
    """An object of which every field is known."""
    fields = anything(value)
    if not set(fields) <= set(known):
        raise Unreadable
    return fields


def anything(value: Any) -> Mapping[str, Any]:
    """An object with any fields."""
    if not isinstance(value, Mapping):
        raise Unreadable
    return value


def optional(value: Any) -> Any:
    """An object that may be absent, which means the same as an empty one."""
    return {} if value is None else value


def port_number(value: Any) -> int:
    """A port given as a number, at most the last there is; an absent one is 0."""
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= terms.LAST_PORT:
        raise Unreadable
    return value


def word(value: Any, known: Collection[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in known:
        raise Unreadable
    return value


def items(value: Any) -> list[Any]:
    """A list; an absent one is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable
    return value


def network(value: Any) -> terms.IpNetwork:
    """A network in CIDR notation, or one address."""
    if not isinstance(value, str):
        raise Unreadable
    found = terms.parse_cidr(value) or terms.parse_cidr(f"{value}/{128 if ':' in value else 32}")
    if found is None:
        raise Unreadable
    return found


def requirements(selector: Any, source: str = terms.SOURCE_ANY) -> list[Requirement]:
    """The conditions of a label selector, matchLabels first.

    Args:
        selector: the selector.
        source: of keys that name none of Cilium's sources (`source:key`).
    """
    fields = mapping(selector, ("matchLabels", "matchExpressions"))
    labels = anything(optional(fields.get("matchLabels")))
    for expression in items(fields.get("matchExpressions")):
        items(mapping(expression, ("key", "operator", "values")).get("values"))
    try:
        found = list(read_selector(fields, source).requirements)
    except ValueError:
        raise Unreadable from None
    if len({(one.source, one.key) for one in found[: len(labels)]}) < len(labels):
        raise Unreadable  # `app` beside `any:app`: Cilium keeps either, by chance
    return found
