"""The page docs/metrics.md: each metric with its type, labels, meaning, and what uses it.

    python -m tools.metrics_reference > docs/metrics.md

Made from the operator's metrics, the alerting rules and the dashboard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from homelab_netpol.telemetry.metrics import Metrics
from tools.dashboard import dashboard

_MONITORING = Path(__file__).parents[1] / "manifests/components/monitoring"

_HEAD = """# Metrics

What `/metrics` shows, on port 8080 of each replica. Only the leader exports series about single
namespaces, custom resources and policies; such a series ends when its problem is solved. The last
column names the [alerts](alerts.md) and, in quotes, the panels of the dashboard that use a metric.
This page is generated: `python -m tools.metrics_reference > docs/metrics.md`.

| Metric | Type | Labels | Meaning | Used by |
|---|---|---|---|---|
"""

_TAIL = """
A histogram has the series `_bucket` (with the label `le`), `_sum` and `_count`. The last ones,
`process_*`, are what every Prometheus client exports about its process.
"""

# What a series has behind the name of its family in the registry.
_SUFFIXES = {"counter": "_total", "info": "_info"}
_IDENTIFIER = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def reference() -> str:
    """Renders the page, in Markdown."""
    return _HEAD + "".join(_rows(_users())) + _TAIL


def _rows(users: Mapping[str, list[str]]) -> Iterator[str]:
    metrics = Metrics()
    for family in metrics.registry.collect():
        name = family.name + _SUFFIXES.get(family.type, "")
        labels = ", ".join(f"`{label}`" for label in metrics.labels.get(family.name, ()))
        used = ", ".join(users.get(name, ()))
        yield f"| `{name}` | {family.type} | {labels} | {family.documentation} | {used} |\n"


def _users() -> dict[str, list[str]]:
    """The alerts and panels that use a metric, by the metric's name."""
    users: dict[str, list[str]] = {}
    for user, expression in (*_alerts(), *_panels()):
        for word in _IDENTIFIER.findall(expression):
            seen = users.setdefault(re.sub("_(bucket|sum|count)$", "", word), [])
            if user not in seen:
                seen.append(user)
    return users


def _alerts() -> Iterator[tuple[str, str]]:
    manifest = yaml.safe_load((_MONITORING / "prometheusrule.yaml").read_text(encoding="utf-8"))
    rules = [rule for group in manifest["spec"]["groups"] for rule in group["rules"]]
    recorded = {rule["record"]: rule["expr"] for rule in rules if "record" in rule}
    for rule in rules:
        if name := rule.get("alert"):
            expression = rule["expr"]
            within = [expr for record, expr in recorded.items() if record in expression]
            yield f"[{name}](alerts.md#{name.lower()})", " ".join((expression, *within))


def _panels() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        targets: list[dict[str, Any]] = panel.get("targets", [])
        for target in targets:
            yield f"“{panel['title']}”", target["expr"]


if __name__ == "__main__":
    print(reference(), end="")
