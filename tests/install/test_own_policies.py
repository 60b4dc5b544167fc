"""The operator's own policy: its way to the API server stands, whatever else is denied.

What Cilium makes of it is Cilium's to say: the engine judges all policies of a control plane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import NamedTuple

import pytest

from lab.control_plane import ControlPlane, Engine, Flow, Identity
from tests.cluster.kube import CCNP, CNP, Kube, Manifest, cnp_path
from tests.cluster.service_account import write_kubeconfig
from tests.cluster.spaces import PROFILE, Spaces
from tests.cluster.watched import shows, shows_none
from tests.install.rendered import HOME, MANIFESTS, documents, run
from tests.programs import kubectl
from tests.running_operator import RunningOperator, running_operator

_CILIUM = "/apis/cilium.io/v2"
_DENY_ALL = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumClusterwideNetworkPolicy",
    "metadata": {"name": "by-hand-default-deny"},
    # Cilium's idiom: a rule that allows nothing switches on the denial of everything else.
    "spec": {"endpointSelector": {}, "ingress": [{}], "egress": [{}]},
}
_SHUT = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "shut"},
    "spec": {"endpointSelector": {}, "ingressDeny": [{"fromEntities": ["host"]}]},
}

_OPERATOR = {"app.kubernetes.io/name": "homelab-netpol"}
_PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
_DNS = {"k8s-app": "kube-dns"}
# Who misses nothing is told nothing, so there must be pods.
_PODS = {
    HOME: _OPERATOR,
    "kube-system": _DNS,
    "monitoring": _PROMETHEUS,
    "longhorn-system": {"app": "manager"},
}
# The operator's namespace takes no other pods.
_RESTRICTED = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "image": "example.org/main",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
}
_IDENTITIES = {
    "operator": Identity.pod(HOME, _OPERATOR),
    "its neighbour": Identity.pod(HOME, {"app": "debug"}),
    "dns": Identity.pod("kube-system", _DNS),
    "kube-system pod": Identity.pod("kube-system", {"app": "other"}),
    "prometheus": Identity.pod("monitoring", _PROMETHEUS),
    "grafana": Identity.pod("monitoring", {"app.kubernetes.io/name": "grafana"}),
    "false prometheus": Identity.pod("app", _PROMETHEUS),
    "app": Identity.pod("app", {"app": "app"}),
    "gateway": Identity.pod(
        "istio-gateway", {"gateway.networking.k8s.io/gateway-name": "internal"}
    ),
    **{
        name: Identity.entity(name) for name in ("health", "remote-node", "kube-apiserver", "world")
    },
    "kubelet": Identity.entity("host"),
    "rewritten probe": Identity.address("169.254.7.127/32"),
    "rewritten probe, IPv6": Identity.address("fd16:9254:7127:1337:ffff::1/128"),
    "internet": Identity.address("203.0.113.7/32"),
}


class Way(NamedTuple):
    """A port of a peer, or a port of the operator for a peer."""

    peer: str
    port: int
    protocol: str = "TCP"


_OUT = {
    Way("dns", 53, "UDP"),
    Way("dns", 53),
    Way("kube-apiserver", 443),
    Way("kube-apiserver", 6443),
}
_PORTS = ((53, "UDP"), (53, "TCP"), (443, "TCP"), (6443, "TCP"), (8080, "TCP"), (15008, "TCP"))
_PROBING = ("health", "rewritten probe", "rewritten probe, IPv6")
_IN = {
    *(Way(peer, 8080) for peer in ("prometheus", *_PROBING)),
    # Cilium lets a node reach its own pods, whatever a policy says.
    *(Way("kubelet", port, protocol) for port, protocol in _PORTS),
}
_TRIED = [
    Way(peer, port, protocol)
    for peer in _IDENTITIES
    if peer != "operator"
    for port, protocol in _PORTS
]


@pytest.fixture(scope="module")
def installed(plane: ControlPlane, admin: Kube) -> Spaces:
    """The namespaces of the world, and what `kubectl apply -k manifests/base` makes."""
    run([*kubectl(plane), "apply", "-k", str(MANIFESTS / "base")])
    spaces = Spaces(admin)
    for name in ("monitoring", "istio-gateway", "longhorn-system", "app"):
        spaces.existing(name)
    spaces.existing("app").label({PROFILE: "standard"})
    for name, labels in _PODS.items():
        pod = {"metadata": {"name": "main", "labels": labels}, "spec": _RESTRICTED}
        admin.create(f"/api/v1/namespaces/{name}/pods", pod)
    return spaces


@pytest.fixture(scope="module", params=["workload", "labelled", "cluster"])
def operator(
    request: pytest.FixtureRequest,
    installed: Spaces,
    plane: ControlPlane,
    admin: Kube,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningOperator]:
    """The operator as the account of the manifests, in each scope."""
    path = tmp_path_factory.mktemp("account") / "kubeconfig"
    account = write_kubeconfig(admin, plane, HOME, path)
    settings = {"defaultDeny": request.param, "resyncSeconds": 1, "inspectionSeconds": 1}
    settings["leaderElection"] = {"enabled": True, "namespace": HOME}
    with running_operator(account, settings) as operator:
        yield operator


def test_the_operator_finds_no_fault_with_its_own_policy(
    operator: RunningOperator, installed: Spaces, admin: Kube
) -> None:
    # It does look: of another platform namespace it tells what is dropped.
    path = cnp_path("longhorn-system", "shut")
    admin.create(cnp_path("longhorn-system"), _SHUT)
    try:
        shows(
            operator, 1, "findings", namespace="longhorn-system", reason="PlatformPolicyIncomplete"
        )
        shows_none(operator, "findings", namespace=HOME)
        assert not installed.existing(HOME).events("PlatformPolicyIncomplete")
    finally:
        admin.delete(path)


@pytest.mark.usefixtures("operator")
def test_beside_all_other_policies_the_operator_reaches_what_it_needs(
    engine: Engine, admin: Kube
) -> None:
    written = [*admin.items(f"{_CILIUM}/{CNP}"), *admin.items(f"{_CILIUM}/{CCNP}")]
    assert len(written) > len(_own_policies())  # the operator has written its own
    for beside in ([], [_DENY_ALL]):
        out, inward = _passing(engine, [*written, *beside])
        assert out == _OUT
        assert inward >= _IN
        # The baselines allow more ports, but no other peers.
        assert {way.peer for way in inward} == {way.peer for way in _IN}


def test_its_own_policy_alone_is_enough_and_allows_nothing_else(engine: Engine) -> None:
    for beside in ([], [_DENY_ALL]):
        assert _passing(engine, [*_own_policies(), *beside]) == (_OUT, _IN)


def _own_policies() -> list[Manifest]:
    policies = documents((MANIFESTS / "base" / "networkpolicies.yaml").read_text())
    for policy in policies:
        policy["metadata"] |= {"namespace": HOME, "uid": "own"}
    return policies


def _passing(engine: Engine, policies: Sequence[Manifest]) -> tuple[set[Way], set[Way]]:
    """What Cilium lets the operator's pod do: the ways out that its side allows, and those in."""
    assert engine.policies(policies) == []
    engine.identities(_IDENTITIES)
    leaving = [Flow("operator", way.peer, way.port, way.protocol) for way in _TRIED]
    coming = [Flow(way.peer, "operator", way.port, way.protocol) for way in _TRIED]
    out = [verdict.egress == "allowed" for verdict in engine.verdicts(leaving)]
    inward = [verdict.ingress == "allowed" for verdict in engine.verdicts(coming)]
    return set(compress(_TRIED, out)), set(compress(_TRIED, inward))
