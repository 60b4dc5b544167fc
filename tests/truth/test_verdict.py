"""What is read out of others' policies, against Cilium's engine: never a wrong yes or no."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from homelab_netpol.cilium.evaluation import (
    Doubt,
    Network,
    Outcome,
    Pod,
    ingress_verdict,
    read_policies,
)
from homelab_netpol.findings import (
    FindingReason,
    GrantedPort,
    GrantedResource,
    TargetFacts,
    grant_findings,
)
from lab.control_plane import Engine, EngineError, Flow, Identity, Lab
from tests.truth.random_around import GeneratorAround
from tests.truth.random_policies import NAMESPACES, PORTS, Json
from tests.truth.verdict_world import World, answers

SEED = os.environ.get("VERDICT_SEED", "1")
WORLDS = int(os.environ.get("VERDICT_WORLDS", "300"))
EVERYTHING_KNOWN = "peer all, own all"

# What may be in doubt although every label is known; anything else would be laziness.
EXCUSES = {
    Doubt.NAMED_PORT,  # of what is no pod
    Doubt.ODD_PORT,
    Doubt.AUTHENTICATION,
    Doubt.SERVICES,  # that select nothing: Cilium's versions differ
    Doubt.AGGREGATE,
    Doubt.NODES,  # an agent takes no policy that names them, unless it is set up for it
    Doubt.PRECEDENCE,
    Doubt.ADDRESS,  # of a DNS name, and of the whole world
    Doubt.UNREADABLE,  # a field that Cilium does not have today
}


@dataclass
class Tally:
    """What came of all worlds; `asked` is how many verdicts of the engine there were."""

    asked: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    doubts: Counter[Doubt] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    unproxied: list[str] = field(default_factory=list)

    def share_unknown(self, knowledge: str) -> float:
        """How many of the answers with so much knowledge are in doubt."""
        of_it = {key[1]: count for key, count in self.outcomes.items() if key[0] == knowledge}
        return of_it.get("unknown", 0) / sum(of_it.values())


@pytest.fixture(scope="module")
def tally(engine: Engine) -> Iterator[Tally]:
    """Every world, judged once."""
    tally = Tally()
    for number in range(2 * WORLDS):
        generator = GeneratorAround(f"{SEED}/{number}")
        world = World.make(engine, generator)
        flows = world.flows(generator)
        for flow, verdict in zip(flows, engine.verdicts(flows), strict=True):
            tally.asked += (verdict.egress != "none") + (verdict.ingress != "none")
            for said, expected, answer in answers(world, flow, verdict):
                tally.outcomes[said, answer.outcome.value] += 1
                if answer.filtered and not (verdict.egress_proxy or verdict.ingress_proxy):
                    tally.unproxied.append(f"VERDICT_SEED={SEED} world {number}, {flow}: {answer}")
                if said == EVERYTHING_KNOWN:
                    tally.doubts.update(answer.doubts)
                if answer.outcome is not Outcome.UNKNOWN and answer.outcome.value != expected:
                    tally.wrong.append(
                        f"VERDICT_SEED={SEED} world {number}, {flow}, {said}: Cilium says"
                        f" {expected}, but {answer}\n  {world.manifests}"
                    )
    yield tally
    engine.policies([])


def test_no_certain_answer_differs_from_the_engines(
    tally: Tally, record_property: Callable[[str, object], None]
) -> None:
    record_property("verdicts", tally.asked)
    assert tally.asked >= min(50_000, 170 * WORLDS)
    assert not tally.wrong, f"{len(tally.wrong)} are wrong; the first:\n{tally.wrong[0]}"


def test_what_passes_only_by_what_is_asked_is_seen_by_a_proxy(tally: Tally) -> None:
    assert not tally.unproxied, tally.unproxied[0]


def test_with_everything_known_few_answers_are_in_doubt_and_only_for_good_reason(
    tally: Tally,
) -> None:
    assert set(tally.doubts) <= EXCUSES, f"VERDICT_SEED={SEED}: {tally.doubts}"
    assert tally.share_unknown(EVERYTHING_KNOWN) < 0.1, f"VERDICT_SEED={SEED}: {tally.outcomes}"


def test_without_the_pods_labels_most_answers_are_still_certain(tally: Tally) -> None:
    assert tally.share_unknown("peer none, own all") < 0.15, f"VERDICT_SEED={SEED}"
    assert tally.share_unknown("peer none, own none") < 0.5, f"VERDICT_SEED={SEED}"


def test_the_policies_named_for_a_default_deny_are_what_closes(engine: Engine) -> None:
    tried = 0
    for number in range(WORLDS // 3):
        generator = GeneratorAround(f"{SEED}/closing/{number}")
        world = World.make(engine, generator)
        for flow in world.flows(generator):
            target = world.endpoint(flow.target, "all")
            peer = world.endpoint(flow.source, "all")
            if not isinstance(target, Pod):
                continue
            answer = ingress_verdict(world.policies, target, peer, flow.port, flow.protocol)
            if answer.outcome is Outcome.DENIED and not answer.by_deny_rule:
                named = {ref.name for ref in answer.policies}
                others = [one for one in world.policies if one.ref not in answer.policies]
                without = ingress_verdict(others, target, peer, flow.port, flow.protocol)
                if without.outcome is Outcome.UNKNOWN:
                    continue  # another policy may close as well
                engine.policies(
                    [one for one in world.manifests if one["metadata"]["name"] not in named]
                )
                [verdict] = engine.verdicts([flow])
                tried += 1
                assert verdict.ingress == "allowed", f"VERDICT_SEED={SEED} world {number}, {flow}"
                break
    assert tried > WORLDS // 10


def test_whatever_a_policy_holds_no_certain_answer_is_wrong(lab: Lab) -> None:
    tried = 0
    with Engine(lab) as engine:
        for number in range(WORLDS // 2):
            generator = GeneratorAround(f"{SEED}/spoilt/{number}")
            try:
                world = World.make(engine, generator, spoilt=True)
            except EngineError:
                # Cilium's parser gave up on what no API server would have stored.
                engine.stop()
                engine.start()
                continue
            tried += 1
            flows = world.flows(generator)
            for flow, verdict in zip(flows, engine.verdicts(flows), strict=True):
                for said, expected, answer in answers(world, flow, verdict):
                    assert answer.outcome.value in (expected, "unknown"), (
                        f"VERDICT_SEED={SEED} world {number}, {flow}, {said}: Cilium says"
                        f" {expected}, but {answer}\n  {world.manifests}"
                    )
    assert tried > WORLDS // 3


def test_a_network_of_which_a_part_is_let_in_is_in_doubt(engine: Engine) -> None:
    rules = [{"fromCIDR": ["169.254.1.1/32"]}]
    spec = {"endpointSelector": {}, "ingress": rules}
    metadata = {"name": "part", "namespace": "shop"}
    manifest = {"kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": spec}
    addresses = ("169.254.1.1/32", "169.254.1.2/32")
    engine.identities({"web": Identity.pod("shop"), **{a: Identity.address(a) for a in addresses}})
    assert engine.policies([manifest]) == []
    verdicts = engine.verdicts(Flow(address, "web", 80) for address in addresses)
    assert [verdict.ingress for verdict in verdicts] == ["allowed", "denied"]
    link_local = Network(ip_network("169.254.0.0/16"))
    answer = ingress_verdict(read_policies([manifest]), Pod("shop"), link_local, 80)
    assert answer.outcome is Outcome.UNKNOWN


def test_a_grant_that_is_told_to_fail_fails_for_every_pod_of_the_consumer(engine: Engine) -> None:
    told = 0
    for number in range(WORLDS):
        generator = GeneratorAround(f"{SEED}/grants/{number}")
        world = World.make(engine, generator)
        chance = generator.random
        pod = chance.choice(world.pods)
        labels = dict(list(pod.labels.items())[: chance.randint(0, 1)])
        port, ours = chance.choice(PORTS), chance.random() < 0.5
        resource = GrantedResource(
            "it", pod.namespace, (GrantedPort(port),), labels, granted_by_us=ours
        )
        targets = [one for one in world.pods if one.namespace == pod.namespace]
        consumers = {name: labels for name, labels in NAMESPACES.items() if name != pod.namespace}
        facts = TargetFacts(pods=tuple(one.labels for one in targets), policies=world.policies)
        if ours:
            engine.policies([*world.manifests, our_policy(resource, consumers)])
        chosen = [one for one in targets if labels.items() <= one.labels.items()]
        for finding in grant_findings(resource, facts, consumers):
            if finding is None or finding.reason is not FindingReason.TARGET_DENIES:
                continue
            told += 1
            # Of pods that labels chose, one that denies is enough to tell; else all must deny.
            denying = [
                target
                for target in chosen
                if all(
                    verdict.ingress == "denied"
                    for verdict in engine.verdicts(
                        Flow(one.name, target.name, port)
                        for one in world.pods
                        if one.namespace == finding.subject
                    )
                )
            ]
            wrong = f"VERDICT_SEED={SEED} world {number}: {finding}\n  {world.manifests}"
            assert denying if labels else denying == chosen, wrong
    assert told > WORLDS // 10


def our_policy(resource: GrantedResource, consumers: Iterable[str]) -> Json:
    """What the operator writes beside the resource: its consumers may come in, nobody is denied."""
    names = {"key": "k8s:io.kubernetes.pod.namespace", "operator": "In", "values": [*consumers]}
    ports = [{"port": str(port.number), "protocol": port.protocol} for port in resource.ports]
    spec = {
        "endpointSelector": {"matchLabels": dict(resource.pod_labels)},
        "enableDefaultDeny": {"ingress": False, "egress": False},
        "ingress": [
            {"fromEndpoints": [{"matchExpressions": [names]}], "toPorts": [{"ports": ports}]}
        ],
    }
    metadata = {"name": "ours", "namespace": resource.namespace}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
    return {**kind, "metadata": metadata, "spec": spec}
