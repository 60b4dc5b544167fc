"""What `diagnose` says of drops for which no label of the table's is the answer."""

from __future__ import annotations

import json

import pytest

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.diagnosis.diagnose import Diagnoser
from homelab_netpol.diagnosis.diagnosis import Kind
from homelab_netpol.diagnosis.groups import Groups
from homelab_netpol.diagnosis.patch import joint_patch
from homelab_netpol.flows import FlowReader, documents
from tests.explained import deployment, model_of, namespace, policy
from tests.flow_lines import Json, end, flow, lines
from tests.truth.diagnosed import CLUSTER, DOMAIN, diagnosed

BASELINES = {
    "kube-system, 53": (
        flow("my-app/web", end("kube-system/dns", **{"k8s-app": "kube-dns"}), "53/UDP", "EGRESS"),
        "baseline-dns-egress",
    ),
    "monitoring's Prometheus": (
        flow(
            end("monitoring/prometheus", **{"app.kubernetes.io/name": "prometheus"}),
            "my-app/web",
            "8080/TCP",
            "INGRESS",
        ),
        "baseline-prometheus-scrape",
    ),
    "health": (flow("health", "my-app/web", "8080/TCP", "INGRESS"), "baseline-health-probes"),
}


@pytest.mark.parametrize(("dropped", "baseline"), BASELINES.values(), ids=list(BASELINES))
def test_a_missing_baseline_should_not_happen_and_is_named(
    diagnosed_model: ClusterModel, dropped: Json, baseline: str
) -> None:
    # By the labels alone the baselines are there: in the cluster one must be missing.
    [found] = diagnosed(diagnosed_model, dropped)
    assert found.kind is Kind.UNEXPECTED
    assert f"kubectl get ccnp {baseline}" in found.advice
    assert found.change is None


@pytest.mark.parametrize(("dropped", "baseline"), BASELINES.values(), ids=list(BASELINES))
def test_a_baseline_that_does_not_stand_in_the_cluster_is_said_to_be_missing(
    dropped: Json, baseline: str
) -> None:
    # A profile's own policy has DNS and probes too; a Namespace whose own policy closes it lives by
    # the baselines.
    closed = {"endpointSelector": {}, "egress": [{"toEntities": ["host"]}]}
    cluster = CLUSTER + policy("plain", "own", closed)
    given = json.dumps(dropped).replace("my-app", "plain").replace("k8s:app=web", "k8s:app=pod")
    without_profile: Json = json.loads(given)
    own = model_of(cluster).own
    standing = [each for each in own if each["metadata"]["name"] != baseline]
    assert len(standing) == len(own) - 1
    by_api_server: Json = {"uid": "1", "resourceVersion": "1"}
    read = ({**each, "metadata": {**each["metadata"], **by_api_server}} for each in standing)
    text = cluster + "".join(f"---\n{json.dumps(each)}\n" for each in read)
    [found] = diagnosed(model_of(text), without_profile)
    assert found.kind is Kind.UNEXPECTED
    assert f"missing: {baseline}" in found.advice


def test_another_tenant_and_a_scan_are_dropped_by_right(diagnosed_model: ClusterModel) -> None:
    scan = [
        flow("other-app/client", "my-app/web", f"{port}/TCP", "INGRESS")
        for port in range(1000, 1100)
    ]
    tenant = flow("my-app/web", "other-app/client", "8080/TCP", "EGRESS")
    found = {
        each.group.key.is_scan: each
        for each in diagnosed(diagnosed_model, *scan, tenant, count=None)
    }
    assert [found[each].kind for each in (True, False)] == [Kind.RIGHT, Kind.RIGHT]
    assert found[True].count == len(scan)
    assert not joint_patch(diagnosed_model, found.values()).covered


def test_isolated_is_said_to_do_its_work(diagnosed_model: ClusterModel) -> None:
    dropped = flow("jobs/job", "world 203.0.113.7", "443/TCP", "EGRESS")
    [found] = diagnosed(diagnosed_model, dropped)
    assert found.kind is Kind.RIGHT
    assert found.change is not None


def test_the_other_end_is_named_where_it_is_the_one_that_denies() -> None:
    denied = policy(
        "database",
        "no-apps",
        {
            "endpointSelector": {},
            "ingressDeny": [
                {"fromEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "my-app"}}]}
            ],
        },
    )
    granted = CLUSTER.replace(
        namespace("my-app", profile="internal"),
        namespace("my-app", profile="internal", access_postgres="true"),
    )
    dropped = flow("my-app/web", "database/postgres", "5432/TCP", "INGRESS")
    [found] = diagnosed(model_of(granted + denied), dropped)
    assert found.kind is Kind.DENIED
    assert "database/no-apps" in found.cause
    assert found.group.key.own.namespace == "database"


def test_a_deny_that_no_given_policy_explains_is_said_and_nothing_is_proposed(
    diagnosed_model: ClusterModel,
) -> None:
    dropped = flow(
        "other-app/client", "my-app/web", "8080/TCP", "INGRESS", drop_reason_desc="POLICY_DENY"
    )
    [found] = diagnosed(diagnosed_model, dropped)
    assert (found.kind, found.change) == (Kind.DENIED, None)
    assert "not among those given" in found.cause


def test_what_the_policies_allow_by_now_should_not_be_dropped() -> None:
    granted = namespace("photos", profile="internal", access_postgres="true")
    text = CLUSTER + granted + deployment("photos", "web")
    dropped = flow("photos/web", "database/postgres", "5432/TCP", "EGRESS")
    [found] = diagnosed(model_of(text), dropped)
    assert found.kind is Kind.UNEXPECTED
    assert "kubectl get cnp -n photos homelab-access-postgres" in found.advice


def test_what_a_setting_decides_is_said_with_its_name(diagnosed_model: ClusterModel) -> None:
    dropped = flow("my-app/web", "host 169.254.20.10", "53/UDP", "EGRESS")
    [found] = diagnosed(diagnosed_model, dropped)
    assert "dns.servers" in found.cause


def test_a_namespace_that_only_the_flow_names_gets_the_vocabularys_grant() -> None:
    """A tree of manifests is seldom all of a cluster; the end that dropped must be in it."""
    dropped = flow("my-app/web", "database/postgres", "5432/TCP", "EGRESS")
    reader, diagnoser = FlowReader(), Diagnoser(model_of(namespace("my-app", profile="internal")))
    groups = Groups(diagnoser.platform)
    for each in reader.flows(documents([lines(dropped)])):
        assert each is not None
        groups.add(each)
    diagnoser.expect(groups.ranked())
    [found] = [diagnoser.diagnose(each) for each in groups.ranked()]
    assert found.change is not None
    assert [each.key for each in found.change.settings] == [f"access.{DOMAIN}/postgres"]
    assert "database is not given: it is gone, or its manifest is elsewhere" in found.notes
