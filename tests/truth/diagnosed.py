"""The homelab whose drops are diagnosed, and what Cilium's engine lets pass in it."""

from __future__ import annotations

import itertools

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.diagnosis.diagnose import Diagnoser
from homelab_netpol.diagnosis.diagnosis import Diagnosis
from homelab_netpol.diagnosis.groups import Groups
from homelab_netpol.flows import FlowReader, documents
from lab.control_plane import Engine, Flow, Identity
from tests.explained import deployment, namespace
from tests.flow_lines import GATEWAY, Json, lines
from tests.truth.explained_world import put_in_force

DOMAIN = "network-policy.homelab"
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
    "my-app's waypoint": Identity.pod("my-app", {GATEWAY: "waypoint"}),
    "typo": Identity.pod("typo", {"app": "web"}),
    "cert-manager": Identity.pod("cert-manager", {"app": "operator"}),
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
    "host": Identity.entity("host"),
    "ingress": Identity.entity("ingress"),
}
PORTS = (80, 443, 3900, 5432, 6379, 6443, 8000, 8080, 9090, 9999, 15_008, 15_432)


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
        for port in PORTS
        if of in (source.partition("'")[0], target.partition("'")[0])
    ]
    verdicts = engine.verdicts([Flow(*each, "TCP") for each in asked])
    return {each for each, verdict in zip(asked, verdicts, strict=True) if verdict.allowed}


def by_namespace(ways: set[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    """The same, without telling the pods of a Namespace apart."""
    return {
        (source.partition("'")[0], target.partition("'")[0], port) for source, target, port in ways
    }
