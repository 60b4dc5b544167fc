"""What `doctor` finds of definitions, policies and hatches, by what was read of a cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homelab_netpol.cluster.doctor_facts import Listed
from homelab_netpol.doctor import Status, examine
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import CLUSTERWIDE_HATCH
from homelab_netpol.policy.objects import Policy, as_object
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import Settings
from tests.unit.examined import DOMAIN, Object, found, installation, namespace, only

CATALOGUE = Catalogue(Settings(), own_namespace="homelab-netpol")
INTERNAL = {f"{DOMAIN}/profile": "internal"}


def defined(*conditions: Object) -> dict[str, Listed]:
    status = {"conditions": list(conditions)}
    item = {"kind": "NetworkProfile", "metadata": {"name": "own"}, "spec": {}, "status": status}
    return {"NetworkProfile": Listed([item])}


def test_definitions_that_are_not_ready_are_found_with_the_reason() -> None:
    false = {"type": "Ready", "status": "False", "message": "spec.ingress[0]: no such field"}
    answer = only(defined(false))
    assert (answer.status, answer.check) == (Status.ERROR, "definitions")
    assert "spec.ingress[0]" in answer.message
    assert only(defined()).status is Status.WARNING
    assert not found(defined({"type": "Ready", "status": "True"}))


def test_a_policy_that_is_missing_and_a_name_that_is_taken_are_found_by_namespace() -> None:
    labelled = namespace("photos", INTERNAL)
    lists = {"Namespace": Listed([labelled]), "CiliumNetworkPolicy": Listed()}
    answer = only(lists)
    assert (answer.check, answer.where, answer.status) == ("drift", "photos", Status.WARNING)
    assert "1 missing" in answer.message
    metadata = {"name": "homelab-profile", "namespace": "photos", "uid": "1"}
    other = {"kind": "CiliumNetworkPolicy", "metadata": {**metadata, "resourceVersion": "1"}}
    taken = only({**lists, "CiliumNetworkPolicy": Listed([other])})
    assert (taken.check, taken.where) == ("names", "photos/homelab-profile")


def test_a_hatch_that_has_closed_by_itself_is_a_note() -> None:
    labels = {f"{DOMAIN}/enforcement": "disabled"}
    until = {f"{DOMAIN}/disabled-until": "2026-02-01T00:00:00Z"}
    closed = {"Namespace": Listed([namespace("photos", labels, annotations=until)])}
    report = examine(installation(closed))
    [said] = [each for each in report.results if each.check == "hatch"]
    assert (said.status, said.where) == (Status.NOTE, "photos")
    opened = {"Namespace": Listed([namespace("photos", labels)])}
    assert [each.status for each in found(opened) if each.check == "hatch"] == [Status.WARNING]


def test_a_policy_that_was_edited_and_one_that_is_not_wanted_are_counted() -> None:
    def standing(name: str) -> Object:
        labels = {"app.kubernetes.io/managed-by": "homelab-netpol"}
        metadata = {"name": name, "namespace": "photos", "uid": "1", "labels": labels}
        kind = {"kind": "CiliumNetworkPolicy", "spec": {"ingress": [{}]}}
        return {**kind, "metadata": {**metadata, "resourceVersion": "1"}}

    labelled = namespace("photos", INTERNAL)
    policies = [standing("homelab-profile"), standing("homelab-access-postgres")]
    lists = {"Namespace": Listed([labelled]), "CiliumNetworkPolicy": Listed(policies)}
    [answer] = [each for each in found(lists) if each.check == "drift"]
    assert "1 different, 1 too many" in answer.message
    unclear = namespace(
        "photos", {f"{DOMAIN}/profile": "internal", f"access.{DOMAIN}/nope": "true"}
    )
    kept = {**lists, "Namespace": Listed([unclear])}
    kept["CiliumNetworkPolicy"] = Listed([policies[0], standing("homelab-access-nope")])
    [answer] = [each for each in found(kept) if each.check == "drift"]
    assert "1 different." in answer.message, "the grant that cannot be understood stays"


def test_templates_in_the_operators_pod_are_not_looked_for_here(tmp_path: Path) -> None:
    """The path is the cluster's to say, and would be read on this machine."""
    settings = Settings.model_validate({"templates": str(tmp_path)})
    made = replace(installation(settings=settings), settings_from="the ConfigMap x/y")
    [answer] = [each for each in examine(made).results if each.status is Status.UNKNOWN]
    assert answer.check == "drift"
    assert "`templates` leading to a copy" in answer.message


def test_a_namespace_that_is_left_out_as_its_hatch_just_closed_is_no_drift() -> None:
    def drift(noted: str) -> list[str]:
        policies = Planner(CATALOGUE).clusterwide({}, closed=["photos"])
        hatch = [each for each in policies if each.key == CLUSTERWIDE_HATCH]
        others = [each for each in policies if each.key != CLUSTERWIDE_HATCH]
        items = [standing_object(each) for each in (*hatch, *others)]
        items[0]["metadata"]["annotations"][f"{DOMAIN}/closed-hatches"] = noted
        lists = {
            "Namespace": Listed([namespace("photos", {})]),
            "CiliumClusterwideNetworkPolicy": Listed(items),
        }
        return [each.message for each in found(lists) if each.check == "drift"]

    assert drift("photos") == []
    assert drift("") != [], "nothing says why it is left out"


def standing_object(policy: Policy) -> Object:
    """As the API server would give it."""
    made = as_object(policy)
    metadata = {"uid": "1", "resourceVersion": "1", "labels": {**policy.labels}}
    annotations = {**policy.annotations}
    return {**made, "metadata": {**made["metadata"], **metadata, "annotations": annotations}}
