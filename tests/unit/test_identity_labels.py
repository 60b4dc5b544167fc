"""Selectors by labels that Cilium leaves out of identities: refused, told, judged as nobody's."""

from __future__ import annotations

from typing import Any

import pytest

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import CiliumState
from homelab_netpol.cilium.evaluation import Doubt, Pod
from homelab_netpol.cilium.identity_labels import DEFAULT, IdentityLabels, read_identity_labels
from homelab_netpol.cilium.version import Version
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.definitions import (
    DefinitionKind,
    Definitions,
    read_profile,
    read_resource,
    settings_labels,
)
from homelab_netpol.findings.check_identity_labels import check
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Scope, WorkKey
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import Settings, parse_settings

POD_NAME = "statefulset.kubernetes.io/pod-name"
HASH = "pod-template-hash"
RESOURCE, PROFILE = DefinitionKind.RESOURCE, DefinitionKind.PROFILE
OF_NAMESPACES = "io.cilium.k8s.namespace.labels."
ONLY_APP = read_identity_labels("k8s:app")
PORTS = [{"port": 5432}]


def profile(*selectors: dict[str, Any], name: str = "own", **more: Any) -> Any:
    spec = {"ingress": [{"fromEndpoints": list(selectors)}], **more}
    return read_profile({"metadata": {"name": name}, "spec": spec})


def resource(**labels: str) -> Any:
    spec = {"namespace": "db", "podLabels": labels, "ports": PORTS, "target": "exclusive"}
    return read_resource({"metadata": {"name": "own"}, "spec": spec})


def refused(
    definition: Any, kind: DefinitionKind, identity_labels: IdentityLabels = DEFAULT
) -> str:
    """Why `own` cannot be used; "" if it can."""
    named = {"own": definition}
    definitions = Definitions(named, {}) if kind is PROFILE else Definitions({}, named)
    made = Catalogue(Settings(), definitions, identity_labels=identity_labels)
    found = made.unusable.get((kind, "own"))
    usable = made.vocabulary.profiles if kind is PROFILE else made.vocabulary.resources
    assert ("own" in usable) is (found is None)
    if found is None:
        return ""
    assert found.reason == "LabelNotInIdentity"
    return found.message


@pytest.mark.parametrize(
    "key",
    [
        POD_NAME,
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
        HASH,
        "controller-revision-hash",
        "controller-uid",
        "kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/zone",
    ],
)
def test_a_shared_resource_that_nobody_could_be_is_refused_with_the_label(key: str) -> None:
    message = refused(resource(app="pg", **{key: "x"}), RESOURCE)
    assert message.startswith(f"spec.podLabels: {key} selects no pod")


@pytest.mark.parametrize(
    "key", ["app", "app.kubernetes.io/name", "cnpg.io/cluster", "batch.kubernetes.io/job-name"]
)
def test_a_label_that_identities_have_is_none_of_these(key: str) -> None:
    assert refused(resource(**{key: "x"}), RESOURCE) == ""


def test_what_only_some_versions_leave_out_is_refused_where_the_version_is_known() -> None:
    zone = "topology.kubernetes.io/zone"
    assert refused(resource(**{zone: "a"}), RESOURCE) == ""
    before, since = (read_identity_labels("", [Version(1, minor, 0)]) for minor in (18, 19))
    assert refused(resource(**{zone: "a"}), RESOURCE, before) == ""
    assert zone in refused(resource(**{zone: "a"}), RESOURCE, since)


def test_this_clusters_own_list_counts_and_is_named_as_the_cause() -> None:
    assert refused(resource(app="pg"), RESOURCE, ONLY_APP) == ""
    message = refused(resource(team="db"), RESOURCE, ONLY_APP)
    assert "team selects no pod, as this cluster's Cilium leaves it out" in message


def expression(key: str, operator: str) -> dict[str, Any]:
    values = {"values": ["x"]} if operator.endswith("In") else {}
    return {"matchExpressions": [{"key": key, "operator": operator, **values}]}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({"matchLabels": {HASH: "x"}}, "no endpoint"),
        ({"matchLabels": {f"k8s:{HASH}": "x"}}, "no endpoint"),
        ({"matchLabels": {f"any:{HASH}": "x"}}, "no endpoint"),
        (expression(HASH, "In"), "no endpoint"),
        (expression(HASH, "Exists"), "no endpoint"),
        (expression(HASH, "NotIn"), "every endpoint"),
        (expression(f"k8s:{HASH}", "DoesNotExist"), "every endpoint"),
        ({"matchLabels": {f"k8s:{OF_NAMESPACES}beta.kubernetes.io/x": "x"}}, "no endpoint"),
    ],
)
def test_a_profiles_selector_is_refused_however_it_is_spelt(
    selector: dict[str, Any], selected: str
) -> None:
    fine = {"matchLabels": {"app": "web"}}
    message = refused(profile(fine, selector), PROFILE)
    assert message.startswith("spec.ingress[0].fromEndpoints[1]: ")
    assert f"selects {selected}" in message
    egress: dict[str, Any] = {"egress": [{"toEndpoints": [selector]}], "ingress": []}
    assert refused(profile(**egress), PROFILE).startswith("spec.egress[0].toEndpoints[0]: ")


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"matchLabels": {"app": "web", "k8s:io.kubernetes.pod.namespace": "shop"}},
        {"matchLabels": {f"k8s:{OF_NAMESPACES}team": "web"}},
        {"matchLabels": {f"k8s:{OF_NAMESPACES}kubernetes.io/metadata.name": "shop"}},
        expression("k8s:io.cilium.k8s.policy.serviceaccount", "Exists"),
        {"matchLabels": {"reserved:ingress": ""}},
    ],
)
def test_a_profiles_selector_by_labels_of_identities_is_taken(selector: dict[str, Any]) -> None:
    assert refused(profile(selector), PROFILE) == ""


