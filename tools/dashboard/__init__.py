"""The Grafana dashboard, made from its rows.

    python -m tools.dashboard > manifests/components/monitoring/dashboard.json

A panel's position and id follow from its place in the list, so that no two panels overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.dashboard import cluster_rows, operator_rows
from tools.dashboard.panel import Json, Panel

_WIDTH = 24

__all__ = ["dashboard"]


def dashboard() -> Json:
    """The dashboard as Grafana 10 and later read it."""
    return {
        "uid": "homelab-netpol",
        "title": "Network policies",
        "description": "What the homelab-netpol operator does, and what it cannot do.",
        "tags": ["homelab-netpol", "cilium"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _namespaces()]},
        "annotations": {"list": []},
        "panels": list(_placed()),
    }


def _source() -> Json:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }


def _namespaces() -> Json:
    """The namespaces that have series; `All` also matches series without a namespace."""
    query = f"query_result({cluster_rows.AFFECTED})"
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": query, "refId": "namespace"},
        "definition": query,
        "regex": '/namespace="([^"]+)"/',
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _placed() -> Iterator[Json]:
    number, y = 0, 0
    for title, panels in (*cluster_rows.ROWS, *operator_rows.ROWS):
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": _WIDTH, "x": 0, "y": y},
            "panels": [],
        }
        y += 1
        for line in _lines(panels):
            x = 0
            for panel in line:
                number += 1
                yield panel.rendered(number, x, y)
                x += panel.width
            y += max(panel.height for panel in line)


def _lines(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    line: list[Panel] = []
    for panel in panels:
        if sum(each.width for each in line) + panel.width > _WIDTH:
            yield line
            line = []
        line.append(panel)
    if line:
        yield line
