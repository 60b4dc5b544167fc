"""What alerts and panels ask for is there: asked of a Prometheus that scrapes two replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from homelab_netpol.telemetry.metrics import Metrics
from lab.control_plane import Cluster
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import Space
from tests.monitoring import shipped_rules
from tests.monitoring.promql import mentioned
from tests.monitoring.promtool import promtool
from tests.monitoring.scraped import Scraped, scraped
from tests.monitoring.troubled import troubled
from tools.dashboard import dashboard

# What Prometheus adds, from the scrape and for the buckets of histograms.
OF_TARGETS = {"instance", "job", "pod"}
PANELS = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
ALERTS = [(rule["alert"], rule["expr"]) for rule in shipped_rules.alerts()]


@pytest.fixture(scope="module")
def running(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scraped]:
    """Two replicas and Prometheus."""
    folder = tmp_path_factory.mktemp("live")
    with scraped(cluster, kube, folder, shipped_rules.rules_file()) as running:
        yield running


@pytest.fixture(scope="module")
def trouble(running: Scraped, kube: Kube) -> Iterator[dict[str, Space]]:
    """Every series that there can be, in Prometheus too."""
    with troubled(kube, running.leader) as trouble:
        known = {
            name.name + {"counter": "_total", "info": "_info"}.get(name.type, "")
            for name in Metrics().registry.collect()
            if name.type != "histogram"
        }
        prometheus = running.prometheus
        eventually(lambda: not known - prometheus.series().keys(), "every metric to be scraped")
        # A rate needs two scrapes.
        eventually(lambda: len(prometheus.query("changes(up[1h]) == 0")) == 2, "scrapes")
        yield trouble


def asked(expression: str) -> str:
    """An expression as Grafana sends it: all namespaces, and a range of some scrapes."""
    return expression.replace("$namespace", ".*").replace("$__rate_interval", "10s")


def test_promtool_finds_nothing_to_mend_in_what_the_operator_exports(
    running: Scraped, trouble: dict[str, Space]
) -> None:
    for operator in (running.leader, running.standby):
        result = promtool("check", "metrics", stdin=operator.metrics())
        assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize(("user", "expression"), [*ALERTS, *QUERIES])
def test_every_metric_and_label_that_is_asked_for_is_exported(
    user: str, expression: str, running: Scraped, trouble: dict[str, Space]
) -> None:
    exported = running.prometheus.series()
    found = mentioned(asked(expression))
    assert found.selectors, f"{user} asks for nothing"
    for selector in found.selectors:
        assert selector.metric in exported, f"{user}: {selector.metric}"
        missing = selector.labels - exported[selector.metric]
        assert not missing, f"{user}: {selector.metric} has no {missing}"
    labels = set[str]().union(*(exported[selector.metric] for selector in found.selectors))
    assert found.lists <= labels, f"{user}: nothing has {found.lists - labels}"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_query_of_the_dashboard_gives_what_its_panel_names(
    panel: dict[str, Any], running: Scraped, trouble: dict[str, Space]
) -> None:
    fields = panel["transformations"][-1]["options"] if panel["transformations"] else {}
    columns = {f for f in fields.get("renameByName", {}) if not f.startswith("Value")}
    for target in panel["targets"]:
        expression = asked(target["expr"])
        found = eventually(partial(running.prometheus.query, expression), expression)
        labels = set[str]().union(*(each["metric"] for each in found))
        assert columns | set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels


@pytest.mark.parametrize(("alert", "expression"), ALERTS)
def test_prometheus_evaluates_every_alert(
    alert: str, expression: str, running: Scraped, trouble: dict[str, Space]
) -> None:
    running.prometheus.query(expression)
    groups = running.prometheus.get("/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert alert in {rule["name"] for rule in rules}
    assert not [rule for rule in rules if rule.get("lastError")]


def test_the_namespaces_to_choose_from_are_those_in_trouble(
    running: Scraped, trouble: dict[str, Space]
) -> None:
    variable = dashboard()["templating"]["list"][1]
    query = variable["definition"].removeprefix("query_result(").removesuffix(")")
    found = {each["metric"].get("namespace") for each in running.prometheus.query(query)}
    assert {space.name for space in trouble.values()} <= found


def test_two_replicas_are_no_second_series_of_any_alert(
    running: Scraped, trouble: dict[str, Space]
) -> None:
    for alert, expression in ALERTS:
        found = running.prometheus.query(expression)
        named = [tuple(sorted(each["metric"].items())) for each in found]
        assert len(named) == len(set(named)), alert
        assert not any(OF_TARGETS & each["metric"].keys() for each in found), alert


def test_the_rate_of_what_is_counted_begins_at_zero(
    running: Scraped, trouble: dict[str, Space]
) -> None:
    errors = running.prometheus.query('homelab_netpol_reconciles_total{result="error"}')
    assert errors
    assert {each["value"][1] for each in errors} == {"0"}
