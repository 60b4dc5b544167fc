"""What `diagnose` proposes for each row of the vocabulary's table, against Cilium's engine."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass

import pytest

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.fixes import Trials
from homelab_netpol.diagnosis.diagnose import Diagnoser
from homelab_netpol.diagnosis.diagnosis import Diagnosis, Kind
from homelab_netpol.diagnosis.groups import Groups
from homelab_netpol.diagnosis.patch import joint_patch
from homelab_netpol.flows import FlowReader, documents
from lab.control_plane import Engine, Flow, Identity
from tests.explained import deployment, model_of, namespace, policy
from tests.flow_lines import GATEWAY, Json, end, flow, lines
from tests.truth.explained_world import put_in_force

_DOMAIN = "network-policy.homelab"
_GATEWAYS = "".join(
    f"---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {which}, namespace: istio-gateway,"
    f' labels: {{"{GATEWAY}": {which}}}}}, spec: {{containers: []}}}}\n'
    for which in ("internal", "external")
)
CLUSTER = (
    namespace("my-app", profile="internal")
    + namespace("other-app", profile="standard")
    + namespace("jobs", profile="isolated")
    + namespace("plain")
    + deployment("my-app", "web")
    + deployment("my-app", "worker")
    + deployment("other-app", "client")
    + deployment("jobs", "job")
    + deployment("plain", "pod")
    + deployment("database", "postgres", 5432)
    + deployment("cache", "dragonfly", 6379)
    + deployment("garage", "garage", 3900)
    + namespace("monitoring")
    + namespace("kube-system")
    + _GATEWAYS
)
# What may be opened by mistake: who, to whom, on which port.
_ENDS = {
    "my-app": Identity.pod("my-app", {"app": "web"}),
    "my-app's other": Identity.pod("my-app", {"app": "worker"}),
    "other-app": Identity.pod("other-app", {"app": "client"}),
    "jobs": Identity.pod("jobs", {"app": "job"}),
    "plain": Identity.pod("plain", {"app": "pod"}),
    "database": Identity.pod("database", {"app": "postgres"}),
    "cache": Identity.pod("cache", {"app": "dragonfly"}),
    "garage": Identity.pod("garage", {"app": "garage"}),
    "internal": Identity.pod("istio-gateway", {GATEWAY: "internal"}),
    "external": Identity.pod("istio-gateway", {GATEWAY: "external"}),
    "internet": Identity.address("203.0.113.7/32"),
    "lan": Identity.address("192.168.1.10/32"),
    "remote-node": Identity.entity("remote-node"),
    "kube-apiserver": Identity.entity("kube-apiserver"),
}
_PORTS = (80, 443, 3900, 5432, 6379, 6443, 8080, 9090)
_GATEWAY_POD = end("istio-gateway/gateway", **{GATEWAY: "external"})
_INTERNAL_POD = end("istio-gateway/gateway", **{GATEWAY: "internal"})
_APIS = ("my-app", "kube-apiserver")


@dataclass(frozen=True)
class Row:
    """One drop, and what the documentation's table says of it.

    Attributes:
        dropped: as Hubble shows it.
        labels: labels and annotations for the Namespace `of`, without the vocabulary's domain.
        of: the Namespace.
        passes: the flow, as the engine is asked: who, to whom, on which port.
        opens: what else the change is said to open.
    """

    dropped: Json
    labels: dict[str, str]
    passes: tuple[str, str, int]
    of: str = "my-app"
    opens: frozenset[tuple[str, str, int]] = frozenset()


def _every_port(source: str, target: str, *but: int) -> set[tuple[str, str, int]]:
    return {(source, target, port) for port in _PORTS if port not in but}


_HTTPS = {
    ("my-app", "internet", 443),
    ("my-app", "lan", 443),
    ("my-app's other", "internet", 443),
    ("my-app's other", "lan", 443),
}
ROWS = {
    "database, 5432: no grant on postgres": Row(
        flow("my-app/web", "database/postgres", "5432/TCP", "EGRESS"),
        {"access/postgres": "true"},
        ("my-app", "database", 5432),
    ),
    "cache, 6379: no grant on dragonfly": Row(
        flow("my-app/web", "cache/dragonfly", "6379/TCP", "EGRESS"),
        {"access/dragonfly": "true"},
        ("my-app", "cache", 6379),
    ),
    "garage, 3900: no grant on garage-s3": Row(
        flow("my-app/web", "garage/garage", "3900/TCP", "EGRESS"),
        {"access/garage-s3": "true"},
        ("my-app", "garage", 3900),
    ),
    "kube-apiserver, 6443: no grant on kube-api": Row(
        flow("my-app/web", "kube-apiserver", "6443/TCP", "EGRESS"),
        {"access/kube-api": "true"},
        ("my-app", "kube-apiserver", 6443),
        opens=frozenset({("my-app", "kube-apiserver", 443)}),
    ),
    "world, 443: a profile without HTTPS": Row(
        flow("my-app/web", "world 203.0.113.7", "443/TCP", "EGRESS"),
        {"profile": "internal-egress"},
        ("my-app", "internet", 443),
        opens=frozenset({("my-app", "lan", 443)}),
    ),
    "world, another port: the annotation internet-ports": Row(
        flow("other-app/client", "world 203.0.113.7", "80/TCP", "EGRESS"),
        {"internet-ports": "443,80"},
        ("other-app", "internet", 80),
        of="other-app",
        opens=frozenset({("other-app", "lan", 80)}),
    ),
    "istio-gateway, internal: a profile without the gateway": Row(
        flow(_INTERNAL_POD, "jobs/job", "8080/TCP", "INGRESS"),
        {"profile": "internal"},
        ("internal", "jobs", 8080),
        of="jobs",
        opens=frozenset({*_every_port("internal", "jobs", 8080), *_every_port("jobs", "jobs")}),
    ),
    "istio-gateway, external: a profile without this gateway": Row(
        flow(_GATEWAY_POD, "my-app/web", "8080/TCP", "INGRESS"),
        {"profile": "standard"},
        ("external", "my-app", 8080),
        opens=frozenset(
            {
                *_every_port("external", "my-app", 8080),
                ("my-app", "internet", 443),
                ("my-app", "lan", 443),
            }
        ),
    ),
    "within the Namespace: isolated": Row(
        flow(end("jobs/job"), end("jobs/other"), "8080/TCP", "EGRESS"),
        {"intra-namespace": "allow"},
        ("jobs", "jobs", 8080),
        of="jobs",
        opens=frozenset(_every_port("jobs", "jobs", 8080)),
    ),
    "kube-apiserver at a webhook: the label webhooks": Row(
        flow("kube-apiserver", "my-app/web", "8080/TCP", "INGRESS"),
        {"webhooks": "allow"},
        ("kube-apiserver", "my-app", 8080),
        opens=frozenset(_every_port("kube-apiserver", "my-app", 8080)),
    ),
    "world or an address, without a gateway: lan-ports": Row(
        flow("world 192.168.1.10", "my-app/web", "8080/TCP", "INGRESS"),
        {"lan-ports": "8080"},
        ("lan", "my-app", 8080),
    ),
    "world or an address, without a gateway: world-ports": Row(
        flow("world 203.0.113.7", "my-app/web", "8080/TCP", "INGRESS"),
        {"world-ports": "8080"},
        ("internet", "my-app", 8080),
        opens=frozenset({("lan", "my-app", 8080)}),
    ),
}


def diagnosed(model: ClusterModel, *flows: Json, count: int | None = 1) -> list[Diagnosis]:
    """What is said of some flows."""
    reader, diagnoser = FlowReader(), Diagnoser(model)
    groups = Groups(diagnoser.platform)
    for each in reader.flows(documents([lines(*flows)])):
        assert each is not None
        groups.add(each)
    found = [diagnoser.diagnose(each) for each in groups.ranked()]
    assert count is None or len(found) == count
    return found


def allowed(engine: Engine, model: ClusterModel, of: str) -> set[tuple[str, str, int]]:
    """All that the engine lets pass at both ends, of what a Namespace's labels are about."""
    engine.identities(_ENDS)
    put_in_force(engine, model)
    asked = [
        (source, target, port)
        for source, target in itertools.product(_ENDS, _ENDS)
        for port in _PORTS
        if of in (source.partition("'")[0], target.partition("'")[0])
    ]
    verdicts = engine.verdicts([Flow(*each, "TCP") for each in asked])
    return {each for each, verdict in zip(asked, verdicts, strict=True) if verdict.allowed}


