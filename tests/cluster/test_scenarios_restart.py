"""The operator dies, is away, and comes back: the cluster is its only memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster import words
from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.restarts import kill_at_rest, writes_nothing
from tests.cluster.spaces import (
    ENFORCEMENT,
    GATEWAY_PORTS,
    HATCH_POLICY,
    MANAGED_BY,
    OPERATOR,
    PROFILE,
    PROFILE_POLICY,
    Space,
    Spaces,
    access,
)
from tests.cluster.watched import series, shows
from tests.running_operator import RunningOperator, running_operator

Start = Callable[[], AbstractContextManager[RunningOperator]]
ACCESS_POLICY = "homelab-access-postgres"
GRANT = "homelab-grant-postgres"
EVERYTHING = {"spec": {"ingress": [{"fromEntities": ["all"]}]}}
STRANGE_PORTS = ("9" * 5000, "0", "70000", "8080,", "\u0663", "8080\n- all", "[]")


@dataclass
class Afterlife:
    """Namespaces that were touched while no operator ran, and the operator that came after.

    Attributes:
        app: by what happened to them; all had the profile `internal` and a grant before.
        good: what the profile's policy said then.
        foreign: a policy of somebody else, by the name of its namespace.
        operator: the one that came after.
    """

    app: dict[str, Space]
    good: Manifest
    foreign: dict[str, Manifest]
    operator: RunningOperator


@pytest.fixture(scope="module")
def start(account: Path, kube: Kube) -> Start:
    """Starts an operator for the length of a `with` block."""
    return lambda: running_operator(account, QUICK)


@pytest.fixture(scope="module")
def afterlife(start: Start, kube: Kube) -> Iterator[Afterlife]:
    """An operator writes, is killed; hands are busy; another operator comes."""
    spaces = Spaces(kube)
    names = ["relabelled", "unlabelled", "hatched", "deleted", "closed", "edited", "dropped"]
    names += ["closed, its policies disowned"]
    names += ["mistyped, then edited", "label on the policy changed", *STRANGE_PORTS]
    app = {name: spaces({PROFILE: "internal", access("postgres"): "true"}) for name in names}
    for name in ("closed", "closed, its policies disowned"):
        app[name].label({ENFORCEMENT: "disabled"})
    with start() as operator:
        for space in app.values():
            space.has(ACCESS_POLICY)
            good = space.has_profile("internal")
        app["closed"].has(HATCH_POLICY)
        app["closed, its policies disowned"].has(HATCH_POLICY)
        app["mistyped, then edited"].label({PROFILE: "intrenal"})
        app["mistyped, then edited"].told("ProfileUnknown")
        operator.kill()
    app["deleted"].delete()
    app["relabelled"].label({PROFILE: "standard"})
    app["unlabelled"].label({PROFILE: None, access("postgres"): None})
    app["hatched"].label({ENFORCEMENT: "disabled"})
    app["closed"].label({ENFORCEMENT: None})
    app["closed, its policies disowned"].label({ENFORCEMENT: None, PROFILE: None})
    for name in (HATCH_POLICY, PROFILE_POLICY):
        disowned = {"metadata": {"labels": {MANAGED_BY: None}}}
        app["closed, its policies disowned"].change(disowned, name)
    app["edited"].change(EVERYTHING)
    app["dropped"].drop()
    app["mistyped, then edited"].change(EVERYTHING)
    raised = {"metadata": {"labels": {PROFILE: "standard"}}, **EVERYTHING}
    app["label on the policy changed"].change(raised)
    for text in STRANGE_PORTS:
        app[text].change({"metadata": {"annotations": {GATEWAY_PORTS: text}}})
        app[text].annotate({GATEWAY_PORTS: "garbage"})
    app["new"] = spaces({PROFILE: "isolated"})
    app["squatted"] = spaces({PROFILE: "internal"})
    app["strange"] = spaces({PROFILE: "zzz"})
    ours = {MANAGED_BY: OPERATOR, PROFILE: "etc_passwd"}
    for name in (PROFILE_POLICY, "homelab-access", "homelab-access-x.y", "homelab-grant-zzz"):
        app["strange"].write(name, labels=ours)
    foreign = {
        "unlabelled": app["unlabelled"].write("hand-made"),
        "squatted": app["squatted"].write(PROFILE_POLICY),
    }
    eventually(lambda: not app["deleted"].exists(), "the namespace to be gone")
    with start() as operator:
        yield Afterlife(app, good, foreign, operator)
    spaces.clear()


def test_a_restart_writes_nothing_and_forgets_nothing(
    spaces: Spaces, start: Start, kube: Kube, database: Space
) -> None:
    hatched = spaces({PROFILE: "isolated", ENFORCEMENT: "disabled"})
    mistyped = spaces({PROFILE: "standard"}, gateway_ports="8080")
    granted = spaces({access("postgres"): "true"})
    with start() as operator:
        hatched.has(HATCH_POLICY)
        mistyped.has_profile("standard")
        granted.has(ACCESS_POLICY)
        mistyped.label({PROFILE: "standart"})
        mistyped.annotate({GATEWAY_PORTS: "http"})
        granted.label({access("postgres"): "ture"})
        mistyped.told("GatewayPortsInvalid", "may still reach 8080")
        granted.told("AccessValueInvalid", "is kept")
        before_restart = kill_at_rest(operator, kube)
    with start() as operator:
        writes_nothing(operator, kube, before_restart)
        shows(operator, 1, "enforcement_disabled", namespace=hatched.name)
        shows(operator, 1, "refused_labels", namespace=mistyped.name, reason="ProfileUnknown")
        assert granted.name in words.consumers(database.policy(GRANT))


def test_labels_changed_while_the_operator_was_dead_are_carried_out(
    afterlife: Afterlife, database: Space
) -> None:
    app, both = afterlife.app, (PROFILE_POLICY, ACCESS_POLICY)
    app["relabelled"].has_profile("standard")
    app["unlabelled"].holds_only("hand-made")
    app["hatched"].holds_only(*both, HATCH_POLICY)
    app["closed"].holds_only(*both)
    app["closed, its policies disowned"].holds_only(ACCESS_POLICY)
    app["new"].has_profile("isolated")
    without = ("unlabelled", "deleted", "new", "squatted", "strange")
    granted = sorted(space.name for name, space in app.items() if name not in without)
    eventually(
        lambda: words.consumers(database.policy(GRANT)) == granted,
        "the resource's side to follow",
    )


@pytest.mark.parametrize(
    "name", ["edited", "dropped", "mistyped, then edited", "label on the policy changed"]
)
def test_hands_on_a_policy_while_the_operator_was_dead_come_to_nothing(
    afterlife: Afterlife, name: str
) -> None:
    if name == "label on the policy changed":
        afterlife.app[name].has_profile("internal")
    afterlife.app[name].has_spec(afterlife.good["spec"])


def test_foreign_policies_written_while_the_operator_was_dead_are_untouched(
    afterlife: Afterlife,
) -> None:
    squatted, unlabelled = afterlife.app["squatted"], afterlife.app["unlabelled"]
    shows(afterlife.operator, 1, "conflicts", namespace=squatted.name)
    squatted.told("NameTaken")
    assert squatted.policy() == afterlife.foreign["squatted"]
    assert unlabelled.policy("hand-made") == afterlife.foreign["unlabelled"]


@pytest.mark.parametrize("text", STRANGE_PORTS, ids=lambda text: repr(text[:12]))
def test_an_edited_annotation_cannot_keep_the_operator_from_starting(
    afterlife: Afterlife, text: str
) -> None:
    app = afterlife.app[text]
    app.told("GatewayPortsInvalid")
    noted = app.has()["metadata"]["annotations"][GATEWAY_PORTS]
    assert noted in ("none", "any"), "nothing was taken over from the edit"


def test_policies_of_strange_content_under_our_label_do_no_harm(afterlife: Afterlife) -> None:
    afterlife.app["strange"].told("ProfileUnknown", "stays in force")
    assert sum(series(afterlife.operator, "reconciles_total", result="error")) == 0
