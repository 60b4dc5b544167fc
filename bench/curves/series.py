"""From what was measured to the points of each curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.figures import Spread

Series = dict[str, dict[str, list["Point"]]]


class Point(NamedTuple):
    """One figure at one number of Namespaces, over the rounds."""

    namespaces: int
    figure: Spread


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram.

    Attributes:
        title: what is shown, in which unit.
        unit: of one figure.
        read: the figure of one round of the scenario at-once, None if it holds none.
    """

    title: str
    unit: str
    read: Callable[[Mapping[str, Any]], float | None]


def _rate(result: Mapping[str, Any]) -> float:
    return float(len(result["burst"]["delays"]) / result["burst"]["seconds"])


def _cpu(result: Mapping[str, Any]) -> float | None:
    used = result["cpu"].get("operator")
    return None if used is None else float(1e3 * used / len(result["burst"]["delays"]))


def _peak(result: Mapping[str, Any]) -> float | None:
    return float(result["memory"]["peak"]) if "memory" in result else None


def _ready(result: Mapping[str, Any]) -> float | None:
    return float(result["restart"]["seconds"]) if "restart" in result else None


PANELS = (
    Panel("All at once: namespaces a second", "a second", _rate),
    Panel("CPU time of the operator for each, ms", "ms", _cpu),
    Panel("Peak memory of the operator, MB", "MB", _peak),
    Panel("Restart among them: seconds to ready", "s", _ready),
)


def read_series(document: Mapping[str, Any]) -> Series:
    """The points by title of the panel and name of the contender.

    Args:
        document: what `--json` wrote, of `curves` or of an ordinary run.
    """
    records = [
        each for each in document["records"] if each["scenario"] == "at-once" and "result" in each
    ]
    return {panel.title: _curves(panel, records) for panel in PANELS}


def _curves(panel: Panel, records: Iterable[Mapping[str, Any]]) -> dict[str, list[Point]]:
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in records:
        figure = panel.read(each["result"])
        if figure is not None:
            found[each["contender"]][each["namespaces"]].append(figure)
    return {
        name: [Point(size, Spread.of(by_size[size])) for size in sorted(by_size)]
        for name, by_size in found.items()
    }
