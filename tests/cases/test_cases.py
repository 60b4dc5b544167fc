"""A cluster that is well as its owner runs it gives no finding; a fault that is put in does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homelab_netpol.findings import FindingReason
from tests.cases.case import Case, read_case
from tests.cases.inspected import findings_of
from tests.models.writing import NAMESPACE, cnp, np

HOUSEHOLD = Path(__file__).parent / "household.yaml"
ONE_NAMESPACE = {"reader": {"network-policy.homelab/profile": "internal"}}

# What somebody adds, and the one finding that follows: its reason, its namespace, and words of it.
PLANTED: list[tuple[dict[str, Any], FindingReason, str, str]] = [
    (
        cnp("no-dns", "metrics", egressDeny=[{"toEntities": ["cluster"]}]),
        FindingReason.PLATFORM_POLICY_INCOMPLETE,
        "metrics",
        "DNS to kube-system",
    ),
    (
        cnp("no-probes", "proxy", ingressDeny=[{"fromEntities": ["host"]}]),
        FindingReason.PLATFORM_POLICY_INCOMPLETE,
        "proxy",
        "Probing from the node",
    ),
    (
        cnp(
            "few-clients",
            "kube-system",
            ingress=[{"fromEndpoints": [{"matchLabels": {NAMESPACE: "house"}}]}],
        ),
        FindingReason.PLATFORM_POLICY_INCOMPLETE,
        "kube-system",
        "DNS from",
    ),
    (
        np("from-a-chart", "reader", ingress=[{}]),
        FindingReason.PROFILE_WIDENED,
        "reader",
        "NetworkPolicy from-a-chart",
    ),
]


@pytest.fixture(scope="module")
def household() -> Case:
    return read_case(HOUSEHOLD)


@pytest.mark.parametrize("default_deny", ["workload", "labelled"])
def test_a_cluster_with_policies_of_its_owner_gives_no_finding(
    household: Case, default_deny: str
) -> None:
    assert findings_of(household, default_deny) == []


@pytest.mark.parametrize("default_deny", ["workload", "labelled"])
@pytest.mark.parametrize(("policy", "reason", "namespace", "words"), PLANTED)
def test_a_fault_that_is_put_in_is_found_by_its_own_name(
    household: Case,
    default_deny: str,
    policy: dict[str, Any],
    reason: FindingReason,
    namespace: str,
    words: str,
) -> None:
    before = findings_of(household, default_deny, labels=ONE_NAMESPACE)
    after = findings_of(household, default_deny, policy, labels=ONE_NAMESPACE)
    [found] = [each for each in after if each not in before]
    assert (found.reason, found.subject) == (reason, namespace)
    assert words in found.message
