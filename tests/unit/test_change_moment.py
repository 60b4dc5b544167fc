"""When a Namespace's labels changed is read from what the API server keeps of each manager."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.diagnosis.change_moment import changed_at
from tests.explained import model_of, namespace

_PROFILE = "f:network-policy.homelab/profile"
_GRANT = "f:access.network-policy.homelab/postgres"


def entry(hour: int, fields: dict[str, Any]) -> dict[str, Any]:
    """As the API server writes it."""
    time = f"2026-03-01T{hour:02}:00:00Z"
    return {"manager": "m", "operation": "Apply", "time": time, "fieldsV1": fields}


def cluster(*entries: dict[str, Any], policy: dict[str, Any] | None = None) -> str:
    """A Namespace with such entries, and its profile's policy with one, as a cluster has them."""
    made: dict[str, Any] = json.loads(namespace("my-app", profile="internal").partition("\n")[2])
    made["metadata"]["managedFields"] = list(entries)
    text = f"---\n{json.dumps(made)}\n"
    if policy is not None:
        own = model_of(text).own
        [found] = [each for each in own if each["metadata"].get("namespace") == "my-app"]
        of_server = {"uid": "1", "resourceVersion": "1", "managedFields": [policy]}
        stands = {**found, "metadata": {**found["metadata"], **of_server}}
        text += f"---\n{json.dumps(stands)}\n"
    return text


def at(hour: int) -> datetime:
    """A moment."""
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


def test_the_last_change_of_a_label_of_ours_counts_and_no_other() -> None:
    text = cluster(
        entry(10, {"f:metadata": {"f:labels": {".": {}, _PROFILE: {}}}}),
        entry(12, {"f:metadata": {"f:labels": {_GRANT: {}}}}),
        entry(14, {"f:metadata": {"f:labels": {"f:team": {}}}}),
        entry(16, {"f:status": {"f:phase": {}}}),
    )
    assert changed_at(model_of(text), "my-app") == at(12)


def test_a_label_that_was_taken_off_shows_in_the_policies_that_follow() -> None:
    labelled = entry(10, {"f:metadata": {"f:labels": {_PROFILE: {}}}})
    rules = entry(13, {"f:spec": {"f:ingress": {}}})
    assert changed_at(model_of(cluster(labelled, policy=rules)), "my-app") == at(13)
    condition = entry(13, {"f:status": {"f:conditions": {}}})
    assert changed_at(model_of(cluster(labelled, policy=condition)), "my-app") == at(10)


def test_nothing_is_known_of_a_file() -> None:
    assert changed_at(model_of(namespace("my-app", profile="internal")), "my-app") is None
    assert changed_at(model_of(namespace("my-app")), "elsewhere") is None
