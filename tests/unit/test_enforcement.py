"""Whether Cilium enforces policies: what its ConfigMap and its agents say of it."""

from __future__ import annotations

import pytest

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import (
    Agents,
    CiliumState,
    Enforcement,
    Impairment,
    Needs,
    assess,
)
from homelab_netpol.cilium.label_faults import label_faults
from homelab_netpol.cilium.version import Version, read_version
from homelab_netpol.findings.check_pod_labels import pod_label_findings
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import parse_settings

WHERE = "kube-system/cilium-config"
RUNNING = Agents(3, 3)


def judged(
    data: dict[str, str] | None = None,
    agents: Agents | None = RUNNING,
    needs: Needs | None = None,
) -> Enforcement:
    config = None if data is None else read_agent_config(data)
    return assess(CiliumState(WHERE, config, agents), needs or Needs())


@pytest.mark.parametrize(
    "data",
    [
        {},
        # What Cilium's chart writes by default.
        {
            "policy-audit-mode": "false",
            "enable-policy": "default",
            "enable-l7-proxy": "true",
            "enable-k8s-networkpolicy": "true",
            "enable-non-default-deny-policies": "true",
            "labels": "",
        },
        {"enable-policy": "always"},
        {"policy-audit-mode": "off"},
    ],
)
def test_a_cilium_as_it_comes_enforces_everything(data: dict[str, str]) -> None:
    assert judged(data) == Enforcement(known=True)


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        ({"policy-audit-mode": "true"}, "AuditMode", "nothing is enforced: Cilium's audit mode"),
        ({"policy-audit-mode": "1"}, "AuditMode", "policy-audit-mode in kube-system/cilium-config"),
        ({"enable-policy": "never"}, "PoliciesOff", "nothing is enforced"),
        ({"enable-policy": "Never"}, "PoliciesOff", "enable-policy: never"),
        (
            {"enable-cilium-network-policy": "false"},
            "NamespacedPoliciesOff",
            "profiles, grants and hatches",
        ),
        (
            {"enable-cilium-clusterwide-network-policy": "false"},
            "ClusterwidePoliciesOff",
            "baselines",
        ),
        ({"enable-non-default-deny-policies": "false"}, "AdditivePoliciesOff", "deny nothing"),
    ],
)
def test_each_option_that_keeps_policies_from_holding_is_named(
    data: dict[str, str], reason: str, words: str
) -> None:
    found = judged(data)
    assert [each.value for each in found.impairments] == [reason]
    assert found.sentence is not None
    assert words in found.sentence


def test_without_a_config_map_nothing_is_said_whether_agents_run_or_not() -> None:
    assert judged(None, None) == judged(None, Agents()) == judged(None, RUNNING) == Enforcement()


def test_agents_are_told_of_when_none_runs_and_when_some_are_not_ready() -> None:
    assert set(judged({}, Agents()).impairments) == {Impairment.NO_AGENTS}
    found = judged({}, Agents(2, 3))
    assert set(found.impairments) == {Impairment.AGENTS_NOT_READY}
    assert found.sentence is not None
    assert "1 of 3 agents of Cilium are not ready" in found.sentence
    assert judged({}, None) == Enforcement(known=True)


def test_labels_that_the_operator_selects_by_must_be_in_identities() -> None:
    gateways = Needs(labels={"gateway.networking.k8s.io/gateway-name", "k8s-app"})
    found = judged({"labels": "k8s-app"}, needs=gateways)
    assert set(found.impairments) == {Impairment.LABELS_NOT_IN_IDENTITIES}
    assert "gateway.networking.k8s.io/gateway-name" in (found.sentence or "")
    assert judged({}, needs=gateways) == Enforcement(known=True)


def test_without_the_layer_7_proxy_only_who_uses_it_is_told() -> None:
    off = {"enable-l7-proxy": "false"}
    assert judged(off) == Enforcement(known=True)
    assert set(judged(off, needs=Needs(layer_7=True)).impairments) == {Impairment.LAYER_7_OFF}


@pytest.mark.parametrize(("proxy", "told"), [("false", set()), ("true", {Impairment.LAYER_7_OFF})])
def test_lookups_by_the_dns_proxy_need_the_layer_7_proxy(proxy: str, told: set[Impairment]) -> None:
    cache = ClusterCache(Catalogue(parse_settings(f"dns: {{proxy: {proxy}}}")))
    cache.set_cilium(CiliumState(WHERE, read_agent_config({"enable-l7-proxy": "false"}), RUNNING))
    assert set(cache.enforcement().impairments) == told


