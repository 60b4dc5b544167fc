"""The escape hatch that closes by itself: both nets, to the second, whatever happens in between."""

from __future__ import annotations

import pytest

from tests.cluster.deadlines import (
    OPEN,
    SINCE_GAUGE,
    UNTIL,
    UNTIL_GAUGE,
    after,
    closes,
    is_closed,
    left_out,
)
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import ENFORCEMENT, HATCH_POLICY, PROFILE, PROFILE_POLICY, Spaces
from tests.cluster.watched import resync, series, shows, shows_none
from tests.running_operator import RunningOperator

SETTINGS = {"inspectionSeconds": 1}
pytestmark = pytest.mark.usefixtures("quick_identities", "operator")


@pytest.mark.parametrize("written", ["time", "duration"])
def test_at_its_deadline_the_hatch_closes_though_the_label_is_there(
    spaces: Spaces, kube: Kube, operator: RunningOperator, written: str
) -> None:
    text, moment = after(3)
    text = text if written == "time" else "3s"
    app = spaces(OPEN, disabled_until=text)
    app.has(HATCH_POLICY)
    assert not left_out(kube, app)
    shows(operator, 1, "enforcement_disabled", namespace=app.name)
    [until] = eventually(lambda: series(operator, UNTIL_GAUGE, namespace=app.name), "the deadline")
    if written == "time":
        assert until == moment
    assert closes(kube, app) >= until
    app.told("EnforcementResumesSoon", "closes by itself")
    app.told("HatchExpired", "closed by itself", "Remove the label")
    app.told("EnforcementEnabled", "closed again")
    assert app.manifest()["metadata"]["labels"][ENFORCEMENT] == "disabled"
    assert app.policy(PROFILE_POLICY) is not None
    for gauge in ("enforcement_disabled", SINCE_GAUGE, UNTIL_GAUGE):
        shows_none(operator, gauge, namespace=app.name)
    shows(operator, 1, "refused_labels", namespace=app.name, reason="HatchExpired")
    # Without the label there is nothing left to remember.
    app.label({ENFORCEMENT: None})
    eventually(lambda: not left_out(kube, app), "the namespace to be forgotten")
    shows_none(operator, "refused_labels", namespace=app.name)


def test_ten_minutes_before_the_end_the_owner_is_told(
    spaces: Spaces, operator: RunningOperator
) -> None:
    text, _ = after(9.9 * 60)
    app = spaces(OPEN, disabled_until=text)
    app.told("EnforcementResumesSoon", text)
    # This one's ten minutes begin in three seconds, with nothing else happening to it.
    text, _ = after(10 * 60 + 3)
    later = spaces(OPEN, disabled_until=text)
    later.has(HATCH_POLICY)
    assert later.events("EnforcementResumesSoon") == []
    eventually(lambda: later.events("EnforcementResumesSoon"), "the notice", seconds=15)


def test_a_deadline_that_is_moved_or_removed_counts_at_once(
    spaces: Spaces, kube: Kube, operator: RunningOperator
) -> None:
    app = spaces(OPEN, disabled_until="2s")
    app.has(HATCH_POLICY)
    [since] = eventually(lambda: series(operator, SINCE_GAUGE, namespace=app.name), "its beginning")
    closes(kube, app)
    app.annotate({UNTIL: "2h"})
    app.has(HATCH_POLICY)
    eventually(lambda: not left_out(kube, app), "the net to be open again")
    shows(operator, since, SINCE_GAUGE, namespace=app.name)
    shows(operator, since + 7200, UNTIL_GAUGE, namespace=app.name)
    app.annotate({UNTIL: "1s"})
    closes(kube, app)
    app.annotate({UNTIL: None})
    app.has(HATCH_POLICY)
    shows(operator, since, SINCE_GAUGE, namespace=app.name)
    shows_none(operator, UNTIL_GAUGE, namespace=app.name)


def test_a_deadline_in_the_past_opens_nothing(
    spaces: Spaces, kube: Kube, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "isolated"}, disabled_until="2020-01-01T00:00:00Z")
    app.has_profile("isolated")
    app.label({ENFORCEMENT: "disabled"})
    app.told("HatchExpired", "2020-01-01T00:00:00Z")
    resync(operator, 2)
    assert is_closed(kube, app)
    assert app.events("EnforcementDisabled") == []


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-11:00", "999999d"])
def test_a_deadline_in_the_year_9999_is_one(
    spaces: Spaces, operator: RunningOperator, text: str
) -> None:
    app = spaces(OPEN, disabled_until=text)
    app.has(HATCH_POLICY)
    shows(operator, 1, "enforcement_disabled", namespace=app.name)
    eventually(lambda: series(operator, UNTIL_GAUGE, namespace=app.name), "the deadline")
    app.annotate({UNTIL: "1s"})
    app.lacks(HATCH_POLICY)


def test_a_deadline_that_cannot_be_read_changes_nothing_and_is_told(
    spaces: Spaces, kube: Kube, operator: RunningOperator
) -> None:
    app = spaces(OPEN, disabled_until="tomorrow")
    app.has(HATCH_POLICY)
    app.told("DisabledUntilInvalid", "stays open", "'tomorrow'")
    app.annotate({UNTIL: "1s"})
    closes(kube, app)
    app.annotate({UNTIL: "1 second"})
    app.told("DisabledUntilInvalid", "stays closed")
    resync(operator, 2)
    assert is_closed(kube, app)


def test_a_label_that_goes_and_comes_opens_again_and_the_time_begins_anew(
    spaces: Spaces, kube: Kube
) -> None:
    app = spaces(OPEN, disabled_until="2s")
    closes(kube, app)
    app.label({ENFORCEMENT: None})
    eventually(lambda: not left_out(kube, app), "the namespace to be forgotten")
    app.label({ENFORCEMENT: "disabled"})
    app.has(HATCH_POLICY)
    closes(kube, app)


def test_another_namespace_of_the_same_name_has_a_hatch_of_its_own(
    spaces: Spaces, kube: Kube
) -> None:
    app = spaces(OPEN, disabled_until="1s")
    closes(kube, app)
    app.delete(wait=True)
    again = spaces(OPEN, name=app.name, disabled_until="1h")
    again.has(HATCH_POLICY)
    assert not left_out(kube, again)
