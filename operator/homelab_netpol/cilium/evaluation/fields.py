"""Reads the parts that all kinds of policies are made of: lists, label requirements, networks.

Pure. What has an unexpected shape is Unreadable, never guessed at: an unknown field may change what
the rest means.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import Any

from homelab_netpol.cilium.evaluation.endpoint import AnyNetwork
from homelab_netpol.cilium.evaluation.matchers import Requirement
from homelab_netpol.cilium.evaluation.policy import Unreadable
from homelab_netpol.intent import Operator

_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def mapping(value: Any, known: Collection[str]) -> Mapping[str, Any]:
    """An object of which every field is known.

    Raises:
        Unreadable: it is something else, or has other fields.
    """
    fields = anything(value)
    if not set(fields) <= set(known):
        raise Unreadable
    return fields


def anything(value: Any) -> Mapping[str, Any]:
    """An object with any fields.

    Raises:
        Unreadable: it is something else.
    """
    if not isinstance(value, Mapping):
        raise Unreadable
    return value


def optional(value: Any) -> Any:
    """An object that may be absent, which means the same as an empty one."""
    return {} if value is None else value


def number(value: Any, highest: int) -> int:
    """A whole number from 0 up; an absent one is 0.

    Raises:
        Unreadable: it is something else, or higher.
    """
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
        raise Unreadable
    return value


def word(value: Any, known: Collection[str]) -> str:
    """One of a few words.

    Raises:
        Unreadable: it is something else.
    """
    if not isinstance(value, str) or value not in known:
        raise Unreadable
    return value


def items(value: Any) -> list[Any]:
    """A list; an absent one is empty.

    Raises:
        Unreadable: it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable
    return value


def network(value: Any) -> AnyNetwork:
    """A network in CIDR notation, or one address.

    Raises:
        Unreadable: it is neither.
    """
    if not isinstance(value, str):
        raise Unreadable
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise Unreadable from None


def requirements(selector: Any, default_source: str) -> list[Requirement]:
    """The conditions of a Kubernetes label selector, matchLabels first.

    Args:
        selector: the selector.
        default_source: of keys that name no source of Cilium's (`source:key`).

    Raises:
        Unreadable: it is no selector, or one that Cilium rejects.
    """
    fields = mapping(selector, ("matchLabels", "matchExpressions"))
    labels = anything(optional(fields.get("matchLabels")))
    found = [
        _requirement(key, default_source, Operator.IN, [value]) for key, value in labels.items()
    ]
    if len({(one.source, one.key) for one in found}) < len(found):
        raise Unreadable  # `app` beside `any:app`: Cilium keeps either, by chance
    for expression in items(fields.get("matchExpressions")):
        parts = mapping(expression, ("key", "operator", "values"))
        operator = Operator(word(parts.get("operator"), [*Operator]))
        values = items(parts.get("values"))
        if bool(values) != (operator in (Operator.IN, Operator.NOT_IN)):
            raise Unreadable
        found.append(_requirement(parts.get("key"), default_source, operator, values))
    return found


def _requirement(
    key: Any, default_source: str, operator: Operator, values: list[Any]
) -> Requirement:
    if not isinstance(key, str):
        raise Unreadable
    source, colon, name = key.partition(":")
    if not colon:
        source, name = default_source, key
    well_formed = [isinstance(value, str) and _VALUE.fullmatch(value) for value in values]
    if not source or not _KEY.fullmatch(name) or not all(well_formed):
        raise Unreadable
    return Requirement(source, name, operator, frozenset(values))