def test_the_worst_comes_first_and_alone() -> None:
    found = judged({"policy-audit-mode": "true", "enable-l7-proxy": "false"}, Agents(1, 2))
    assert found.sentence == (
        "nothing is enforced: Cilium's audit mode is on (policy-audit-mode in"
        " kube-system/cilium-config)"
    )


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("quay.io/cilium/cilium:v1.18.4", Version(1, 18, 4)),
        (f"quay.io/cilium/cilium:v1.16.0@sha256:{'a' * 64}", Version(1, 16, 0)),
        ("registry.home:5000/cilium:1.19.1", Version(1, 19, 1)),
        ("quay.io/cilium/cilium-ci:latest", None),
        ("gke.gcr.io/cilium/cilium:v1.15.6-gke.12@sha256:abc", None),
        ("quay.io/cilium/cilium:v1.20.0-rc.1", None),
        (f"quay.io/cilium/cilium@sha256:{'a' * 64}", None),
    ],
)
def test_a_version_is_what_the_tag_says_and_a_vendors_build_has_none(
    image: str, version: Version | None
) -> None:
    assert read_version(image) == version


# Each by the versions that have it and those that do not: Cilium's source, the advisory.
@pytest.mark.parametrize(
    ("key", "affected", "safe"),
    [
        ("host", ["1.16.0", "1.18.4", "1.20.1"], ["1.15.0"]),
        ("init", ["1.16.0", "1.20.1"], ["1.15.0"]),
        ("remote-node", ["1.17.0", "1.20.1"], ["1.16.9"]),
        ("ingress", ["1.18.0"], ["1.17.6", "1.18.1", "1.20.1"]),
        ("io.kubernetes.pod.namespace", ["1.12.13", "1.13.6", "1.14.1"], ["1.13.7", "1.14.2"]),
        (
            "io.cilium.k8s.policy.serviceaccount",
            ["1.12.13", "1.14.0"],
            ["1.12.14", "1.14.2", "1.16.0"],
        ),
        (
            "io.cilium.k8s.namespace.labels.team",
            ["1.13.0"],
            ["1.13.7", "1.20.1"],
        ),
        ("app", [], ["1.14.0", "1.18.0", "1.20.1"]),
    ],
)
def test_a_pods_label_is_told_where_this_clusters_version_has_the_fault(
    key: str, affected: list[str], safe: list[str]
) -> None:
    assert [v for v in affected if not faults({key: "x"}, v)] == []
    assert [v for v in safe if faults({key: "x"}, v)] == []


def faults(pod: dict[str, str], *versions: str, **data: str) -> list[str]:
    config = read_agent_config({key.replace("_", "-"): value for key, value in data.items()})
    known = [Version(*map(int, version.split("."))) for version in versions]
    return [fault.key for fault in label_faults(pod, config, known)]


def test_where_no_version_is_known_a_fault_that_all_have_is_told_and_no_other() -> None:
    assert faults({"host": "x", "ingress": "x", "io.kubernetes.pod.namespace": "x"}) == ["host"]


def test_one_old_agent_is_enough() -> None:
    assert faults({"ingress": "x"}, "1.18.1", "1.18.0") == ["ingress"]


def test_the_host_firewall_keeps_pods_labelled_host_under_policies() -> None:
    assert faults({"host": "x"}, "1.18.4", enable_host_firewall="true") == []


def test_a_label_that_is_left_out_of_identities_does_no_harm() -> None:
    assert faults({"host": "x"}, "1.18.4", labels="!host$") == []
    assert faults({"host": "x"}, "1.18.4", labels="k8s:app") == []


def test_a_fixed_identity_takes_a_pod_out_only_where_it_is_listed() -> None:
    labels = {"io.cilium.fixed-identity": "kv-store"}
    assert faults(labels, "1.18.4") == []
    mapping = "128=kv-store,129=other"
    assert faults(labels, "1.18.4", fixed_identity_mapping=mapping) == ["io.cilium.fixed-identity"]


def test_a_namespaces_pods_are_told_of_once_a_label_with_this_clusters_version() -> None:
    pods = [{"host": "a"}, {"host": "b", "app": "web"}, {"app": "web"}]
    version = Version(1, 18, 4)
    found = pod_label_findings("my-app", pods, read_agent_config({}), {version})
    [finding] = [each for each in found if each is not None]
    assert (finding.reason, finding.subject) == ("PodLabelUnsafe", "my-app")
    for words in ("label host", "no policy is enforced", "here runs 1.18.4", "issue 48027"):
        assert words in finding.message


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30.0),
        ("1m30s", 90.0),
        ("0", 0.0),
        ("0s", 0.0),
        ("1.5h", 5400.0),
        ("250ms", 0.25),
        ("5000000000", 5.0),
        ("30", 30e-9),
        ("", 30.0),
        # No durations: the default is assumed.
        ("soon", 30.0),
        ("-5s", 30.0),
        ("9" * 5000 + "s", 30.0),
    ],
)
def test_durations_are_read_as_agents_read_them(written: str, seconds: float) -> None:
    config = read_agent_config({"identity-max-jitter": written})
    assert config.identity_jitter_seconds == pytest.approx(seconds)
