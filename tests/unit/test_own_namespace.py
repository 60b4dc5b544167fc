"""The namespace that the operator runs in: where it is known from, and what it is spared."""

from __future__ import annotations

from pathlib import Path

import pytest

from homelab_netpol.cluster.connection import ClusterAccess
from homelab_netpol.intent import LastGood, NamespaceFacts, Reason, read_intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_policies
from homelab_netpol.policy.objects import Policy
from homelab_netpol.settings import parse_settings
from tests.worlds.readings import NOON

OWN = "policies"
PROFILE = "network-policy.homelab/profile"
NOTHING_DENIED = {"ingress": False, "egress": False}


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not in a Pod, and without a kubeconfig."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("POD_NAMESPACE", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)


def catalogue(own: str | None, scope: str = "workload") -> Catalogue:
    return Catalogue(parse_settings(f"defaultDeny: {scope}"), own_namespace=own)


def test_a_profile_is_refused_there_though_no_setting_names_it() -> None:
    facts = NamespaceFacts(OWN, {PROFILE: "isolated"}, {})
    intent = read_intent(facts, LastGood(), catalogue(OWN).vocabulary, NOON)
    assert (intent.platform, intent.profile) == (True, None)
    (problem,) = intent.problems
    assert problem.reason is Reason.PROFILE_REFUSED
    assert "the namespace that this operator runs in" in problem.message
    assert "platformNamespaces" not in problem.message, "which would not help"
    elsewhere = read_intent(facts, LastGood(), catalogue(None).vocabulary, NOON)
    assert elsewhere.profile == "isolated"


def test_it_stays_so_whatever_custom_resources_come() -> None:
    found = catalogue(OWN)
    assert found.with_definitions(found.definitions).vocabulary.own_namespace == OWN


@pytest.mark.parametrize("scope", ["workload", "labelled", "cluster"])
def test_no_scope_switches_on_default_deny_there(scope: str) -> None:
    space = {"metadata": {"name": OWN, "labels": {PROFILE: "isolated"}}}
    for policy in desired_policies(catalogue(OWN, scope), [space], NOON):
        for rule in _rules(policy):
            if _selects_own(rule["endpointSelector"]):
                assert rule["enableDefaultDeny"] == NOTHING_DENIED, policy.key


def test_the_variable_names_it_also_beside_a_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = ClusterAccess(Path("kubeconfig"))
    assert outside.own_namespace is None
    monkeypatch.setenv("POD_NAMESPACE", OWN)
    assert outside.own_namespace == ClusterAccess().own_namespace == OWN


def _rules(policy: Policy) -> list[dict[str, dict[str, object]]]:
    body = policy.body
    return list(body.get("specs") or [body["spec"]])


def _selects_own(selector: dict[str, object]) -> bool:
    """Whether a selector by namespace takes in the operator's; others select by labels it lacks."""
    expressions = selector.get("matchExpressions")
    if not isinstance(expressions, list) or "matchLabels" in selector:
        return False
    return all(
        (OWN in expression.get("values", ())) != (expression["operator"] == "NotIn")
        for expression in expressions
        if expression["operator"] in ("In", "NotIn")
    )
