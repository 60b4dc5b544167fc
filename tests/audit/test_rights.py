"""Who may change what decides about access, by roles and bindings that are written out here."""

from __future__ import annotations

from typing import Any

from tests.audit.audited import audited, manifest, tasks

_GROUP = "rbac.authorization.k8s.io"
_SPACE = manifest("v1", "Namespace", "photos")


def _role(name: str, *rules: tuple[str, str, str], kind: str = "ClusterRole", **more: Any) -> str:
    made = [
        {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}
        for group, resources, verbs in rules
    ]
    return manifest(f"{_GROUP}/v1", kind, name, rules=made, **more)


def _binding(
    name: str, role: str, *subjects: tuple[str, str], namespace: str = "", kind: str = "ClusterRole"
) -> str:
    made = [
        {"kind": what, "name": who.rpartition("/")[2]}
        | ({"namespace": who.partition("/")[0]} if what == "ServiceAccount" else {})
        for what, who in subjects
    ]
    return manifest(
        f"{_GROUP}/v1",
        "RoleBinding" if namespace else "ClusterRoleBinding",
        name,
        metadata={"namespace": namespace} if namespace else {},
        roleRef={"apiGroup": _GROUP, "kind": kind, "name": role},
        subjects=made,
    )


def _may(*texts: str) -> set[tuple[str, str | None, str]]:
    found = audited("".join([_SPACE, *texts]))
    return {
        (each["subject"], each["namespace"], may)
        for each in found["whoMayChange"]
        for may in each["may"]
    }


def test_verbs_that_change_nothing_do_not_count() -> None:
    role = _role("view", ("", "namespaces pods", "get list watch create"))
    assert _may(role, _binding("b", "view", ("User", "eve"))) == set()


def test_wildcards_mean_everything() -> None:
    role = _role("all", ("*", "*", "*"))
    found = _may(role, _binding("b", "all", ("ServiceAccount", "flux-system/flux")))
    subject = "ServiceAccount flux-system/flux"
    assert (subject, None, "namespaces: patch, update") in found
    writes = "create, delete, deletecollection, patch, update"
    for resource in (
        *("networkprofiles", "sharedresources", "ciliumnetworkpolicies", "networkpolicies"),
        "ciliumclusterwidenetworkpolicies",
    ):
        assert (subject, None, f"{resource}: {writes}") in found


def test_a_role_binding_grants_in_its_namespace_only_and_there_its_labels_too() -> None:
    role = _role("labels", ("", "namespaces", "patch"), ("cilium.io", "*", "update"))
    assert _may(role, _binding("b", "labels", ("Group", "family"), namespace="photos")) == {
        ("Group family", "photos", "namespaces: patch"),
        # Nothing that is of the whole cluster.
        ("Group family", "photos", "ciliumnetworkpolicies: update"),
    }


def test_single_objects_are_named() -> None:
    rule = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["patch"]}
    role = manifest(
        f"{_GROUP}/v1", "ClusterRole", "one", rules=[{**rule, "resourceNames": ["photos"]}]
    )
    found = _may(role, _binding("b", "one", ("User", "eve")))
    assert found == {("User eve", None, "namespaces photos: patch")}


def test_the_ways_beside_to_a_namespaces_labels_count_too() -> None:
    role = _role("status", ("", "*/status namespaces/finalize", "patch update"))
    binding = _binding("b", "status", ("User", "eve"))
    assert _may(role, binding) == {
        ("User eve", None, "namespaces/status: patch, update"),
        ("User eve", None, "namespaces/finalize: update"),
    }
    assert tasks(audited(_SPACE + role + binding), None)["MayChangeLabels"] == "low"


def test_an_aggregated_role_has_the_rules_of_the_others() -> None:
    role = manifest(
        f"{_GROUP}/v1",
        "ClusterRole",
        "sum",
        aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"sum": "yes"}}]},
    )
    part = _role(
        "part",
        ("cilium.io", "ciliumnetworkpolicies", "delete"),
        metadata={"labels": {"sum": "yes"}},
    )
    assert _may(role, part, _binding("b", "sum", ("User", "eve"))) == {
        ("User eve", None, "ciliumnetworkpolicies: delete")
    }


def test_kubernetes_own_are_apart_and_everybody_never_is() -> None:
    admin = _binding("cluster-admin", "cluster-admin", ("Group", "system:masters"))
    node = _binding("system:controller:x", "cluster-admin", ("ServiceAccount", "kube-system/x"))
    everybody = _binding("oops", "cluster-admin", ("Group", "system:authenticated"))
    found = audited(_SPACE + admin + node + everybody)
    assert {each["subject"] for each in found["systemMayChange"]} == {
        "Group system:masters",
        "ServiceAccount kube-system/x",
    }
    assert {each["subject"] for each in found["whoMayChange"]} == {"Group system:authenticated"}
    assert tasks(found, None)["EverybodyMayChange"] == "high"


def test_a_role_that_is_not_given_is_said() -> None:
    found = audited(_SPACE + _binding("b", "secret-role", ("User", "eve")))
    assert any("secret-role" in each for each in found["notSeen"])
