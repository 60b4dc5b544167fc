"""Policy tests find what Cilium's engine says, and what the vocabulary's tables promise."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.manifests import ManifestSet
from homelab_netpol.manifests.parse import parse_manifests
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.policy_tests import Status, read_tests, run_tests
from homelab_netpol.settings import Settings
from lab.control_plane import Engine, Flow, Identity

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_PROFILE = "network-policy.homelab/profile"
_ACCESS = "access.network-policy.homelab"
LABELS: dict[str, dict[str, str]] = {
    "shop": {_PROFILE: "standard", f"{_ACCESS}/postgres": "true"},
    "wiki": {_PROFILE: "internal"},
    "feeds": {_PROFILE: "internal-egress"},
    "batch": {_PROFILE: "isolated"},
    "database": {},
    "monitoring": {},
    "kube-system": {},
    "istio-gateway": {},
}
_GATEWAY = "gateway.networking.k8s.io/gateway-name"
# Each workload: its namespace, name, labels and port.
PODS: dict[str, tuple[str, dict[str, str], int]] = {
    "shop/web": ("shop", {"app": "web"}, 8080),
    "wiki/web": ("wiki", {"app": "web"}, 8080),
    "feeds/web": ("feeds", {"app": "web"}, 8080),
    "batch/job": ("batch", {"app": "job"}, 8080),
    "database/pg": ("database", {"app": "postgres"}, 5432),
    "database/admin": ("database", {"app": "admin"}, 8080),
    "monitoring/prometheus": ("monitoring", {"app.kubernetes.io/name": "prometheus"}, 9090),
    "kube-system/dns": ("kube-system", {"k8s-app": "kube-dns"}, 53),
    "istio-gateway/external": ("istio-gateway", {_GATEWAY: "external"}, 443),
    "istio-gateway/internal": ("istio-gateway", {_GATEWAY: "internal"}, 443),
}
BY_HAND = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: by-hand, namespace: database, uid: by-hand}
spec:
  endpointSelector: {}
  ingress: [{fromEndpoints: [{matchLabels: {app: admin}}]}]
  ingressDeny: [{fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": feeds}}]}]
"""
ADDRESSES = ("203.0.113.7", "192.168.1.7")

# The vocabulary's tables, in words: from, to, port, expected.
PROMISES = [
    ("shop", "postgres", "5432/TCP", "allowed"),
    ("shop", "postgres", "22/TCP", "denied"),
    ("wiki", "postgres", "5432/TCP", "denied"),
    ("feeds", "database:app=postgres", "5432/TCP", "denied"),
    ("istio-gateway/external", "shop", "8080/TCP", "allowed"),
    ("istio-gateway/external", "wiki", "8080/TCP", "denied"),
    ("istio-gateway/internal", "wiki", "8080/TCP", "allowed"),
    ("istio-gateway/internal", "batch", "8080/TCP", "denied"),
    ("shop", "203.0.113.7", "443/TCP", "allowed"),
    ("feeds", "203.0.113.7", "443/TCP", "allowed"),
    ("wiki", "203.0.113.7", "443/TCP", "denied"),
    ("batch", "203.0.113.7", "443/TCP", "denied"),
    ("batch", "kube-system:k8s-app=kube-dns", "53/UDP", "allowed"),
    ("monitoring", "batch", "8080/TCP", "allowed"),
    ("wiki", "shop", "8080/TCP", "denied"),
    ("shop", "kube-apiserver", "6443/TCP", "denied"),
]


def _workload(namespace: str, name: str, labels: dict[str, str], port: int) -> str:
    return (
        f"---\napiVersion: apps/v1\nkind: Deployment\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec: {{template: {{metadata: {{labels: {labels}}}, spec: {{containers:"
        f" [{{name: main, ports: [{{containerPort: {port}}}]}}]}}}}}}\n"
    )


@pytest.fixture(scope="module")
def model() -> ClusterModel:
    text = BY_HAND
    for name, labels in LABELS.items():
        text += "---\napiVersion: v1\nkind: Namespace\n"
        text += f"metadata: {{name: {name}, labels: {labels}}}\n"
    for path, (namespace, labels, port) in PODS.items():
        text += _workload(namespace, path.partition("/")[2], labels, port)
    manifests = ManifestSet()
    manifests.add(parse_manifests(text.encode(), "tree.yaml"))
    desired = desired_state(Catalogue(Settings()), manifests.namespaces(), NOW)
    return ClusterModel(manifests, desired)


def test_the_vocabularys_promises_hold(model: ClusterModel) -> None:
    tests = [
        f"  - {{name: {number}, from: '{source}', to: '{target}', port: {port}, expect: {expect}}}"
        for number, (source, target, port, expect) in enumerate(PROMISES)
    ]
    results = run_tests(model, read_tests("\n".join(["tests:", *tests]).encode(), "x"))
    assert [each for each in results if each.status is not Status.PASSED] == []


