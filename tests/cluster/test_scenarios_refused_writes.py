"""The API server refuses what the operator writes: somebody froze a namespace's policies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.kube import Kube, cnp_path, eventually
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Spaces, hand_made
from tests.cluster.watched import resync
from tests.running_operator import RunningOperator

_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_NAME = "netpol-test-freeze"
FROZEN = {"netpol-test/frozen": "true"}


@pytest.fixture
def freezing(kube: Kube) -> Iterator[None]:
    """An admission policy that lets nobody write policies into frozen Namespaces."""
    rule = {
        "apiGroups": ["cilium.io"],
        "apiVersions": ["v2"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["ciliumnetworkpolicies"],
    }
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": _NAME},
        "spec": {
            "matchConstraints": {
                "resourceRules": [rule],
                "namespaceSelector": {"matchLabels": FROZEN},
            },
            "validations": [{"expression": "false", "message": "frozen for the holidays"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": _NAME},
        "spec": {"policyName": _NAME, "validationActions": ["Deny"]},
    }
    policies = f"{_ADMISSION}/validatingadmissionpolicies"
    bindings = f"{_ADMISSION}/validatingadmissionpolicybindings"
    kube.create(policies, policy)
    kube.create(bindings, binding)
    yield
    kube.delete(f"{bindings}/{_NAME}")
    kube.delete(f"{policies}/{_NAME}")


@pytest.mark.usefixtures("freezing")
def test_a_policy_that_cannot_be_written_leaves_the_last_good_one_and_is_told(
    spaces: Spaces, kube: Kube, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "internal"})
    good = app.has_profile("internal")
    app.label(FROZEN)

    def frozen() -> bool:
        status, _ = kube.call("POST", f"{cnp_path(app.name)}?dryRun=All", hand_made("probe"))
        return status == 422

    eventually(frozen, "the API server to heed the admission policy")
    app.label({PROFILE: "standard"})
    app.told("PolicyNotWritten", PROFILE_POLICY, "frozen for the holidays")
    resync(operator)
    assert app.policy() == good
    app.label(dict.fromkeys(FROZEN))
    app.has_profile("standard")
