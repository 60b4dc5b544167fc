"""Things that happen while an answer of the API server is under way; no resync comes to help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import faults as wrong
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kube import CNP, Kube, cnp_path, eventually
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Space, Spaces, access, uid_of, version_of
from tests.cluster.watched import mentions
from tests.running_operator import RunningOperator, running_operator


@pytest.fixture(scope="module")
def proxy(account: Path, kube: Kube) -> Iterator[FaultyProxy]:
    """Stands between the operator and the API server."""
    with FaultyProxy(account) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def operator(proxy: FaultyProxy) -> Iterator[RunningOperator]:
    """An operator that compares everything once a day."""
    with running_operator(proxy.kubeconfig, {"resyncSeconds": 86400}) as operator:
        yield operator


pytestmark = pytest.mark.usefixtures("operator")


def test_a_policy_deleted_before_its_creation_is_answered_comes_back(
    spaces: Spaces, proxy: FaultyProxy, operator: RunningOperator
) -> None:
    app = spaces()
    with proxy.fault(wrong.hold_answer, methods=["POST"], path=cnp_path(app.name)):
        app.label({PROFILE: "internal"})
        first = uid_of(app.has())
        app.drop()
        app.lacks()
        # The watch is ahead of the answer once it has brought something that came later.
        other = spaces({PROFILE: "isolated"})
        other.has()
    assert uid_of(app.has()) != first


def test_a_policy_edited_before_its_creation_is_answered_is_put_right(
    spaces: Spaces, proxy: FaultyProxy
) -> None:
    app = spaces()
    with proxy.fault(wrong.hold_answer, methods=["POST"], path=cnp_path(app.name)):
        app.label({PROFILE: "internal"})
        good = app.has()
        app.change({"spec": {"ingress": [{"fromEntities": ["all"]}]}})
        spaces({PROFILE: "isolated"}).has()
    app.has_spec(good["spec"])


def test_a_profile_mistyped_while_it_was_being_written_stays(
    spaces: Spaces, proxy: FaultyProxy
) -> None:
    app = spaces()
    with proxy.fault(wrong.hold_answer, methods=["POST"], path=cnp_path(app.name)):
        app.label({PROFILE: "internal"})
        first = app.has()
        app.label({PROFILE: "intrenal"})
        spaces({PROFILE: "isolated"}).has()
    app.told("ProfileUnknown", "'internal' stays in force")
    assert version_of(app.policy()) == version_of(first)


def test_a_label_changed_while_its_policy_was_being_written_wins(
    spaces: Spaces, proxy: FaultyProxy
) -> None:
    app = spaces()
    with proxy.fault(wrong.hold_answer, methods=["POST"], path=cnp_path(app.name)):
        app.label({PROFILE: "internal"})
        app.has()
        app.label({PROFILE: "standard"})
    app.has_profile("standard")


def test_a_label_taken_off_while_its_policy_was_being_written_wins(
    spaces: Spaces, proxy: FaultyProxy
) -> None:
    app = spaces()
    with proxy.fault(wrong.hold_answer, methods=["POST"], path=cnp_path(app.name)):
        app.label({PROFILE: "internal"})
        app.has()
        app.label({PROFILE: None})
    app.holds_only()


def test_a_namespace_deleted_while_its_policies_are_written_leaves_nothing(
    spaces: Spaces, proxy: FaultyProxy, operator: RunningOperator, database: Space
) -> None:
    app = spaces()
    with proxy.fault(wrong.hold_answer, methods=["POST"], path=cnp_path(app.name)) as held:
        app.label({PROFILE: "internal", access("postgres"): "true"})
        eventually(lambda: held.hits == 2, "both policies to be written")
        first = uid_of(app.has())
        app.delete(wait=True)
        database.lacks("homelab-grant-postgres")
        again = spaces({PROFILE: "internal"}, name=app.name)
        spaces({PROFILE: "isolated"}).has()
    assert uid_of(again.has_profile("internal")) != first, "the successor gets its own"
    again.holds_only(PROFILE_POLICY)
    assert database.policy("homelab-grant-postgres") is None
    again.delete(wait=True)
    eventually(lambda: not mentions(operator, app.name), "the metrics to forget it")


def test_a_delete_that_comes_late_never_hits_a_successor(
    spaces: Spaces, proxy: FaultyProxy
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has()
    with proxy.fault(wrong.hang, methods=["DELETE"], path=CNP) as held:
        app.label({PROFILE: None})
        eventually(lambda: held.hits, "the operator to delete it")
        app.drop()
        theirs = app.write(PROFILE_POLICY)
    spaces({PROFILE: "isolated"}).has()
    assert version_of(app.policy()) == version_of(theirs)
