"""A Namespace's ways as a picture: SVG that needs nothing else, and Graphviz's DOT. Pure.

The picture is narrow and tall, so that its text can be read on a telephone as well; who reaches the
Namespace stands above it, whom it reaches below.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from homelab_netpol.access.reach import ports_in_words
from homelab_netpol.access.reach_rows import Row
from homelab_netpol.cilium.evaluation import Direction

_WIDTH = 460
_RAIL = 26
_LEFT = 52
_PADDING = 12
_LINE = 20
_GAP = 10
_CHARACTERS = 46  # of 15 pixels' type, in a card

_STYLE = """
    .paper { fill: #ffffff; }
    .card { fill: #f4f6f9; stroke: #c3cad4; }
    .namespace { fill: #e6f4ea; stroke: #3d8b55; stroke-width: 2; }
    text { fill: #1b2430; }
    .detail { fill: #4a5565; font-size: 13px; }
    .head { font-weight: 600; }
    .way { stroke: #4a5565; fill: none; stroke-width: 1.6; }
    .tip { fill: #4a5565; }
    .doubt { stroke-dasharray: 4 3; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #14181e; }
      .card { fill: #242c37; stroke: #7f8b9c; }
      .namespace { fill: #193326; stroke: #5fb57c; }
      text { fill: #e8ecf1; }
      .detail { fill: #b3bdca; }
      .way { stroke: #b3bdca; }
      .tip { fill: #b3bdca; }
    }"""


def svg(namespace: str, rows: Sequence[Row]) -> str:
    """The picture as SVG, with its own colours for light and dark."""
    inward = [row for row in rows if row.direction is Direction.INGRESS]
    outward = [row for row in rows if row.direction is Direction.EGRESS]
    drawing = _Drawing()
    drawing.heading(f"May reach {namespace}" if inward else f"Nothing may reach {namespace}")
    middles = [drawing.card(row) for row in inward]
    middle = drawing.namespace(namespace)
    if middles:
        drawing.rail(middles, into=middle)
    start = drawing.y
    drawing.heading(
        f"{namespace} may reach" if outward else f"{namespace} may reach nothing", gap=_GAP
    )
    middles = [drawing.card(row) for row in outward]
    if middles:
        drawing.rail_out(start - _GAP, middles)
    return drawing.document(
        f"What the Namespace {namespace} may reach, and what may reach it",
        " ".join(_sentence(namespace, row) for row in rows),
    )


def dot(namespace: str, rows: Sequence[Row]) -> str:
    """The picture in Graphviz's language."""
    lines = [
        "digraph access {",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
        f'  {_quoted(namespace)} [style="rounded,bold"];',
    ]
    for row in rows:
        own = _quoted(namespace)
        for peer in row.peers:
            other = _quoted(peer)
            pair = (other, own) if row.direction is Direction.INGRESS else (own, other)
            label = "\n".join(_details(row))
            style = "" if row.ports else ", style=dashed"
            lines.append(f"  {pair[0]} -> {pair[1]} [label={_quoted(label)}{style}];")
    return "\n".join([*lines, "}", ""])


@dataclass
class _Drawing:
    """Draws from top to bottom."""

    y: int = 14

    def __post_init__(self) -> None:
        self._parts: list[str] = []

    def heading(self, text: str, gap: int = 0) -> None:
        """A line above cards."""
        self.y += gap
        for line in _wrapped(text, _CHARACTERS):
            self.y += _LINE
            self._text(_LEFT, self.y - 5, line, "head")
        self.y += 4

    def card(self, row: Row) -> int:
        """A row of the table; the height of its middle."""
        peers = _wrapped(", ".join(row.peers), _CHARACTERS)
        details = [line for text in _details(row) for line in _wrapped(text, _CHARACTERS + 6)]
        top, height = self.y, 2 * _PADDING + _LINE * (len(peers) + len(details)) - 4
        kind = "card" if row.ports else "card doubt"
        self._parts.append(
            f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{_WIDTH - _LEFT - 12}"'
            f' height="{height}" rx="8"/>'
        )
        for index, line in enumerate([*peers, *details]):
            where = top + _PADDING + 12 + index * _LINE
            self._text(_LEFT + _PADDING, where, line, "" if index < len(peers) else "detail")
        self.y = top + height + _GAP
        return top + height // 2

    def namespace(self, name: str) -> int:
        """The box of the Namespace; its upper edge."""
        self.y += _GAP
        top, lines = self.y, _wrapped(name, _CHARACTERS)
        height = 2 * _PADDING + _LINE * (len(lines) + 1) - 4
        self._parts.append(
            f'<rect class="namespace" x="12" y="{top}" width="{_WIDTH - 24}" height="{height}"'
            ' rx="8"/>'
        )
        self._text(_LEFT + _PADDING, top + _PADDING + 12, "Namespace", "detail")
        for index, line in enumerate(lines, 1):
            self._text(_LEFT + _PADDING, top + _PADDING + 12 + index * _LINE, line, "head")
        self.y = top + height + _GAP
        return top

    def rail(self, middles: Sequence[int], into: int) -> None:
        """Lines from cards down into the Namespace."""
        for middle in middles:
            self._parts.append(f'<path class="way" d="M{_LEFT} {middle}H{_RAIL}"/>')
        self._parts.append(f'<path class="way" d="M{_RAIL} {middles[0]}V{into - 9}"/>')
        self._parts.append(f'<path class="tip" d="M{_RAIL} {into - 1}l-5 -10h10z"/>')

    def rail_out(self, start: int, middles: Sequence[int]) -> None:
        """Lines from the Namespace down to cards."""
        self._parts.append(f'<path class="way" d="M{_RAIL} {start}V{middles[-1]}"/>')
        for middle in middles:
            self._parts.append(f'<path class="way" d="M{_RAIL} {middle}H{_LEFT - 9}"/>')
            self._parts.append(f'<path class="tip" d="M{_LEFT - 1} {middle}l-10 -5v10z"/>')

    def document(self, title: str, description: str) -> str:
        """The whole picture."""
        height = self.y + 8
        body = "\n  ".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
            f' width="{_WIDTH}" height="{height}" role="img" aria-labelledby="title desc"'
            " font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\""
            ' font-size="15" style="max-width: 100%; height: auto">\n'
            f'  <title id="title">{_text_of(title)}</title>\n'
            f'  <desc id="desc">{_text_of(description)}</desc>\n'
            f"  <style>{_STYLE}\n  </style>\n"
            f'  <rect class="paper" width="{_WIDTH}" height="{height}" rx="10"/>\n'
            f"  {body}\n</svg>\n"
        )

    def _text(self, x: int, y: int, text: str, kind: str) -> None:
        styled = f' class="{kind}"' if kind else ""
        self._parts.append(f'<text{styled} x="{x}" y="{y}">{_text_of(text)}</text>')


def _details(row: Row) -> list[str]:
    lines = [ports_in_words(row.ports)] if row.ports else []
    if row.unknown:
        lines.append(f"unknown: {ports_in_words(row.unknown)}")
    if row.pods:
        lines.append(f"only {', '.join(row.pods)}")
    return lines


def _sentence(namespace: str, row: Row) -> str:
    verb = "may" if row.ports else "perhaps may"
    own = ", ".join(row.pods) or namespace
    ends = (", ".join(row.peers), own)
    source, target = ends if row.direction is Direction.INGRESS else reversed(ends)
    return f"{source} {verb} reach {target} on {ports_in_words(row.ports or row.unknown)}."


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _text_of(text: str) -> str:
    """Text for XML, without the characters that it cannot hold."""
    return escape("".join(each if each.isprintable() else "�" for each in text))


def _quoted(text: str) -> str:
    """A string of DOT's."""
    safe = "".join(each if each.isprintable() or each == "\n" else "�" for each in text)
    escaped = safe.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
