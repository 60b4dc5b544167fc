"""The chart makes what the kustomization makes, and refuses values that it does not understand."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from tests.install.rendered import (
    CHART,
    COMPONENTS,
    SETTINGS,
    VALUES,
    Manifest,
    chart,
    helm,
    overlay,
    plain_name,
    settings_of,
    the,
)
from tests.tools.chart_files import differences

_HELMS_LABELS = (
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "app.kubernetes.io/version",
    "helm.sh/chart",
)
_KEEP = "helm.sh/resource-policy"
_CHECKSUM = "checksum/settings"
CILIUMS = "homelab-netpol-cilium"
_AUDITS_CILIUMS = "homelab-netpol-audit-cilium"


@pytest.mark.parametrize(
    "choice",
    [(), *((name,) for name in COMPONENTS), COMPONENTS],
    ids=lambda choice: "+".join(choice),
)
def test_the_chart_makes_what_the_kustomization_makes(choice: tuple[str, ...]) -> None:
    by_kustomize = overlay(choice)
    by_helm = chart(*(VALUES[name] for name in choice))
    assert settings_of(by_helm) == settings_of(by_kustomize)
    assert _comparable(by_helm) == _comparable(by_kustomize)


def _comparable(objects: Sequence[Manifest]) -> dict[tuple[str, str, str], Manifest]:
    """Objects by what identifies them, without what only the two tools add."""
    return {
        (each["kind"], each["metadata"].get("namespace", ""), plain_name(each)): _plain(each)
        for each in objects
        if each["kind"] != "Namespace"  # Helm's --create-namespace makes it
    }


def _plain(item: Manifest) -> Manifest:
    metadata = {**item["metadata"], "name": plain_name(item)}
    for key, added in (("labels", _HELMS_LABELS), ("annotations", (_KEEP,))):
        kept = {k: v for k, v in (metadata.pop(key, None) or {}).items() if k not in added}
        metadata |= {key: kept} if kept else {}
    plain = {**item, "metadata": metadata}
    if item["kind"] == "ConfigMap" and plain_name(item) == SETTINGS:
        plain["data"] = "compared as settings"
    if item["kind"] == "Deployment":
        template = plain["spec"]["template"]
        annotations = template["metadata"].pop("annotations", {})
        assert set(annotations) <= {_CHECKSUM}
        for volume in template["spec"]["volumes"]:
            if "configMap" in volume:
                volume["configMap"]["name"] = SETTINGS
    if item["kind"] == "CronJob":
        for volume in plain["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"]:
            if "configMap" in volume:
                volume["configMap"]["name"] = SETTINGS
    return plain


def test_the_files_that_the_chart_shares_with_the_manifests_are_current() -> None:
    assert differences() == [], "run: python -m tests.tools.chart_files"


def test_helm_finds_no_fault_with_the_chart() -> None:
    helm("lint", "--strict", str(CHART))
    everything = [VALUES[name] for name in COMPONENTS]
    helm("lint", "--strict", str(CHART), values=everything)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"replicas": "two"}, "/replicas"),
        ({"replicas": 0}, "/replicas"),
        ({"replica": 1}, "additional properties 'replica' not allowed"),
        ({"image": {"name": "x"}}, "additional properties 'name' not allowed"),
        ({"image": {"digest": "sha256:short"}}, "/image/digest"),
        ({"admission": {"enabled": "yes"}}, "/admission/enabled"),
        ({"admission": {"hatchGroups": ["it's"]}}, "/admission/hatchGroups/0"),
        ({"monitoring": {"prometheus": True}}, "additional properties 'prometheus' not allowed"),
        ({"podLabels": {"a": 1}}, "/podLabels/a"),
        (
            {"settings": {"defaultdeny": "labelled"}},
            "additional properties 'defaultdeny' not allowed",
        ),
        ({"settings": {"defaultDeny": "none"}}, "/settings/defaultDeny"),
        ({"settings": {"resyncSeconds": 0}}, "/settings/resyncSeconds"),
        ({"settings": {"sharedResources": {"ldap": {"namespace": "auth"}}}}, "property 'ports'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        chart(wrong)
    assert words in str(refused.value.stderr)


def test_every_value_that_the_schema_knows_stands_in_values_yaml() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    # What the operator has a default for is left to it.
    del schema["properties"]["settings"]
    # Helm's own, and a field of Kubernetes' that hardly anybody sets.
    assert _unset(schema, values) == ["global", "resources.claims"]


def _unset(schema: Manifest, values: Manifest) -> list[str]:
    """The paths that a schema knows and that have no value."""
    paths = []
    for key, child in schema.get("properties", {}).items():
        if key not in values:
            paths.append(key)
        elif isinstance(values[key], dict):
            paths += [f"{key}.{path}" for path in _unset(child, values[key])]
    return paths


def test_the_right_on_ciliums_config_map_is_where_the_settings_say_that_it_is() -> None:
    cilium = {"namespace": "cilium", "configMap": "cilium-settings"}
    by_values = chart({"settings": {"cilium": cilium}})
    for objects, namespace, name in (
        (chart(), "kube-system", "cilium-config"),
        (by_values, "cilium", "cilium-settings"),
    ):
        role, binding = (the(objects, kind, CILIUMS) for kind in ("Role", "RoleBinding"))
        assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == namespace
        assert [rule["resourceNames"] for rule in role["rules"]] == [[name]]
        assert binding["subjects"][0]["namespace"] == "homelab-netpol"


def test_another_namespace_is_named_wherever_the_operators_own_is() -> None:
    objects = chart(*(VALUES[name] for name in COMPONENTS), namespace="elsewhere")
    assert settings_of(objects).admission.namespace == "elsewhere"
    for each in objects:
        in_ciliums = plain_name(each) in (CILIUMS, _AUDITS_CILIUMS)
        assert in_ciliums or each["metadata"].get("namespace") in (None, "elsewhere")
        for subject in each.get("subjects", ()):
            assert subject["namespace"] == "elsewhere"
        parameters = each.get("spec", {}).get("paramRef")
        assert parameters is None or parameters["namespace"] == "elsewhere"


def test_another_port_is_the_port_everywhere() -> None:
    objects = chart({"settings": {"server": {"port": 9000}}})
    assert settings_of(objects).server.port == 9000
    [container] = the(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": 9000}]
    rules = the(objects, "CiliumNetworkPolicy")["spec"]["ingress"]
    assert {
        entry["port"] for rule in rules for ports in rule["toPorts"] for entry in ports["ports"]
    } == {"9000"}


def test_the_own_policy_follows_where_dns_prometheus_and_the_api_server_are() -> None:
    settings = {
        "dns": {
            "servers": [
                {"namespace": "dns", "podLabels": {"app": "dns"}},
                {"cidrs": ["169.254.20.10/32"]},
                {"entities": ["host"]},
            ],
            "ports": [{"port": 5353}],
        },
        "scrapers": [{"namespace": "observability", "podLabels": {"app": "victoria"}}],
    }
    ports = {"networkPolicies": {"apiServerPorts": [443, 16443]}}
    spec = the(chart({"settings": settings}, ports), "CiliumNetworkPolicy")["spec"]
    *dns, api = spec["egress"]
    asked = {"toPorts": [{"ports": [{"port": "5353", "protocol": "TCP"}]}]}
    pods = [{"matchLabels": {"io.kubernetes.pod.namespace": "dns", "app": "dns"}}]
    assert dns == [
        {"toEndpoints": pods, **asked},
        {"toCIDR": ["169.254.20.10/32"], **asked},
        {"toEntities": ["host"], **asked},
    ]
    assert [each["port"] for each in api["toPorts"][0]["ports"]] == ["443", "16443"]
    assert spec["ingress"][0]["fromEndpoints"] == [
        {"matchLabels": {"io.kubernetes.pod.namespace": "observability", "app": "victoria"}}
    ]


def test_named_groups_may_open_the_hatch() -> None:
    admission = {"enabled": True, "hatchGroups": ["oncall", "system:serviceaccounts:flux-system"]}
    policy = the(
        chart({"admission": admission}), "ValidatingAdmissionPolicy", "homelab-netpol-hatch"
    )
    [groups] = [each for each in policy["spec"]["variables"] if each["name"] == "groups"]
    assert groups["expression"] == "['oncall', 'system:serviceaccounts:flux-system']"


def test_labels_reach_every_object_and_those_of_pods_the_pods_only() -> None:
    objects = chart({"labels": {"team": "net"}, "podLabels": {"tier": "control"}}, *VALUES.values())
    assert {each["metadata"]["labels"]["team"] for each in objects} == {"net"}
    pods = the(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert (pods["tier"], pods.get("team")) == ("control", None)


def test_templates_of_ones_own_can_be_mounted() -> None:
    mount = {"name": "templates", "mountPath": "/etc/templates", "readOnly": True}
    volume = {"name": "templates", "configMap": {"name": "my-templates"}}
    values = {
        "settings": {"templates": "/etc/templates"},
        "extraVolumes": [volume],
        "extraVolumeMounts": [mount],
    }
    pod = the(chart(values), "Deployment")["spec"]["template"]["spec"]
    assert volume in pod["volumes"]
    assert mount in pod["containers"][0]["volumeMounts"]


def test_the_smallest_file_of_values_that_people_write_is_taken() -> None:
    # Keys without a value: YAML's null, which takes the chart's default away.
    assert chart({"nodeSelector": None, "tolerations": None, "podAnnotations": None})


def test_a_digest_decides_which_image_runs() -> None:
    digest = f"sha256:{'0' * 64}"
    image = {"repository": "registry.example.org/netpol", "tag": "1.2.3", "digest": digest}
    [container] = the(chart({"image": image}), "Deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["image"] == f"registry.example.org/netpol:1.2.3@{digest}"


def test_what_stands_when_the_release_goes() -> None:
    kept = {
        plain_name(each)
        for each in chart(*(VALUES[name] for name in COMPONENTS))
        if (each["metadata"].get("annotations") or {}).get(_KEEP) == "keep"
    }
    assert kept == {
        "networkprofiles.network-policy.homelab",
        "sharedresources.network-policy.homelab",
    }