def test_every_answer_is_that_of_ciliums_engine(model: ClusterModel, engine: Engine) -> None:
    ends = [*PODS, *ADDRESSES, "host", "kube-apiserver"]
    pairs = [(a, b) for a in ends for b in ends if a != b and (a in PODS or b in PODS)]
    ports = (5432, 8080, 443, 15008)
    text = "tests:\n" + "".join(
        f"- {{name: {a} {b} {port}, from: {a}, to: {b}, port: {port}, expect: allowed}}\n"
        for a, b in pairs
        for port in ports
    )
    results = run_tests(model, read_tests(text.encode(), "x"))
    engine.identities(
        {
            **{
                path: Identity.pod(namespace, labels, LABELS[namespace])
                for path, (namespace, labels, _) in PODS.items()
            },
            **{address: Identity.address(f"{address}/32") for address in ADDRESSES},
            **{name: Identity.entity(name) for name in ("host", "kube-apiserver")},
        }
    )
    own = [
        {**each, "metadata": {**each["metadata"], "uid": str(number)}}
        for number, each in enumerate(model.desired.cilium_objects)
    ]
    assert engine.policies([*own, *(each.data for each in model.foreign)]) == []
    asked = [Flow(a, b, port) for a, b in pairs for port in ports]
    answers = list(zip(asked, engine.verdicts(asked), results, strict=True))
    differing = [
        (flow, result.found, result.reason)
        for flow, verdict, result in answers
        if result.found not in ("allowed" if verdict.allowed else "denied", "unknown")
    ]
    assert differing == []
    # Whether the API server is one of the world's addresses is not known.
    unknown = {(flow.target, flow.port) for flow, _, result in answers if result.found == "unknown"}
    assert unknown <= {("kube-apiserver", 443)}


def one(model: ClusterModel, source: str, target: str, port: str, expect: str) -> tuple[str, str]:
    text = (
        f"tests:\n- {{name: x, from: '{source}', to: '{target}', port: {port}, expect: {expect}}}"
    )
    [result] = run_tests(model, read_tests(text.encode(), "x"))
    return result.status.value, result.reason


def test_a_failing_test_names_the_policy_that_decides_and_what_was_found(
    model: ClusterModel,
) -> None:
    status, reason = one(model, "wiki", "postgres", "5432", "allowed")
    assert status == "failed"
    assert "expected allowed, found denied" in reason
    assert "CiliumNetworkPolicy homelab-profile in wiki" in reason
    status, reason = one(model, "feeds/web", "database/pg", "443", "allowed")
    assert "deny rule of CiliumNetworkPolicy by-hand in database" in reason
    status, reason = one(model, "shop", "postgres", "5432", "denied")
    assert status == "failed"
    assert "homelab-grant-postgres in database" in reason


def test_of_a_resource_the_pods_that_listen_on_the_port_are_meant_by_allowed(
    model: ClusterModel,
) -> None:
    """The database's admin page is no part of the promise that the database is reached."""
    assert one(model, "database/admin", "database", "5432", "allowed")[0] == "passed"
    assert one(model, "database/pg", "database/admin", "8080", "denied")[0] == "passed"


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("shp", "postgres", "did you mean shop"),
        ("shop", "postgress", "did you mean postgres"),
        ("shop/wob", "postgres", "there are web"),
        ("shop:app=wob", "postgres", "none is meant"),
        ("shop", "dragonfly", "cache"),
        ("203.0.113.7", "192.168.1.7", "neither is a pod"),
    ],
)
def test_an_end_that_is_not_there_is_an_error_and_passes_no_test(
    source: str, target: str, words: str, model: ClusterModel
) -> None:
    for expect in ("allowed", "denied"):
        status, reason = one(model, source, target, "6379", expect)
        assert status == "error"
        assert words in reason


def test_in_the_mesh_what_the_tunnel_may_carry_is_not_certainly_denied() -> None:
    """HBONE carries every port inside TCP 15008, which the grant opens on both sides."""
    manifests = ManifestSet()
    meshed = {"istio.io/dataplane-mode": "ambient"}
    text = "".join(
        f"---\napiVersion: v1\nkind: Namespace\n"
        f"metadata: {{name: {name}, labels: {LABELS[name] | meshed}}}\n"
        for name in ("shop", "wiki", "database")
    )
    manifests.add(parse_manifests(text.encode(), "tree.yaml"))
    desired = desired_state(Catalogue(Settings()), manifests.namespaces(), NOW)
    model = ClusterModel(manifests, desired)
    assert one(model, "shop", "postgres", "5432", "allowed")[0] == "passed"
    assert one(model, "wiki", "shop", "8080", "denied")[0] == "passed"
    status, reason = one(model, "shop", "postgres", "22", "denied")
    assert status == "error"
    assert "15008/TCP is open between them" in reason


def test_what_is_not_certain_passes_no_test() -> None:
    """Without pods, a policy for some of them leaves it open whether one is meant."""
    text = BY_HAND.replace("endpointSelector: {}", "endpointSelector: {matchLabels: {app: x}}")
    text += "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: database}\n"
    text += "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: istio-gateway}\n"
    manifests = ManifestSet()
    manifests.add(parse_manifests(text.encode(), "tree.yaml"))
    desired = desired_state(Catalogue(Settings()), manifests.namespaces(), NOW)
    for expect in ("allowed", "denied"):
        status, reason = one(
            ClusterModel(manifests, desired), "istio-gateway", "database", "80", expect
        )
        assert status == "error"
        assert "not certain" in reason
        assert "CiliumNetworkPolicy by-hand in database" in reason
