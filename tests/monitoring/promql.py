"""Reads which metrics and labels an expression of PromQL mentions. Knows its tokens, not its sense.

Whether the expression means anything at all is Prometheus's own to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
  | (?P<range>\[[^\]]*\])
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:ms|[smhdwy])?)
  | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
  | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^=<>(){},@])
    """,
    re.VERBOSE,
)
_LISTS_LABELS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan", "start", "end"}


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector of series.

    Attributes:
        metric: its name.
        labels: the labels that its matchers name.
    """

    metric: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What an expression mentions.

    Attributes:
        selectors: of series.
        lists: the labels that aggregations and matchings list.
    """

    selectors: tuple[Selector, ...]
    lists: frozenset[str]


def mentioned(expression: str) -> Mentioned:
    """Reads an expression.

    Raises:
        ValueError: it is not made of PromQL's tokens.
    """
    tokens = list(_tokens(expression))
    selectors, lists = [], set[str]()
    index = 0
    while index < len(tokens):
        kind, text = tokens[index]
        index += 1
        if kind != "word":
            continue
        follows = tokens[index][1] if index < len(tokens) else ""
        if text.lower() in _LISTS_LABELS:
            if follows == "(":
                words, index = _enclosed(tokens, index, ")")
                lists.update(words)
        elif text.lower() not in _WORDS and follows not in ("(", "by", "without"):
            labels: list[str] = []
            if follows == "{":
                labels, index = _enclosed(tokens, index, "}")
            selectors.append(Selector(text, frozenset(labels)))
    return Mentioned(tuple(selectors), frozenset(lists))


def _enclosed(tokens: list[tuple[str, str]], index: int, end: str) -> tuple[list[str], int]:
    """The words up to a closing bracket, and what comes after it."""
    close = next(i for i in range(index, len(tokens)) if tokens[i][1] == end)
    return [text for kind, text in tokens[index:close] if kind == "word"], close + 1


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    index = 0
    while index < len(expression):
        match = _TOKEN.match(expression, index)
        if match is None or match.lastgroup is None:
            raise ValueError(f"not PromQL from here on: {expression[index:]!r}")
        if match.lastgroup != "space":
            yield match.lastgroup, match.group()
        index = match.end()
