"""A first policy for a platform namespace, and the check of its rules, by Cilium's own engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.manifests import ManifestSet
from homelab_netpol.manifests.parse import parse_manifests
from homelab_netpol.platform_policies.check import PlatformCheck
from homelab_netpol.platform_policies.results import NamespaceState, RuleState
from homelab_netpol.platform_policies.scaffold import Scaffold, scaffold
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import Settings
from lab.control_plane import Engine, Flow, Identity

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Json = dict[str, Any]
_MESH = {"istio.io/dataplane-mode": "ambient"}
PODS: dict[str, tuple[str, dict[str, str]]] = {
    "postgres": ("database", {"app": "postgres"}),
    "replica": ("database", {"app": "postgres", "role": "replica"}),
    "prometheus": ("monitoring", {"app.kubernetes.io/name": "prometheus"}),
    "dns": ("kube-system", {"k8s-app": "kube-dns"}),
    "ztunnel": ("istio-system", {"app": "ztunnel"}),
    "stranger": ("shop", {"app": "web"}),
}
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: postgres, namespace: database}
spec: {selector: {app: postgres}, ports: [{port: 5432, targetPort: sql}]}
"""
_CONTAINER = {
    "name": "main",
    "ports": [
        {"name": "sql", "containerPort": 5432},
        {"name": "metrics", "containerPort": 9187},
    ],
    "readinessProbe": {"httpGet": {"port": 8000}},
}

# What must flow, by the vocabulary: from, to, port, protocol.
MUST_FLOW = [
    ("postgres", "dns", 53, "UDP"),
    ("postgres", "dns", 53, "TCP"),
    ("prometheus", "postgres", 9187, "TCP"),
    ("health", "postgres", 8000, "TCP"),
    ("kubelet", "postgres", 8000, "TCP"),
    ("replica", "postgres", 5432, "TCP"),
    ("postgres", "replica", 5432, "TCP"),
]
IN_THE_MESH = [
    ("postgres", "ztunnel", 15008, "TCP"),
    ("ztunnel", "postgres", 15008, "TCP"),
    ("postgres", "replica", 15008, "TCP"),
    ("replica", "postgres", 15008, "TCP"),
]
MUST_NOT = [
    ("stranger", "postgres", 5432, "TCP"),
    ("stranger", "postgres", 15008, "TCP"),
    ("prometheus", "postgres", 5432, "TCP"),
    ("replica", "postgres", 22, "TCP"),
    ("health", "postgres", 22, "TCP"),
    ("postgres", "dns", 22, "TCP"),
    ("postgres", "internet", 443, "TCP"),
]


@dataclass
class World:
    """A cluster with a database, in the mesh or not."""

    meshed: bool
    policies: list[Json] = field(default_factory=list)

    @property
    def must_flow(self) -> list[tuple[str, str, int, str]]:
        """What must flow in it."""
        return [*MUST_FLOW, *(IN_THE_MESH if self.meshed else ())]

    def labels(self, namespace: str) -> dict[str, str]:
        """The labels of a Namespace."""
        return _MESH if self.meshed and namespace in ("database", "shop") else {}

    def model(self) -> ClusterModel:
        """The cluster as commands read it."""
        objects: list[Json] = [yaml.safe_load(SERVICE), *self.policies]
        for name, (namespace, labels) in PODS.items():
            containers = [_CONTAINER] if namespace == "database" else []
            objects += [
                {
                    "apiVersion": "v1",
                    "kind": "Namespace",
                    "metadata": {"name": namespace, "labels": self.labels(namespace)},
                },
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"name": name, "namespace": namespace, "labels": labels},
                    "spec": {"containers": containers},
                },
            ]
        manifests = ManifestSet()
        manifests.add(parse_manifests(yaml.safe_dump_all(objects).encode(), "tree.yaml"))
        desired = desired_state(Catalogue(Settings()), manifests.namespaces(), NOW)
        return ClusterModel(manifests, desired)

    def denied(self, engine: Engine, flows: list[tuple[str, str, int, str]]) -> list[Any]:
        """Which flows the database's own policies deny."""
        engine.identities(
            {
                **{
                    name: Identity.pod(namespace, labels, self.labels(namespace))
                    for name, (namespace, labels) in PODS.items()
                },
                "health": Identity.entity("health"),
                "host": Identity.entity("host"),
                "kubelet": Identity.address("169.254.7.127/32"),
                "internet": Identity.address("203.0.113.7/32"),
            }
        )
        with_uid = [
            {**each, "metadata": {**each["metadata"], "uid": str(number)}}
            for number, each in enumerate(self.policies)
        ]
        assert engine.policies(with_uid) == []
        verdicts = engine.verdicts(Flow(*flow[:3], protocol=flow[3]) for flow in flows)
        return [flow for flow, each in zip(flows, verdicts, strict=True) if not each.allowed]


def scaffolded(*, meshed: bool) -> World:
    """A cluster whose database has the policy that is written for it, and no other."""
    bare = World(meshed)
    text = scaffold(bare.model(), Scaffold("database", meshed=meshed))
    return World(meshed, [yaml.safe_load(text)])


def rules_of(world: World) -> list[tuple[str, int]]:
    spec = world.policies[0]["spec"]
    return [(way, index) for way in ("ingress", "egress") for index in range(len(spec[way]))]


@pytest.mark.parametrize("meshed", [False, True])
def test_the_first_policy_lets_flow_what_must_and_nothing_that_must_not(
    meshed: bool, engine: Engine
) -> None:
    world = scaffolded(meshed=meshed)
    assert world.denied(engine, world.must_flow) == []
    assert world.denied(engine, MUST_NOT) == MUST_NOT


