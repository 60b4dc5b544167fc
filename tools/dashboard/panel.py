"""One panel of the dashboard, rendered as Grafana's JSON. It knows no metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


class View(StrEnum):
    """How a panel shows its numbers, by Grafana's names of its built-in panels."""

    STAT = "stat"
    TABLE = "table"
    CURVES = "timeseries"
    BARS = "bargauge"
    STATES = "state-timeline"


@dataclass(frozen=True, slots=True)
class Query:
    """One query to Prometheus.

    Attributes:
        expr: in PromQL; may use `$namespace` and `$__rate_interval`.
        legend: what its series are called; labels in double braces.
    """

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """How a table shows one of its fields.

    Attributes:
        field: a label, or `Value #A` for the first query's value, and so on.
        title: above the column; "": the field is left out.
        unit: Grafana's id of a unit.
    """

    field: str
    title: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: above it.
        description: what it shows, and when to worry.
        view: how it shows it.
        queries: what it shows; of a table with several, rows with the same labels become one.
        unit: Grafana's id of the numbers' unit.
        width: of 24.
        height: in Grafana's units of 30 pixels.
        columns: of a table.
        alarm: the number from which on it is red.
        words: what to show instead of certain numbers.
    """

    title: str
    description: str
    view: View
    queries: Sequence[Query]
    unit: str = "none"
    width: int = 8
    height: int = 8
    columns: Sequence[Column] = ()
    alarm: float | None = None
    words: Mapping[int, tuple[str, str]] | None = None

    def rendered(self, number: int, x: int, y: int) -> Json:
        """The panel as Grafana reads it.

        Args:
            number: that no other panel has.
            x: its column.
            y: its row.
        """
        return {
            "id": number,
            "type": self.view.value,
            "title": self.title,
            "description": self.description,
            "datasource": _SOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": [self._target(*each) for each in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._field(), "overrides": self._overrides()},
            "options": _OPTIONS[self.view],
            "transformations": self._transformations(),
        }

    def _target(self, index: int, query: Query) -> Json:
        now = self.view not in (View.CURVES, View.STATES)
        return {
            "datasource": _SOURCE,
            "refId": chr(ord("A") + index),
            "expr": query.expr,
            "legendFormat": query.legend,
            "format": "table" if self.view is View.TABLE else "time_series",
            "instant": now,
            "range": not now,
        }

    def _field(self) -> Json:
        field: Json = {"unit": self.unit, "custom": _CUSTOM.get(self.view, {})}
        steps: list[Json] = [{"color": "green", "value": None}]
        if self.alarm is not None:
            steps.append({"color": "red", "value": self.alarm})
        field["thresholds"] = {"mode": "absolute", "steps": steps}
        field["color"] = {"mode": "palette-classic" if self.alarm is None else "thresholds"}
        if self.words:
            options = {
                str(number): {"text": text, "color": color, "index": index}
                for index, (number, (text, color)) in enumerate(self.words.items())
            }
            field["mappings"] = [{"type": "value", "options": options}]
        return field

    def _overrides(self) -> list[Json]:
        return [
            {
                "matcher": {"id": "byName", "options": column.title},
                "properties": [{"id": "unit", "value": column.unit}],
            }
            for column in self.columns
            if column.unit
        ]

    def _transformations(self) -> list[Json]:
        if self.view is not View.TABLE:
            return []
        titles = {column.field: column.title for column in self.columns if column.title}
        hidden = {"Time": True} | {c.field: True for c in self.columns if not c.title}
        order = {column.field: index for index, column in enumerate(self.columns)}
        organize = {"excludeByName": hidden, "renameByName": titles, "indexByName": order}
        return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]


_CUSTOM: dict[View, Json] = {
    View.CURVES: {"fillOpacity": 10, "lineWidth": 1, "showPoints": "never"},
    View.STATES: {"fillOpacity": 70, "lineWidth": 0},
}
_LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True}
_LATEST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[View, Json] = {
    View.STAT: {"reduceOptions": _LATEST, "colorMode": "background", "graphMode": "none"},
    View.TABLE: {"showHeader": True, "cellHeight": "sm"},
    View.CURVES: {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    View.BARS: {"reduceOptions": _LATEST, "orientation": "horizontal", "displayMode": "basic"},
    View.STATES: {"legend": _LEGEND, "mergeValues": True, "showValue": "never"},
}