@pytest.fixture(scope="module")
def model() -> ClusterModel:
    """The cluster as it is."""
    return model_of(CLUSTER)


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_the_change_helps_by_the_engine_and_opens_nothing_else_than_said(
    engine: Engine, model: ClusterModel, row: Row
) -> None:
    [found] = diagnosed(model, row.dropped)
    change = found.change
    assert change is not None, found
    keys = {
        f"access.{_DOMAIN}/{key[7:]}" if key.startswith("access/") else f"{_DOMAIN}/{key}": value
        for key, value in row.labels.items()
    }
    assert {each.key: each.value for each in change.settings} == keys
    assert {each.namespace for each in change.settings} == {row.of}
    before = allowed(engine, model, row.of)
    assert row.passes not in before
    opened = allowed(engine, Trials(model).after(change), row.of) - before
    assert row.passes in opened
    others = {
        tuple("my-app" if part == "my-app's other" else part for part in each) for each in opened
    }
    assert others - {row.passes} == row.opens


def test_the_changes_of_several_drops_go_together_by_the_engine(
    engine: Engine, model: ClusterModel
) -> None:
    """`internal-egress` for the one and `standard` for the other: `standard` is for both."""
    rows = [row for row in ROWS.values() if row.of == "my-app"]
    found = [each for row in rows for each in diagnosed(model, row.dropped)]
    patch = joint_patch(model, found)
    assert {each.group.key for each in patch.covered} == {each.group.key for each in found}
    opened = allowed(engine, Trials(model).after(patch.change), "my-app")
    assert {row.passes for row in rows} <= opened
    labels = {each.key: each.value for each in patch.change.settings}
    assert labels[f"{_DOMAIN}/profile"] == "standard"


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
    model: ClusterModel, dropped: Json, baseline: str
) -> None:
    # By the labels alone the baselines are there: in the cluster one must be missing.
    [found] = diagnosed(model, dropped)
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


