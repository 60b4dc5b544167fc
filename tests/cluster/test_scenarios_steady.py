"""When nothing changes, nothing is written; and Namespaces are never written at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.kube import Kube, cnp_path, eventually
from tests.cluster.spaces import ENFORCEMENT, OPERATOR, PROFILE, Space, Spaces, access
from tests.cluster.watched import resync, series
from tests.running_operator import RunningOperator


@pytest.fixture(scope="module")
def homelab(operator: RunningOperator, kube: Kube) -> Iterator[list[Space]]:
    """Namespaces of every sort, with everything about them written."""
    spaces = Spaces(kube)
    made = [
        spaces({PROFILE: "standard", access("postgres"): "true"}, gateway_ports="8080"),
        spaces({PROFILE: "isolated", ENFORCEMENT: "disabled"}),
        spaces({PROFILE: "internal", "istio.io/dataplane-mode": "ambient"}),
        spaces({PROFILE: "standart", access("mysql"): "true"}),
        spaces({access("kube-api"): "true"}),
        spaces(),
    ]
    for space in made[:3]:
        space.has()
    made[4].has("homelab-access-kube-api")
    kube.wait_for_deletions()
    resync(operator, 2)
    yield made
    spaces.clear()


def test_no_write_in_steady_state(
    homelab: list[Space], kube: Kube, operator: RunningOperator
) -> None:
    versions, requests = kube.resource_versions(), kube.policy_writes()
    written = sum(series(operator, "writes_total"))
    resync(operator, 3)
    assert kube.resource_versions() == versions
    assert kube.policy_writes() == requests, "not even a request that changed nothing"
    assert sum(series(operator, "writes_total")) == written


def test_labels_of_others_on_a_namespace_write_nothing(
    homelab: list[Space], kube: Kube, operator: RunningOperator
) -> None:
    versions, requests = kube.resource_versions(), kube.policy_writes()
    for number in range(5):
        homelab[0].label({"example.org/turn": str(number)})
        homelab[0].annotate({"example.org/turn": str(number)})
    resync(operator, 2)
    assert kube.resource_versions() == versions
    assert kube.policy_writes() == requests


def test_nothing_of_the_operator_is_left_on_any_namespace(homelab: list[Space], kube: Kube) -> None:
    for space in homelab:
        metadata = space.manifest()["metadata"]
        managers = {entry["manager"] for entry in metadata.get("managedFields", [])}
        assert not any(OPERATOR in name or "kopf" in name.lower() for name in managers)
        assert "finalizers" not in metadata
        assert not any("kopf" in key for key in metadata.get("annotations", {}))
    for item in kube.items("/api/v1/namespaces"):
        assert "kopf" not in str(item).lower()


def test_a_status_written_by_cilium_is_no_drift_and_is_kept(
    homelab: list[Space], kube: Kube, operator: RunningOperator
) -> None:
    app = homelab[0]
    path = cnp_path(app.name, "homelab-profile")
    condition = {"type": "Valid", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status, text = kube.call(
        "PATCH",
        f"{path}/status",
        {"status": {"conditions": [condition]}},
        content_type="application/merge-patch+json",
    )
    assert status == 200, text
    before = app.has()
    resync(operator, 2)
    assert app.policy() == before
    app.label({PROFILE: "internal-egress"})
    assert app.has_profile("internal-egress")["status"]["conditions"][0]["type"] == "Valid"


def test_an_event_is_counted_in_its_own_namespace(
    spaces: Spaces, operator: RunningOperator
) -> None:
    one, two = spaces(), spaces()
    for space in (one, two, one, two, one):
        space.label({ENFORCEMENT: "disabled"})
        space.has("homelab-escape-hatch")
        space.label({ENFORCEMENT: None})
        space.lacks("homelab-escape-hatch")
        space.told("EnforcementEnabled")

    def counts(space: Space) -> list[int]:
        return [event["count"] for event in space.events("EnforcementEnabled")]

    eventually(lambda: counts(one) == [3], "three closings to be counted")
    assert counts(two) == [2]
