"""Every component of the kustomization goes with every other."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.install.rendered import (
    COMPONENTS,
    HOME,
    MANIFESTS,
    SETTINGS,
    documents,
    kustomize,
    overlay,
    plain_name,
    run,
    settings_of,
    the,
    write_overlay,
)
from tests.programs import program

_EVERY_CHOICE = [
    choice
    for size in range(len(COMPONENTS) + 1)
    for choice in itertools.combinations(COMPONENTS, size)
]
# The right to read it can only be given where it is.
_ON_CILIUMS_CONFIG_MAP = {"homelab-netpol-cilium", "homelab-netpol-audit-cilium"}
_CLUSTERWIDE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


@pytest.mark.parametrize("choice", _EVERY_CHOICE, ids=lambda choice: "+".join(choice) or "base")
def test_components_go_together_and_each_has_its_effect(choice: tuple[str, ...]) -> None:
    objects = overlay(choice)
    settings = settings_of(objects)
    deployment = the(objects, "Deployment")
    kinds = {each["kind"] for each in objects}
    labels = deployment["spec"]["template"]["metadata"]["labels"]

    assert settings.logging.format == "json"
    assert (deployment["spec"]["replicas"] == 1) is ("single-replica" in choice)
    assert ("PodDisruptionBudget" not in kinds) is ("single-replica" in choice)
    assert settings.default_deny == "auto", "nobody is cut off by installing it"
    assert settings.mesh.authorization_policies is ("mesh" in choice)
    assert ("192.168.0.0/16" in settings.internet.except_cidrs) is ("internet-only" in choice)
    assert (labels.get("istio.io/dataplane-mode") == "none") is ("mesh" in choice)
    assert settings.admission.enabled is ("admission" in choice)
    assert ("ValidatingAdmissionPolicy" in kinds) is ("admission" in choice)
    assert ({"PodMonitor", "PrometheusRule"} <= kinds) is ("monitoring" in choice)
    assert ({"CronJob", "ServiceMonitor"} <= kinds) is ("audit" in choice)


def test_objects_are_in_the_operators_namespace_and_clusterwide_ones_in_none() -> None:
    for each in overlay(COMPONENTS):
        expected = None if each["kind"] in _CLUSTERWIDE else HOME
        if plain_name(each) in _ON_CILIUMS_CONFIG_MAP:
            expected = "kube-system"
        assert each["metadata"].get("namespace") == expected, (each["kind"], plain_name(each))


def test_changed_settings_start_the_pods_again() -> None:
    mounted = set()
    for choice in ((), ("admission",), ("mesh",), ("internet-only",), ("admission", "mesh")):
        objects = overlay(choice)
        [volume] = [
            each
            for each in the(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
            if "configMap" in each
        ]
        assert (
            volume["configMap"]["name"] == the(objects, "ConfigMap", SETTINGS)["metadata"]["name"]
        )
        mounted.add(volume["configMap"]["name"])
    assert len(mounted) == 5


def test_the_kustomize_inside_kubectl_makes_the_same_of_it(tmp_path: Path) -> None:
    folder = write_overlay(tmp_path, COMPONENTS)
    assert documents(run([program("kubectl"), "kustomize", str(folder)])) == kustomize(folder)


def test_the_overlay_for_a_homelab_is_what_it_says() -> None:
    objects = kustomize(MANIFESTS / "overlays" / "homelab")
    assert objects == overlay(("single-replica", "monitoring"))


def test_an_update_never_takes_both_replicas_nor_does_a_drain() -> None:
    objects = overlay(())
    spec = the(objects, "Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    budget = the(objects, "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spec["selector"]


def test_rights_are_rendered_as_they_are_written() -> None:
    # kustomize puts the ConfigMap's hash wherever it takes a name for the ConfigMap's: also into
    # `resourceNames`, where the Lease once had the same name.
    written = {
        (each["kind"], each["metadata"]["name"]): each["rules"]
        for path in (
            MANIFESTS / "base",
            *(MANIFESTS / "components" / name for name in ("admission", "audit")),
        )
        for each in documents((path / "rbac.yaml").read_text())
        if "rules" in each
    }
    rendered = {
        (each["kind"], each["metadata"]["name"]): each["rules"]
        for each in overlay(COMPONENTS)
        if "rules" in each
    }
    assert rendered == written