def test_another_tenant_and_a_scan_are_dropped_by_right(model: ClusterModel) -> None:
    scan = [
        flow("other-app/client", "my-app/web", f"{port}/TCP", "INGRESS")
        for port in range(1000, 1100)
    ]
    tenant = flow("my-app/web", "other-app/client", "8080/TCP", "EGRESS")
    found = {each.group.key.is_scan: each for each in diagnosed(model, *scan, tenant, count=None)}
    assert [found[each].kind for each in (True, False)] == [Kind.RIGHT, Kind.RIGHT]
    assert found[True].count == len(scan)
    assert not joint_patch(model, found.values()).covered


def test_isolated_is_said_to_do_its_work(model: ClusterModel) -> None:
    dropped = flow("jobs/job", "world 203.0.113.7", "443/TCP", "EGRESS")
    [found] = diagnosed(model, dropped)
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
    model: ClusterModel,
) -> None:
    dropped = flow(
        "other-app/client", "my-app/web", "8080/TCP", "INGRESS", drop_reason_desc="POLICY_DENY"
    )
    [found] = diagnosed(model, dropped)
    assert (found.kind, found.change) == (Kind.DENIED, None)
    assert "not among those given" in found.cause


def test_what_the_policies_allow_by_now_should_not_be_dropped() -> None:
    granted = namespace("photos", profile="internal", access_postgres="true")
    text = CLUSTER + granted + deployment("photos", "web")
    dropped = flow("photos/web", "database/postgres", "5432/TCP", "EGRESS")
    [found] = diagnosed(model_of(text), dropped)
    assert found.kind is Kind.UNEXPECTED
    assert "kubectl get cnp -n photos homelab-access-postgres" in found.advice


def test_what_a_setting_decides_is_said_with_its_name(model: ClusterModel) -> None:
    dropped = flow("my-app/web", "host 169.254.20.10", "53/UDP", "EGRESS")
    [found] = diagnosed(model, dropped)
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
    assert [each.key for each in found.change.settings] == [f"access.{_DOMAIN}/postgres"]
    assert "database is not given: it is gone, or its manifest is elsewhere" in found.notes