@pytest.mark.parametrize("meshed", [False, True])
def test_the_first_policy_is_kept_by_hand_and_names_every_port(meshed: bool) -> None:
    [policy] = scaffolded(meshed=meshed).policies
    assert set(policy["metadata"]) == {"name", "namespace"}
    rules = [*policy["spec"]["ingress"], *policy["spec"]["egress"]]
    numbers = {port["port"] for rule in rules for item in rule["toPorts"] for port in item["ports"]}
    assert numbers == {"53", "5432", "8000", "9187", *(["15008"] if meshed else [])}


@pytest.mark.parametrize("meshed", [False, True])
def test_the_check_is_silent_about_the_first_policy(meshed: bool) -> None:
    result = PlatformCheck(scaffolded(meshed=meshed).model()).check("database")
    assert result.state is NamespaceState.OK
    assert [each for each in result.rules if each.state is not RuleState.OK] == []


def _cases() -> list[tuple[bool, str, int]]:
    return [(m, *rule) for m in (False, True) for rule in rules_of(scaffolded(meshed=m))]


@pytest.mark.parametrize(("meshed", "way", "index"), _cases())
def test_each_rule_that_is_taken_away_is_missed_and_what_is_to_be_added_helps(
    meshed: bool, way: str, index: int, engine: Engine
) -> None:
    world = scaffolded(meshed=meshed)
    world.policies[0]["spec"][way].pop(index)
    lost = world.denied(engine, world.must_flow)
    assert lost, "each rule is needed"
    result = PlatformCheck(world.model()).check("database")
    assert result.state is NamespaceState.MISSING
    # In the mesh the pods' own ways need the tunnel beside their ports, which is missed next.
    for _ in range(2):
        for each in result.rules:
            assert (each.state is RuleState.OK) == (each.message == "")
            for section, rules in each.add.items():
                world.policies[0]["spec"][section] += rules
        result = PlatformCheck(world.model()).check("database")
    assert result.state is NamespaceState.OK
    assert world.denied(engine, lost) == []


def test_what_the_baselines_supply_is_missed_in_the_policy_unless_together_is_enough() -> None:
    world = scaffolded(meshed=False)
    world.policies[0]["spec"]["egress"].pop(0)
    result = PlatformCheck(world.model()).check("database")
    [missed] = [each for each in result.rules if each.state is not RuleState.OK]
    assert (missed.rule, missed.state) == ("DNS", RuleState.ELSEWHERE)
    assert "baseline-dns-egress" in missed.message
    together = PlatformCheck(world.model(), together=True).check("database")
    assert together.state is NamespaceState.OK


@pytest.mark.parametrize(
    ("denied", "rule"),
    [
        ({"egressDeny": [{"toEndpoints": [{"matchLabels": {"k8s-app": "kube-dns"}}]}]}, "Hatch"),
        ({"ingressDeny": [{"fromEntities": ["host"]}]}, "Probes"),
        ({"ingressDeny": [{"fromEntities": ["health"]}]}, "Probes"),
    ],
)
def test_a_deny_rule_is_named_as_what_no_rule_mends(
    denied: Json, rule: str, engine: Engine
) -> None:
    if rule == "Hatch":
        selector = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system"}}
        denied = {"egressDeny": [{"toEndpoints": [selector]}]}
    world = scaffolded(meshed=False)
    world.policies[0]["spec"] |= denied
    result = PlatformCheck(world.model()).check("database")
    found = [each for each in result.rules if each.state is RuleState.MISSING]
    assert rule in {each.rule for each in found}
    [named] = [each for each in found if each.rule == rule]
    assert "eny rule" in named.message
    assert not named.add
    asked = [*MUST_FLOW, ("host", "postgres", 8000, "TCP")]
    assert world.denied(engine, asked)


def test_a_namespace_without_a_policy_is_said_to_have_none() -> None:
    check = PlatformCheck(World(meshed=False).model())
    assert check.check("database").state is NamespaceState.NO_POLICY
    assert "database" in check.namespaces()
    assert "shop" not in check.namespaces()


def test_where_no_pods_are_given_those_that_the_policies_select_are_judged() -> None:
    """A tree of manifests with charts has no pods; its policies say whom they are for."""
    world = scaffolded(meshed=False)
    spec = world.policies[0]["spec"]
    spec["endpointSelector"] = {"matchLabels": {"app": "postgres"}}
    spec["ingress"] = [rule for rule in spec["ingress"] if "fromCIDR" not in rule]
    manifests = ManifestSet()
    text = yaml.safe_dump_all(
        [
            *world.policies,
            *(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                for name in ("database", "monitoring", "kube-system")
            ),
        ]
    )
    manifests.add(parse_manifests(text.encode(), "tree.yaml"))
    desired = desired_state(Catalogue(Settings()), manifests.namespaces(), NOW)
    result = PlatformCheck(ClusterModel(manifests, desired)).check("database")
    assert result.pods == ("pods app=postgres",)
    assert not result.are_given
    [missed] = [each for each in result.rules if each.state is not RuleState.OK]
    assert missed.peer.startswith("CIDR 169.254.0.0/16")


@pytest.mark.parametrize("namespace", ["kube-system", "istio-gateway", "monitoring", "garage"])
def test_without_anything_given_the_first_policy_asks_for_ports_and_cilium_takes_it(
    namespace: str, engine: Engine
) -> None:
    nothing = ManifestSet()
    model = ClusterModel(nothing, desired_state(Catalogue(Settings()), [], NOW))
    text = scaffold(model, Scaffold(namespace))
    assert "The ports of these pods are not known" in text
    policy = yaml.safe_load(text)
    assert engine.policies([{**policy, "metadata": {**policy["metadata"], "uid": "u"}}]) == []
