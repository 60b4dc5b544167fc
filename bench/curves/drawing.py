"""Draws the curves as an SVG that can be read on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from bench.contenders import BARE, PLAIN_KOPF, STOCK, TUNED
from bench.curves.series import PANELS, Panel, Point, Series
from bench.subjects import OURS

_WIDTH, _HEIGHT = 920, 680
_PANEL_WIDTH, _PANEL_HEIGHT = 360, 210
_LEFT, _TOP, _ACROSS, _DOWN = 62, 96, 440, 300
_TICKS = 4
_CAPTION = (
    "Across: how many namespaces are created at once. Dots: median of the rounds; thin lines: from"
    " the least to the most."
)
# Told apart by those who do not see red and green alike too, on white and on black.
_CLASSES = {OURS: "ours", BARE: "bare", PLAIN_KOPF: "kopf", TUNED: "tuned", STOCK: "stock"}
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.head { font-size: 14px; font-weight: 600; fill: #24292f; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.ours { --c: #0969da; } .bare { --c: #6e7781; } .kopf { --c: #bc4c00; }
.tuned { --c: #1a7f64; } .stock { --c: #8250df; } .other { --c: #bf3989; }
.line { fill: none; stroke: var(--c); stroke-width: 2; }
.ours.line { stroke-width: 3; } .bare.line { stroke-dasharray: 5 4; }
.dot { fill: var(--c); } .reach { stroke: var(--c); stroke-width: 1; opacity: .6; }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1; } .head { fill: #f0f6fc; } .grid { stroke: #3d444d; }
  .ours { --c: #4493f8; } .bare { --c: #9198a1; } .kopf { --c: #f0883e; }
  .tuned { --c: #3fb99d; } .stock { --c: #ab7df8; } .other { --c: #f778ba; }
}
"""


def draw(series: Series) -> str:
    """The picture.

    Args:
        series: of `read_series`.
    """
    names = list(dict.fromkeys(name for curves in series.values() for name in curves))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        "<title>Cost against the number of namespaces</title>",
        f"<style>{_STYLE}</style>",
        _legend(names),
    ]
    for number, panel in enumerate(PANELS):
        x, y = _LEFT + _ACROSS * (number % 2), _TOP + _DOWN * (number // 2)
        drawn = _panel(panel, series.get(panel.title, {}))
        parts.append(f'<g transform="translate({x} {y})">{drawn}</g>')
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 14}">{_CAPTION}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(names: Sequence[str]) -> str:
    parts, x = [], _LEFT
    for name in names:
        parts.append(f'<path class="line {_class(name)}" d="M{x} 28h26"/>')
        parts.append(f'<circle class="dot {_class(name)}" cx="{x + 13}" cy="28" r="3.5"/>')
        parts.append(f'<text x="{x + 34}" y="32">{escape(name)}</text>')
        x += 64 + round(6.2 * len(name))
    return "".join(parts)


def _panel(panel: Panel, curves: Mapping[str, Sequence[Point]]) -> str:
    points = [point for curve in curves.values() for point in curve]
    head = f'<text class="head" x="0" y="-16">{escape(panel.title)}</text>'
    if not points:
        return head
    sizes = sorted({point.namespaces for point in points})
    top = _round_up(max(point.figure.most for point in points))

    def x(namespaces: float) -> float:
        if sizes[0] == sizes[-1]:
            return _PANEL_WIDTH / 2
        share = math.log(namespaces / sizes[0]) / math.log(sizes[-1] / sizes[0])
        return round(share * _PANEL_WIDTH, 1)

    def y(figure: float) -> float:
        return round(_PANEL_HEIGHT * (1 - figure / top), 1)

    parts = [head]
    for tick in range(_TICKS + 1):
        value = top * tick / _TICKS
        parts.append(f'<path class="grid" d="M0 {y(value)}h{_PANEL_WIDTH}"/>')
        parts.append(f'<text x="-8" y="{y(value) + 4}" text-anchor="end">{value:,g}</text>')
    for size in sizes:
        below = _PANEL_HEIGHT + 20
        parts.append(f'<text x="{x(size)}" y="{below}" text-anchor="middle">{size:,}</text>')
    # Ours last, on top of the others.
    for name, curve in sorted(curves.items(), key=lambda pair: pair[0] == OURS):
        kind = _class(name)
        line = " ".join(f"{x(point.namespaces)},{y(point.figure.median)}" for point in curve)
        parts.append(f'<polyline class="line {kind}" points="{line}"/>')
        for size, figure in curve:
            reach = f"M{x(size)} {y(figure.least)}V{y(figure.most)}"
            parts.append(f'<path class="reach {kind}" d="{reach}"/>')
            parts.append(
                f'<circle class="dot {kind}" cx="{x(size)}" cy="{y(figure.median)}" r="3.5">'
                f"<title>{escape(name)}, {size:,} namespaces: {figure.text(2)} {panel.unit}</title>"
                "</circle>"
            )
    return "".join(parts)


def _class(name: str) -> str:
    return _CLASSES.get(name, "other")


def _round_up(value: float) -> float:
    """The next number that four ticks divide well."""
    step = 10 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(
        step * each for each in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if step * each >= value
    )
