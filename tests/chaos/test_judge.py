"""The judge itself: shown a forged record in which a promise is broken, it says which.

Each test tells a story of its own; those that are blameless are there to show that the judge
objects to what it objects to, and to nothing else.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from homelab_netpol.settings import Settings
from tests.chaos.audit import read_audit
from tests.chaos.forged import OPERATOR, OTHER, PERSON, Forgery, as_object, blind
from tests.chaos.wanted import HOMES, Key, key_of_grant
from tests.cluster.kube import CCNP, CNP, Manifest
from tests.cluster.spaces import ENFORCEMENT, HATCH_POLICY, PROFILE, PROFILE_POLICY, access

PROFILED: Key = (CNP, "app", PROFILE_POLICY)
HATCHED: Key = (CNP, "app", HATCH_POLICY)
THEIRS: Key = (CNP, "app", "theirs")
POSTGRES = key_of_grant("postgres")
HAND_MADE: Manifest = {"metadata": {"labels": {}}, "spec": {"endpointSelector": {}}}
STANDARD, ISOLATED = {PROFILE: "standard"}, {PROFILE: "isolated"}
OPEN = {ENFORCEMENT: "disabled"}


@pytest.fixture
def story() -> Forgery:
    """A Namespace `app`, profile standard, in good order; an hour ago."""
    story = Forgery()
    story.space("app", STANDARD)
    story.store(OPERATOR, PROFILED, story.own("app", STANDARD)[PROFILE_POLICY])
    story.clock += 3600.0
    return story


def grant(story: Forgery, *names: str) -> Manifest:
    """The policy beside postgres that lets these in."""
    policy = story.function.target("postgres", names)
    assert policy is not None
    return as_object(policy)


def open_hatch(story: Forgery, seconds: float) -> None:
    """A label, and the policy that long after it; grants follow, as an open hatch has them all."""
    story.space("app", STANDARD | OPEN)
    story.clock += seconds
    story.store(OPERATOR, HATCHED, story.own("app", OPEN)[HATCH_POLICY])
    for resource in HOMES:
        policy = story.function.target(resource, ["app"])
        assert policy is not None
        story.store(OPERATOR, key_of_grant(resource), as_object(policy))


def test_a_blameless_record_is_not_objected_to(story: Forgery) -> None:
    story.store(PERSON, THEIRS, HAND_MADE)
    open_hatch(story, 0.5)
    story.space("app", ISOLATED)
    story.store(OPERATOR, PROFILED, story.own("app", ISOLATED)[PROFILE_POLICY])
    for resource in HOMES:
        story.store(OPERATOR, key_of_grant(resource), None)
    story.store(OPERATOR, HATCHED, None)
    verdict = story.judged()
    assert verdict.findings == ()
    assert verdict.lateness.hatches == [pytest.approx(0.51, abs=0.02)]


@pytest.mark.parametrize("manifest", [None, {**HAND_MADE, "spec": {}}], ids=["deleted", "changed"])
def test_whoever_touches_a_foreign_policy_is_named(
    story: Forgery, manifest: Manifest | None
) -> None:
    story.store(PERSON, THEIRS, HAND_MADE)
    story.store(OPERATOR, THEIRS, manifest)
    assert any("not the operator's" in each for each in story.judged().findings)


def test_a_foreign_policy_that_nobody_is_known_to_have_deleted_counts(story: Forgery) -> None:
    story.store(PERSON, THEIRS, HAND_MADE)
    story.store(OPERATOR, THEIRS, None, logged=False)
    (finding,) = story.judged().findings
    assert finding.startswith("nobody is known to have deleted")


def test_what_the_operator_made_stays_its_own_without_the_label(story: Forgery) -> None:
    right = story.own("app", STANDARD)[PROFILE_POLICY]
    story.store(PERSON, PROFILED, {**right, "metadata": {"labels": {}}})
    story.store(OPERATOR, PROFILED, right)
    assert story.judged().findings == ()


def test_a_write_to_anything_but_policies_is_an_offence_even_if_it_was_refused(
    story: Forgery,
) -> None:
    story.ask(OPERATOR, "patch", ("namespaces", "", "app"), status=403)
    (finding,) = story.judged().findings
    assert "patch namespaces /app" in finding


def test_a_policy_wider_than_the_labels_of_the_last_seconds_is_found(story: Forgery) -> None:
    story.space("app", ISOLATED)
    story.store(OPERATOR, PROFILED, story.own("app", ISOLATED)[PROFILE_POLICY])
    narrowed = story.clock
    story.clock += 5.0
    story.store(OPERATOR, PROFILED, story.own("app", STANDARD)[PROFILE_POLICY])
    story.clock += 1.0
    story.store(OPERATOR, PROFILED, story.own("app", ISOLATED)[PROFILE_POLICY])
    (finding,) = story.judged().findings
    assert "unasked" in finding
    blindness = blind((narrowed - 1.0, narrowed + 4.0))
    assert story.judged(blindness=blindness).findings == (), "it could not know"


def test_a_wider_policy_is_found_though_the_api_server_was_killed_before_it_logged_it(
    story: Forgery,
) -> None:
    story.space("app", ISOLATED)
    right = story.own("app", ISOLATED)[PROFILE_POLICY]
    story.store(OPERATOR, PROFILED, right)
    story.clock += 5.0
    story.store(PERSON, THEIRS, HAND_MADE)
    wider = story.own("app", STANDARD)[PROFILE_POLICY]
    wider["metadata"]["managedFields"] = [{"manager": "homelab-netpol", "time": "later"}]
    story.store(OPERATOR, PROFILED, wider, logged=False)
    story.clock += 0.1
    story.store(OPERATOR, PROFILED, right)
    assert any("unasked" in each for each in story.judged().findings)


def test_a_hatch_that_nobody_asked_for_is_found(story: Forgery) -> None:
    story.store(OPERATOR, HATCHED, story.own("app", OPEN)[HATCH_POLICY])
    story.clock += 0.1
    story.store(OPERATOR, HATCHED, None)
    (finding,) = story.judged().findings
    assert HATCH_POLICY in finding
    assert "unasked" in finding


def leave_out(story: Forgery, *names: str) -> None:
    """The net under the hatch leaves Namespaces out, and notes that."""
    key: Key = (CCNP, "", "escape-hatch-allow-all")
    policy = story.function.clusterwide(out=frozenset(names))[key]
    made = as_object(policy)
    noted = {**made["metadata"], "annotations": dict(policy.annotations)}
    story.store(OPERATOR, key, {**made, "metadata": noted})


def test_a_namespace_that_is_left_out_after_its_hatch_closed_is_as_it_should_be(
    story: Forgery,
) -> None:
    open_hatch(story, 0.5)
    story.space("app", STANDARD)
    leave_out(story, "app")
    story.store(OPERATOR, HATCHED, None)
    for shared in HOMES:
        story.store(OPERATOR, key_of_grant(shared), None)
    story.clock += 30.0
    leave_out(story)
    assert story.judged().findings == ()


def test_a_namespace_that_is_left_out_though_no_hatch_closed_is_found(story: Forgery) -> None:
    leave_out(story, "app")
    story.clock += 0.1
    leave_out(story)
    (finding,) = story.judged().findings
    assert "unasked" in finding


def test_a_hatch_that_opens_after_more_than_a_minute_is_found(story: Forgery) -> None:
    open_hatch(story, 61.0)
    findings = story.judged().findings
    assert any(f"{HATCH_POLICY} was missing for 61" in each for each in findings)


def test_a_hatch_whose_label_was_taken_back_in_time_need_not_open(story: Forgery) -> None:
    story.space("app", STANDARD | OPEN)
    story.clock += 59.0
    story.space("app", STANDARD)
    story.clock += 59.0
    story.store(PERSON, THEIRS, HAND_MADE)
    assert story.judged().findings == ()


def test_an_edit_by_hand_that_stands_for_more_than_a_minute_is_found(story: Forgery) -> None:
    right = story.own("app", STANDARD)[PROFILE_POLICY]
    story.store(PERSON, PROFILED, {**right, "spec": {"egress": [{"toEntities": ["all"]}]}})
    story.clock += 61.0
    story.store(OPERATOR, PROFILED, right)
    (finding,) = story.judged().findings
    assert "was not right for 61" in finding


def test_a_baseline_that_the_operator_deletes_is_found(story: Forgery) -> None:
    dns: Key = (CCNP, "", "baseline-dns-egress")
    story.store(OPERATOR, dns, None)
    findings = story.judged().findings
    assert any("unasked" in each for each in findings)
    assert f"in the end {'/'.join(dns)} is missing" in findings


@pytest.mark.parametrize(
    ("listed", "words"),
    [(["app", "other"], "let in ['other']"), (["other"], "left out ['app']")],
    ids=["too many", "too few"],
)
def test_a_grant_with_other_users_than_the_labels_name_is_found(
    story: Forgery, listed: list[str], words: str
) -> None:
    story.space("other")
    story.space("app", STANDARD | {access("postgres"): "true"})
    story.clock += 5.0
    story.store(OPERATOR, POSTGRES, grant(story, *listed))
    assert any(words in each for each in story.judged().findings)


def test_what_is_not_as_it_should_be_in_the_end_is_found(story: Forgery) -> None:
    story.space("app")
    assert story.judged().findings == (f"in the end {'/'.join(PROFILED)} is needless",)


def test_a_policy_without_our_label_that_nobody_wants_counts_where_it_can_be_found(
    story: Forgery,
) -> None:
    right = story.own("app", STANDARD)[PROFILE_POLICY]
    story.store(PERSON, PROFILED, {**right, "metadata": {"labels": {}}})
    story.space("app")
    assert story.judged().findings == ()
    found = story.judged(settings=Settings(resync_seconds=10.0)).findings
    assert found == (f"in the end {'/'.join(PROFILED)} is needless",)


def test_a_second_writer_is_found(story: Forgery) -> None:
    wrong = story.own("app", ISOLATED)[PROFILE_POLICY]
    right = story.own("app", STANDARD)[PROFILE_POLICY]
    since = story.revision
    story.lease(OPERATOR, "a-1")
    story.store(PERSON, PROFILED, wrong)
    story.store(OPERATOR, PROFILED, right)
    story.lease(OTHER, "b-1")
    story.store(PERSON, PROFILED, wrong)
    story.store(OTHER, PROFILED, right)
    assert story.judged(elects=True, since=since).findings == ()
    story.store(PERSON, PROFILED, wrong)
    story.store(OPERATOR, PROFILED, right)
    findings = story.judged(elects=True, since=since).findings
    assert any(f"while the Lease named {OTHER}" in each for each in findings)


def test_a_former_leader_that_only_asks_is_found(story: Forgery) -> None:
    since = story.revision
    story.lease(OPERATOR, "a-1")
    story.lease(OTHER, "b-1")
    story.clock += 0.5
    story.ask(OPERATOR, "update", PROFILED, status=409)
    (finding,) = story.judged(elects=True, since=since).findings
    assert "had taken over" in finding


def test_a_line_of_the_log_that_was_cut_off_costs_only_itself_and_the_next(tmp_path: Path) -> None:
    line = (
        '{"verb": "list", "user": {"username": "me"}, "objectRef": {"resource": "namespaces"},'
        ' "responseStatus": {"code": 200}, "stageTimestamp": "2026-03-01T12:00:01.5Z",'
        ' "requestReceivedTimestamp": "2026-03-01T12:00:01.000000Z"}\n'
    )
    log = tmp_path / "audit.log"
    log.write_text(line[:50] + 3 * line, encoding="utf-8")
    assert [each.answered - each.received for each in read_audit(log)] == [0.5, 0.5]
