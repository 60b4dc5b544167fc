"""Verdicts on clusters like real ones: hardly one is in doubt, and none differs from Cilium's."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from homelab_netpol.cilium.evaluation import (
    Doubt,
    Endpoint,
    Entity,
    Outcome,
    Pod,
    egress_verdict,
    ingress_verdict,
    read_policies,
)
from homelab_netpol.settings import Settings
from lab.control_plane import Engine, Flow, Identity
from tests.cases.case import read_case
from tests.cases.modelled import Modelled, modelled, of_case, of_model
from tests.dice import seeded
from tests.inspected import Json
from tests.models.reading import port_numbers
from tests.models.shapes import models
from tests.models.writing import cnp
from tests.truth.agent_steps import group_labels, resolved

HERE = Path(__file__).parent
CASES = ("household", "media-house", "one-app-a-namespace")
FLOWS = 3_000
PROTOCOLS = ("TCP", "TCP", "UDP", "ICMP")


@pytest.fixture(scope="module")
def clusters() -> list[Modelled]:
    """The cases, and the models with policies written by hand."""
    cases = [of_case(name, read_case(HERE / f"{name}.yaml")) for name in CASES]
    return [*cases, *map(of_model, models())]


def flows(cluster: Modelled) -> list[Flow]:
    """Flows between any two ends of which one is a pod, on any port that a policy names."""
    chance = seeded(f"certainty/{cluster.name}")
    pods, ends = [*cluster.pods], [*cluster.pods, *list(cluster.others) * 4]
    ports = sorted({1, 80, 4242, 65535, *port_numbers(list(cluster.manifests))})
    found = []
    for _ in range(FLOWS):
        pair = [chance.choice(pods), chance.choice(ends)]
        chance.shuffle(pair)
        protocol = chance.choice(PROTOCOLS)
        port = chance.choice((8, 13)) if protocol == "ICMP" else chance.choice(ports)
        source, target = pair
        found.append(Flow(source, target, port, protocol))
    return found


def test_on_model_clusters_no_answer_differs_and_fewer_than_one_in_five_hundred_is_in_doubt(
    engine: Engine, clusters: list[Modelled]
) -> None:
    outcomes: Counter[Outcome] = Counter()
    doubts: Counter[tuple[str, Doubt]] = Counter()
    for cluster in clusters:
        ends: dict[str, Endpoint] = {**cluster.pods, **cluster.others}
        engine.identities(cluster.identities)
        for rejected in engine.policies(cluster.manifests):
            assert "status" in cluster.manifests[rejected.index], rejected
        asked = flows(cluster)
        for flow, verdict in zip(asked, engine.verdicts(asked), strict=True):
            for said, own, peer, ask in (
                (verdict.ingress, flow.target, flow.source, ingress_verdict),
                (verdict.egress, flow.source, flow.target, egress_verdict),
            ):
                pod = ends[own]
                if not isinstance(pod, Pod):
                    continue
                policies = cluster.model.policies(pod.namespace)
                answer = ask(policies, pod, ends[peer], flow.port, flow.protocol)
                outcomes[answer.outcome] += 1
                doubts.update((cluster.name, doubt) for doubt in answer.doubts)
                assert answer.outcome.value in (said, "unknown"), (
                    f"{cluster.name}, {flow}: {answer}"
                )
    engine.policies([])
    assert outcomes[Outcome.UNKNOWN] < 0.002 * outcomes.total(), doubts
    assert min(outcomes[Outcome.ALLOWED], outcomes[Outcome.DENIED]) > 0.2 * outcomes.total()


# What people write that leaves a doubt in the policies alone, by that doubt.
REFERENCES: dict[Doubt, Json] = {
    Doubt.SERVICES: {
        "egress": [{"toServices": [{"k8sService": {"serviceName": "db", "namespace": "data"}}]}]
    },
    Doubt.CIDR_GROUP: {"egress": [{"toCIDRSet": [{"cidrGroupRef": "home"}]}]},
    Doubt.NAMED_PORT: {"ingress": [{"toPorts": [{"ports": [{"port": "web"}]}]}]},
    Doubt.ADDRESS: {"egress": [{"toCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]}]},
}
HOME = "192.168.10.50/32"


@pytest.mark.parametrize("doubt", REFERENCES)
def test_what_is_known_of_the_cluster_settles_what_its_policies_alone_leave_in_doubt(
    engine: Engine, doubt: Doubt
) -> None:
    pods = {"app/one": {"app": "one"}, "app/two": {"app": "two"}, "data/db": {"app": "db"}}
    group: Json = {"spec": {"externalCIDRs": ["192.168.10.0/24"]}}
    group |= {"kind": "CiliumCIDRGroup", "metadata": {"name": "home"}}
    service: Json = {"spec": {"selector": {"app": "db"}, "ports": [{"port": 5432}]}}
    service |= {"kind": "Service", "metadata": {"name": "db", "namespace": "data"}}
    cluster = modelled(
        doubt.name,
        {"app": {}, "data": {}},
        pods,
        [cnp("it", "app", {"app": "one"}, **REFERENCES[doubt])],
        Settings(),
        objects=[group, service],
        ports={"app/one": {"web": 8080}, "app/two": {"web": 8081}, "data/db": {}},
    )
    as_agents_see = {"namespace": "data", "name": "db", "labels": {}, "selector": {"app": "db"}}
    identities = {**cluster.identities, HOME: Identity.address(HOME, group_labels(HOME, [group]))}
    engine.identities(identities)
    engine.policies([resolved(one, [as_agents_see]) for one in cluster.manifests])
    alone = read_policies(cluster.manifests)
    ends: dict[str, Endpoint] = {**cluster.pods, **cluster.others}
    unknown: Counter[Doubt] = Counter()
    for peer, port in itertools.product(set(ends) - {"app/one"}, (443, 5432, 8080, 8081)):
        [out, in_] = engine.verdicts([Flow("app/one", peer, port), Flow(peer, "app/one", port)])
        for said, ask in ((out.egress, egress_verdict), (in_.ingress, ingress_verdict)):
            pod = cluster.pods["app/one"]
            assert isinstance(pod, Pod)
            answer = ask(cluster.model.policies("app"), pod, ends[peer], port)
            assert answer.outcome.value == said, f"{peer}, {port}: {answer}"
            plain = Entity(peer) if isinstance(ends[peer], Entity) else ends[peer]
            unknown.update(ask(alone, replace(pod, ports=None), plain, port).doubts)
    engine.policies([])
    assert unknown[doubt]
