"""Each check of `doctor`, by what was read of a cluster: what it finds, and what it says to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import CiliumState, Enforcement
from homelab_netpol.cilium.identity_labels import read_identity_labels
from homelab_netpol.cluster.doctor_facts import Clocks, Listed, Page
from homelab_netpol.cluster.rights import Right
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.doctor import Status, examine
from homelab_netpol.doctor import installation as names
from homelab_netpol.doctor.bundle import bundle_files
from homelab_netpol.doctor.needed_rights import essential, helpful
from homelab_netpol.doctor.result import Result
from homelab_netpol.findings import check_identity_labels
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import Settings, parse_settings
from tests.unit.examined import (
    HOME,
    NOW,
    Object,
    config,
    crds,
    deployment,
    found,
    healthy,
    installation,
    lease,
    only,
    pod,
)

RBAC = Path(__file__).resolve().parents[2] / "manifests" / "base" / "rbac.yaml"


def test_of_an_installation_in_order_nothing_is_found_and_every_check_has_said_something() -> None:
    report = examine(installation())
    assert report.healthy
    assert report.gaps == []
    assert {each.check for each in report.results} >= {
        *("api-server", "cilium", "cilium-settings", "clocks", "crds", "drift", "hatch"),
        *("leader", "operator", "rights"),
    }


@pytest.mark.parametrize(
    ("version", "is_old"), [("v1.30.9", True), ("v1.31.0", False), ("v2.0.1+k3s1", False)]
)
def test_an_old_kubernetes_is_an_error(version: str, is_old: bool) -> None:
    said = found(version={"gitVersion": version})
    assert [(each.status, each.check) for each in said] == (
        [(Status.ERROR, "api-server")] if is_old else []
    )


def agents(*images: str, **status: Any) -> dict[str, Listed]:
    made = [pod(f"cilium-{at}", "kube-system", each, **status) for at, each in enumerate(images)]
    return {names.AGENT: Listed(made)}


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        (agents(), Status.ERROR, "No agent of Cilium runs"),
        (agents("cilium:v1.15.9"), Status.ERROR, "1.15.9 runs"),
        (agents("cilium:v1.18.2", conditions=[]), Status.WARNING, "1 of 1 agents"),
        ({names.AGENT: Listed(refused="403 Forbidden: no")}, Status.UNKNOWN, "cannot be read"),
    ],
)
def test_agents_that_are_missing_old_or_not_ready_are_found(
    changed: dict[str, Listed], status: Status, words: str
) -> None:
    answer = only(changed)
    assert (answer.status, answer.check) == (status, "cilium")
    assert words in answer.message


def test_a_missing_crd_one_of_another_version_and_one_that_lacks_a_field_are_found() -> None:
    [missing, *_] = every = crds()
    assert only({names.CRD: Listed(every[1:])}).where == missing["metadata"]["name"]
    other = {**every[0], "spec": yaml.safe_load(yaml.safe_dump(every[0]["spec"]))}
    schema = other["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["description"] = "other words"
    assert not found({names.CRD: Listed([other, *every[1:]])}), "a description binds nobody"
    del schema["properties"]["spec"]["properties"]
    answer = only({names.CRD: Listed([other, *every[1:]])})
    assert (answer.status, answer.where) == (Status.WARNING, other["metadata"]["name"])
    old = found({names.CRD: Listed(crds("egress", "ingress", "endpointSelector", "egressDeny"))})
    assert {(each.status, "enableDefaultDeny" in each.message) for each in old} == {
        (Status.ERROR, True)
    }


def test_a_missing_right_is_an_error_where_the_operator_does_not_work_without_it() -> None:
    lists = Right("", "namespaces", "list")
    events = Right("", "events", "patch")
    worst, less = found(operator_missing=[lists, events])
    assert (worst.status, less.status) == (Status.ERROR, Status.WARNING)
    assert "list namespaces" in worst.message
    assert "patch events" in less.message
    assert only(operator_missing=None).status is Status.UNKNOWN


def test_the_rights_that_are_asked_for_are_those_of_the_manifests() -> None:
    settings = parse_settings("mesh: {authorizationPolicies: true}\n")
    wanted = {
        (group, resource, verb)
        for document in yaml.safe_load_all(RBAC.read_text("utf-8"))
        for rule in document.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    asked = [*essential(settings, HOME), *helpful(settings)]
    assert {(each.group, each.resource, each.verb) for each in asked} == wanted


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({names.DEPLOYMENT: Listed([deployment(readyReplicas=1)])}, Status.WARNING, "1 of 2"),
        ({names.DEPLOYMENT: Listed([deployment(readyReplicas=0)])}, Status.ERROR, "0 of 2"),
        (
            {
                names.POD: Listed(
                    [
                        pod(
                            "netpol-1",
                            HOME,
                            containerStatuses=[
                                {
                                    "restartCount": 9,
                                    "lastState": {"terminated": {"reason": "OOMKilled"}},
                                }
                            ],
                        )
                    ]
                )
            },
            Status.WARNING,
            "9 times: OOMKilled",
        ),
    ],
)
def test_replicas_that_are_not_ready_or_start_again_and_again_are_found(
    changed: dict[str, Listed], status: Status, words: str
) -> None:
    answer = only(changed)
    assert (answer.status, answer.check) == (status, "operator")
    assert words in answer.message


def test_what_readyz_says_is_passed_on() -> None:
    page = Page(503, "not ready: the queue is stuck: 12 keys wait\n")
    assert "the queue is stuck" in only(pages={"netpol-1": page}).message
    impaired = Page(200, "ok\nnothing is enforced: Cilium's audit mode is on\n")
    assert "audit mode" in only(pages={"netpol-1": impaired}).message


@pytest.mark.parametrize(
    ("held", "status", "check"),
    [
        (lease(renewed=NOW - timedelta(seconds=40)), Status.ERROR, "leader"),
        (lease(renewed=NOW + timedelta(seconds=40)), Status.WARNING, "clocks"),
        (lease(holder=""), Status.ERROR, "leader"),
        (lease(holder="elsewhere_1"), Status.WARNING, "leader"),
    ],
)
def test_a_lease_that_nobody_renews_or_another_holds_is_found(
    held: Object, status: Status, check: str
) -> None:
    answer = only({names.LEASE: Listed([held])})
    assert (answer.status, answer.check) == (status, check)


@pytest.mark.parametrize(("ahead", "is_found"), [(-60, True), (-1, False), (1, False), (60, True)])
def test_a_clock_that_differs_from_the_servers_is_found(ahead: int, is_found: bool) -> None:
    here = NOW + timedelta(seconds=ahead)
    said = found(clocks=Clocks(here, NOW, here))
    assert [each.check for each in said] == (["clocks"] if is_found else [])


@pytest.mark.parametrize(
    ("entries", "where", "status"),
    [
        ({"policy_audit_mode": "true"}, "AuditMode", Status.WARNING),
        ({"enable_policy": "never"}, "PoliciesOff", Status.ERROR),
        ({"enable_policy": "always"}, "enable-policy", Status.WARNING),
        ({"enable_non_default_deny_policies": "false"}, "AdditivePoliciesOff", Status.ERROR),
        ({"labels": "!app !k8s-app"}, "LabelsNotInIdentities", Status.ERROR),
        ({"identity_max_jitter": "1m30s"}, "identity-max-jitter", Status.WARNING),
    ],
)
def test_settings_of_ciliums_that_bite_are_found(
    entries: dict[str, str], where: str, status: Status
) -> None:
    answer = only({names.CILIUM_CONFIG: Listed([config(**entries)])})
    assert (answer.check, answer.where, answer.status) == ("cilium-settings", where, status)


def test_what_stays_at_ciliums_defaults_is_a_note() -> None:
    report = examine(installation())
    notes = {each.where: each.message for each in report.results if each.status is Status.NOTE}
    assert "30 s" in notes["identity-max-jitter"]
    assert "dropped in silence" in notes["policy-deny-response"]


def test_labels_that_hold_policies_up_are_a_note_until_its_advice_is_followed() -> None:
    def told(**entries: str) -> dict[str, Result]:
        listed = {names.CILIUM_CONFIG: Listed([config(**entries)])}
        return {each.where: each for each in examine(installation(listed)).results}

    before = told()["labels-in-identities"]
    assert before.status is Status.NOTE
    advised = before.remedy.partition(": ")[2].partition(" (docs/")[0]
    after = told(labels=advised)
    assert after["labels-in-identities"].status is Status.OK
    # Nothing else is wrong for that reason, neither here nor to the operator.
    assert not [each for each in after.values() if each.status in (Status.WARNING, Status.ERROR)]
    cache = ClusterCache(Catalogue(Settings()))
    cache.set_cilium(CiliumState("here", read_agent_config({"labels": advised})))
    assert cache.enforcement() == Enforcement(known=True)
    assert list(check_identity_labels.check(Inspection(cache, Snapshot()))) == [None]
    # The platform's label and the hatch's are still seen.
    kept = read_identity_labels(advised)
    for key in ("enforcement", "platform"):
        assert kept.keeps(f"io.cilium.k8s.namespace.labels.network-policy.homelab/{key}")


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "status", "spec", "type"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(["metadata", "spec", "status", "data"])
ODD_OBJECTS = st.dictionaries(FIELDS, ODD, max_size=4)


@tried(max_examples=30)
@given(st.sampled_from(sorted(healthy())), st.lists(ODD_OBJECTS, min_size=1, max_size=2), ODD)
def test_no_object_whatever_its_shape_ends_the_examination_or_the_bundle(
    kind: str, items: list[Object], version: Any
) -> None:
    odd = installation({kind: Listed(items)}, version={"gitVersion": version})
    report = examine(odd)
    assert report.results
    for redact in (False, True):
        assert "doctor.json" in bundle_files(odd, report, redact=redact)


@pytest.mark.parametrize(
    ("listed", "problem", "status"),
    [
        (Listed(refused="403 Forbidden: no"), "the ConfigMap x/y", Status.UNKNOWN),
        (Listed(absent=True), "the ConfigMap x/y: it is not there", Status.ERROR),
    ],
)
def test_settings_that_cannot_be_read_are_told_from_those_that_cannot_be_used(
    listed: Listed, problem: str, status: Status
) -> None:
    made = installation({names.OPERATOR_CONFIG: listed})
    report = examine(replace(made, settings_problem=problem))
    [answer] = [each for each in report.results if each.status is status]
    assert "the ConfigMap x/y" in answer.message