def test_a_profile_that_extends_a_refused_one_is_refused_as_well() -> None:
    definitions = Definitions(
        {
            "own": profile({"matchLabels": {HASH: "x"}}),
            "other": profile({"matchLabels": {"app": "x"}}, name="other", extends="own"),
        }
    )
    made = Catalogue(Settings(), definitions)
    assert made.unusable[PROFILE, "other"].reason == "ExtendsNotReady"
    assert HASH in made.unusable[PROFILE, "other"].message


SETTINGS = f"""
dns: {{servers: [{{namespace: kube-system, podLabels: {{k8s-app: kube-dns, {HASH}: x}}}}]}}
sharedResources:
  ldap: {{namespace: auth, podLabels: {{{POD_NAME}: ldap-0}}, ports: [{{port: 636}}]}}
"""


def test_the_settings_labels_are_told_and_their_shared_resources_refused() -> None:
    made = Catalogue(parse_settings(SETTINGS))
    assert "ldap" not in made.vocabulary.resources
    assert POD_NAME in made.vocabulary.unusable_settings["ldap"]
    found = [each for each in check(Inspection(ClusterCache(made), Snapshot())) if each]
    assert {(each.subject, each.reason.value) for each in found} == {
        ("kube-system", "LabelNotInIdentity"),
        ("auth", "LabelNotInIdentity"),
    }
    texts = [each.message for each in found]
    assert any("dns.servers[0].podLabels" in text and HASH in text for text in texts)
    assert any("sharedResources.ldap.podLabels" in text for text in texts)


def test_the_settings_as_they_come_select_by_what_identities_have() -> None:
    assert [label for label in settings_labels(Settings()) if not DEFAULT.keeps(label.key)] == []
    assert list(check(Inspection(ClusterCache(Catalogue(Settings())), Snapshot()))) == [None]


LDAP = "{namespace: auth, podLabels: {team: ldap}, ports: [{port: 636}]}"


def state(**data: str) -> CiliumState:
    return CiliumState("kube-system/cilium-config", read_agent_config(data))


def test_a_changed_filter_moves_what_depends_on_it_and_an_equal_one_nothing() -> None:
    cache = ClusterCache(Catalogue(parse_settings("sharedResources: {ldap: " + LDAP + "}")))
    triggers = Triggers(cache)
    assert triggers.cilium_observed(state()) == {}
    assert triggers.cilium_observed(state(**{"policy-audit-mode": "true"})) == {}
    moved = triggers.cilium_observed(state(labels="k8s:app"))
    assert WorkKey(Scope.TARGET, "ldap") in moved
    assert "ldap" in cache.catalogue.vocabulary.unusable_settings
    assert WorkKey(Scope.TARGET, "ldap") in triggers.cilium_observed(state())
    assert "ldap" in cache.catalogue.vocabulary.resources


@pytest.mark.parametrize(
    ("pod", "key", "seen"),
    [
        # Not known: what Cilium leaves out by default is in doubt, the rest counts as kept.
        (Pod("a", {}, {HASH: "x"}), HASH, Doubt.IGNORED_LABEL),
        (Pod("a", {}, {"team": "x"}), "team", "x"),
        # Known: certain both ways, also of pods whose labels are not all known.
        (Pod("a", {}, {HASH: "x"}, True, DEFAULT), HASH, None),
        (Pod("a", {}, {"team": "x"}, True, ONLY_APP), "team", None),
        (Pod("a", {}, {"app": "x"}, True, ONLY_APP), "app", "x"),
        (Pod("a", {}, {}, False, ONLY_APP), "team", None),
        (Pod("a", {}, {}, False, ONLY_APP), "app", Doubt.POD_LABELS),
        (Pod("a", {"team": "x"}, {}, True, ONLY_APP), f"{OF_NAMESPACES}team", "x"),
        (Pod("a", None, {}, True, ONLY_APP), f"{OF_NAMESPACES}team", Doubt.NAMESPACE_LABELS),
        (Pod("a", {}, {}, True, DEFAULT), "io.kubernetes.pod.namespace", "a"),
    ],
)
def test_what_a_selector_sees_of_a_pod(pod: Pod, key: str, seen: object) -> None:
    assert pod.lookup("k8s", key) == seen


def test_where_versions_differ_a_label_is_in_doubt() -> None:
    zone = "topology.kubernetes.io/zone"
    pod = Pod("a", {}, {zone: "x"}, True, DEFAULT)
    assert pod.lookup("k8s", zone) is Doubt.IGNORED_LABEL
