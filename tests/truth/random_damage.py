"""Breaks rules: one thing changed anywhere in one, as by a slip of the hand."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import Any

_STRANGERS: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 80, 65536, 10**12, 1.5, 80.0, "", "x", "80", [], {}, [None], [{}]),
    *(["all"], [""], {"x": 1}, {"matchLabels": {}}, [[]]),
)


def damaged(rule: Any, r: random.Random) -> Any:
    """The rule with one thing changed, anywhere in it."""
    rule = copy.deepcopy(rule)
    places = list(_places(rule))
    holder, key = r.choice(places)
    value = holder[key]
    kind = r.randrange(7)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = copy.deepcopy(r.choice(_STRANGERS))
    elif kind == 2 and isinstance(holder, dict) and isinstance(key, str):
        holder[mistyped(key, r)] = holder.pop(key)
    elif kind == 3 and isinstance(value, str):
        holder[key] = mistyped(value, r)
    elif kind == 4:
        other_holder, other_key = r.choice(places)
        holder[key] = copy.deepcopy(other_holder[other_key])
    elif kind == 5 and isinstance(holder, dict) and isinstance(key, str):
        other, name = r.choice([p for p in places if isinstance(p[0], dict)])
        holder[name] = copy.deepcopy(other[name])
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(value))
    else:
        holder[key] = [value] if not isinstance(value, list) else (value or [{}])[0]
    return rule


def mistyped(word: str, r: random.Random) -> str:
    """A word with a letter lost, added or moved, in the other case, or repeated."""
    at = r.randrange(len(word) + 1)
    changes = (
        word[:at] + word[at + 1 :],
        word[:at] + r.choice("abcXYZ019-_.:/*[]()+?{}\\ ,\n%é") + word[at:],
        word[: at - 1] + word[at:][:1] + word[at - 1 :][:1] + word[at + 1 :] if at else word * 2,
        word.swapcase(),
        word * r.choice([2, 9, 40]),
    )
    return r.choice(changes)


def _places(node: Any) -> Sequence[tuple[Any, Any]]:
    """Every place in a tree that holds a value: the holder, and the key or index in it."""
    found: list[tuple[Any, Any]] = []
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        found.append((node, key))
        if isinstance(value, dict | list):
            found += _places(value)
    return found
