"""What is generated is current, and the dashboard is one that Grafana can show."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from homelab_netpol.telemetry.metrics import Metrics
from tests.monitoring.scraped import DOCS
from tests.monitoring.shipped_rules import MONITORING
from tools.dashboard import dashboard
from tools.metrics_reference import reference

PANELS: list[dict[str, Any]] = [p for p in dashboard()["panels"] if p["type"] != "row"]
COLUMNS = 24
# Grafana's ids of units; one that it does not know it shows as a text behind the number.
UNITS = {"none", "short", "s", "ops", "wps", "bytes", "percentunit", "dateTimeAsIso"}


def test_the_metrics_reference_is_current() -> None:
    assert (DOCS.parent / "metrics.md").read_text(encoding="utf-8") == reference(), (
        "run: python -m tools.metrics_reference > docs/metrics.md"
    )


def test_the_dashboard_is_current() -> None:
    shipped = (MONITORING / "dashboard.json").read_text(encoding="utf-8")
    assert shipped == json.dumps(dashboard(), indent=2) + "\n", (
        "run: python -m tools.dashboard > manifests/components/monitoring/dashboard.json"
    )


def test_every_metric_of_the_operator_is_looked_at_by_an_alert_or_a_panel() -> None:
    rows = [row for row in reference().splitlines() if row.startswith("| `homelab_netpol_")]
    assert len(rows) == sum(
        family.name.startswith("homelab_netpol_") for family in Metrics().registry.collect()
    )
    assert not [row for row in rows if row.endswith("|  |")]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    for override in panel["fieldConfig"]["overrides"]:
        assert {each["value"] for each in override["properties"] if each["id"] == "unit"} <= UNITS
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    references = [target["refId"] for target in panel["targets"]]
    assert len(references) == len(set(references)) > 0


def test_no_two_panels_have_one_number_or_one_title() -> None:
    everything = dashboard()["panels"]
    for field in ("id", "title"):
        values = [panel[field] for panel in everything]
        assert len(values) == len(set(values)), field


def test_no_panel_overlaps_another_or_the_edge() -> None:
    places = [panel["gridPos"] for panel in dashboard()["panels"]]
    for place in places:
        assert place["x"] + place["w"] <= COLUMNS
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


def test_times_are_shown_in_milliseconds_and_spans_in_seconds() -> None:
    for panel in PANELS:
        units = {
            override["matcher"]["options"]: override["properties"][0]["value"]
            for override in panel["fieldConfig"]["overrides"]
        }
        organize = panel["transformations"][-1]["options"] if panel["transformations"] else {}
        for field, title in organize.get("renameByName", {}).items():
            if field.startswith("Value"):
                index = "ABC".index(field[-1]) if "#" in field else 0
                scaled = panel["targets"][index]["expr"].endswith("* 1000")
                assert scaled == (units.get(title) == "dateTimeAsIso"), (panel["title"], title)
