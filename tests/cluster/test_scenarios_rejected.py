"""Cilium rejects a policy: everybody concerned is told, and told again when it is over.

What Cilium would reject is not written in the first place; here it is written by hand, over the
operator's own policies and under a condition that nobody but Cilium's own validator writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homelab_netpol.package_data import own_crds
from lab.control_plane import Lab
from tests.cluster.audited import AuditedPlane
from tests.cluster.conftest import QUICK
from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, ccnp_path, cnp_path, eventually
from tests.cluster.service_account import operator_account
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Space, Spaces
from tests.cluster.watched import shows, shows_none
from tests.running_operator import RunningOperator, running_operator

# Cilium's schema takes it, and its validator does not: an entity beside endpoints in one rule.
REJECTED = {"spec": {"ingress": [{"fromEndpoints": [{}], "fromEntities": ["world"]}]}}


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[AuditedPlane]:
    """A control plane on which Cilium's validator runs, as Cilium's operator runs it."""
    with AuditedPlane(lab=lab, validator=True, crds=own_crds()) as plane:
        yield plane


@pytest.fixture(scope="module")
def account(plane: AuditedPlane) -> Iterator[Path]:
    """A kubeconfig of the operator's account on it."""
    with operator_account(plane) as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="module")
def kube(plane: AuditedPlane) -> Iterator[Kube]:
    """That control plane, seen without the operator."""
    kube = Kube(plane.kubeconfig, plane.context)
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def operator(account: Path) -> Iterator[RunningOperator]:
    """The operator on it."""
    with running_operator(account, QUICK) as operator:
        yield operator


def is_valid(kube: Kube, path: str) -> bool | None:
    """What Cilium's validator says of a policy; None: nothing yet."""
    policy = kube.get(path)
    assert policy is not None
    for condition in (policy.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Valid":
            return bool(condition["status"] == "True")
    return None


def becomes_valid(kube: Kube, path: str) -> None:
    """Waits until Cilium's validator takes a policy."""
    eventually(lambda: is_valid(kube, path), f"{path} to be valid")


def reject(kube: Kube, app: Space) -> None:
    """Rejects the profile's policy, as a Cilium might that no longer knows one of its fields."""
    condition = {"type": "Valid", "status": "False", "message": "no longer supported"}
    path = f"{cnp_path(app.name, PROFILE_POLICY)}/status"
    kube.patch(path, {"status": {"conditions": [condition]}})


def test_what_the_operator_writes_cilium_takes(
    operator: RunningOperator, spaces: Spaces, kube: Kube
) -> None:
    profiles = ("isolated", "internal", "internal-egress", "standard")
    for app in [spaces({PROFILE: profile}) for profile in profiles]:
        app.has()
        path = cnp_path(app.name, PROFILE_POLICY)
        becomes_valid(kube, path)
    for item in kube.items("/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"):
        path = ccnp_path(item["metadata"]["name"])
        becomes_valid(kube, path)
    shows_none(operator, "invalid_policies")


def test_an_edit_that_cilium_rejects_is_reverted_and_taken_again(
    operator: RunningOperator, spaces: Spaces, kube: Kube
) -> None:
    app = spaces({PROFILE: "standard"})
    good = app.has_profile("standard")["spec"]
    app.change(REJECTED)
    app.has_spec(good)
    app.told("DriftReverted", PROFILE_POLICY)
    path = cnp_path(app.name, PROFILE_POLICY)
    eventually(lambda: is_valid(kube, path), "Cilium to take it again")
    shows_none(operator, "invalid_policies", namespace=app.name)


def test_a_rejected_policy_is_told_to_whom_it_concerns_and_recovery_clears_all(
    operator: RunningOperator,
    spaces: Spaces,
    definitions: Definitions,
    kube: Kube,
    plane: AuditedPlane,
) -> None:
    own = definitions.profile()
    users = [spaces({PROFILE: own.name}) for _ in range(2)]
    for user in users:
        user.has_profile(own.name)
        path = cnp_path(user.name, PROFILE_POLICY)
        becomes_valid(kube, path)
    own.condition("Valid", "True", "NotRejected")
    first = min(users, key=lambda user: user.name)
    assert plane.validator is not None
    plane.validator.kill()  # or it would take back at once what it did not say
    reject(kube, first)
    first.told("PolicyRejected", PROFILE_POLICY, "no longer supported", "not in force")
    shows(operator, 1, "invalid_policies", namespace=first.name, name=PROFILE_POLICY)
    own.condition("Valid", "False", "RejectedByCilium", first.name, "no longer supported")
    plane.validator.start()
    first.told("PolicyAccepted", PROFILE_POLICY)
    shows_none(operator, "invalid_policies", namespace=first.name)
    own.condition("Valid", "True", "NotRejected")


def test_a_profile_that_cilium_would_reject_is_never_written(
    operator: RunningOperator, spaces: Spaces, definitions: Definitions, kube: Kube
) -> None:
    own = definitions.profile()
    user = spaces({PROFILE: own.name})
    good = user.has_profile(own.name)["spec"]
    # Within the schema of Cilium's own CRD, and of ours; only Cilium's reading refuses it.
    own.change(egress=[{"toEndpoints": [{"matchLabels": {"k8s:not a key": "x"}}]}])
    own.condition("Ready", "False", "SpecInvalid", "spec.egress[0].toEndpoints[0]")
    user.told("ProfileNotReady", "kept")
    policy = user.policy()
    assert policy is not None
    assert policy["spec"] == good
    path = cnp_path(user.name, PROFILE_POLICY)
    eventually(lambda: is_valid(kube, path), "what stands to be valid")
