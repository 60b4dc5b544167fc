"""A label opens a hatch, and the one who is on call hears of it, and of its end.

Operator, Prometheus and Alertmanager are real. Two things are not as shipped: rules are evaluated
every second, and the five minutes of NetworkPolicyEnforcementDisabled are SOON_SECONDS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.control_plane import Cluster
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import ENFORCEMENT, PROFILE, Space, Spaces
from tests.cluster.watched import shows
from tests.monitoring import shipped_rules
from tests.monitoring.scraped import DOCS, Scraped, scraped
from tests.monitoring.servers import Receiver, alertmanager, receiver
from tests.monitoring.shipped_rules import Json

OPEN = "NetworkPolicyEnforcementDisabled"
SOON_SECONDS = 3


@dataclass(frozen=True, slots=True)
class OnCall:
    """The whole way of an alert: what runs, and who is told."""

    running: Scraped
    told: Receiver

    def of(self, space: Space, status: str) -> Json:
        """Waits until the one on call is told of a namespace's hatch."""
        found = eventually(
            lambda: self.told.received(OPEN, status, namespace=space.name),
            f"{OPEN} of {space.name} to be {status}",
        )
        return found[0]

    def fires(self, space: Space) -> bool:
        """Prometheus says that it fires now."""
        firing = self.running.prometheus.firing().get(OPEN, [])
        return any(labels["namespace"] == space.name for labels in firing)


def soon() -> Json:
    """The shipped rules, with one threshold that nobody has to wait for."""
    spec = shipped_rules.rules_file()
    rule = next(rule for rule in shipped_rules.rules(spec) if rule.get("alert") == OPEN)
    assert rule["expr"].count("> 300") == 1
    rule["expr"] = rule["expr"].replace("> 300", f"> {SOON_SECONDS}")
    return spec


@pytest.fixture(scope="module")
def on_call(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnCall]:
    """Everything, from the operator to the webhook."""
    folder = tmp_path_factory.mktemp("end-to-end")
    with receiver() as told, alertmanager(folder, told.url) as manager:
        address = manager.url.removeprefix("http://")
        with scraped(cluster, kube, folder, soon(), address) as running:
            yield OnCall(running, told)


@pytest.fixture
def spaces(kube: Kube) -> Iterator[Spaces]:
    """Makes Namespaces, and takes them away after the test."""
    spaces = Spaces(kube)
    yield spaces
    spaces.clear()


def test_the_documented_scrape_finds_the_replicas_and_nothing_else(on_call: OnCall) -> None:
    found = [target["labels"] for target in on_call.running.prometheus.targets()]
    assert {labels["pod"] for labels in found} == {"homelab-netpol-one", "homelab-netpol-two"}
    assert all(labels.keys() == {"pod", "job", "instance"} for labels in found), found


def test_who_is_on_call_is_told_of_an_open_hatch_and_of_its_end(
    on_call: OnCall, spaces: Spaces
) -> None:
    app, other = spaces({PROFILE: "internal"}), spaces({PROFILE: "internal"})
    app.has()
    app.label({ENFORCEMENT: "disabled"})
    alert = on_call.of(app, "firing")
    assert alert["labels"]["severity"] == "warning"
    assert "pod" not in alert["labels"]
    assert app.name in alert["annotations"]["summary"]
    assert app.name in alert["annotations"]["description"]
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert page.endswith(f"/docs/{DOCS.name}")
    headings = DOCS.read_text(encoding="utf-8").lower().splitlines()
    assert f"## {anchor}" in headings
    app.label({ENFORCEMENT: None})
    on_call.of(app, "resolved")
    assert not on_call.told.received(OPEN, "firing", namespace=other.name)


def test_a_restart_of_prometheus_does_not_end_the_alert(on_call: OnCall, spaces: Spaces) -> None:
    app = spaces({PROFILE: "internal", ENFORCEMENT: "disabled"})
    on_call.of(app, "firing")
    on_call.running.prometheus.stop()
    on_call.running.prometheus.start()
    eventually(lambda: on_call.fires(app), "the alert to fire again")
    assert not on_call.told.received(OPEN, "resolved", namespace=app.name)


def test_the_alert_outlives_every_operator_and_knows_when_none_is_left(
    on_call: OnCall, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal", ENFORCEMENT: "disabled"})
    on_call.of(app, "firing")
    on_call.running.leader.kill()
    shows(on_call.running.standby, 1, "enforcement_disabled", namespace=app.name)
    shows(on_call.running.standby, 1, "ready")
    on_call.running.standby.kill()
    prometheus = on_call.running.prometheus
    eventually(lambda: prometheus.query("absent(homelab_netpol_build_info)"), "both to be gone")
    eventually(lambda: _pending(on_call, "NetworkPolicyOperatorDown"), "their absence to be seen")
    assert on_call.fires(app)
    assert not on_call.told.received(OPEN, "resolved", namespace=app.name)


def _pending(on_call: OnCall, name: str) -> bool:
    """An alert waits for its `for` to be over."""
    alerts = on_call.running.prometheus.get("/api/v1/alerts")["data"]["alerts"]
    return any(each["labels"]["alertname"] == name for each in alerts)
