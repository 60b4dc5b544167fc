"""Random worlds for the tests of verdicts: given to Cilium's engine, and read by us."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from random import Random
from typing import Any

from homelab_netpol.cilium.evaluation import (
    DirectionVerdict,
    Endpoint,
    Entity,
    Network,
    Pod,
    ReadPolicy,
    egress_verdict,
    ingress_verdict,
    read_policies,
)
from lab.control_plane import Engine, Flow, Identity, Verdict
from tests.truth.random_policies import NAMESPACES, PORTS, PROTOCOLS, Generator, Json, PodFacts

FLOWS = 60
OUTSIDE = ("health", "host", "remote-node", "kube-apiserver", "world")
ADDRESSES = ("169.254.1.1/32", "203.0.113.7/32", "198.51.100.1/32")
# What is put in place of something else, to see what becomes of the policy.
ODD: tuple[Any, ...] = (
    *(None, "", "x", "080", 0, 80, 70000, True, False),
    *([], {}, ["x"], [{}], [None]),
)


@dataclass
class World:
    """Pods, what else there is, and the policies that Cilium knows of."""

    pods: list[PodFacts]
    manifests: list[Json]
    policies: tuple[ReadPolicy, ...]

    @classmethod
    def make(cls, engine: Engine, generator: Generator, spoilt: bool = False) -> World:
        """Makes a world, and gives it to the engine; spoilt: one policy holds something odd."""
        pods, manifests = generator.pods(), generator.policies()
        # The API server looks at every field of Kubernetes' own kinds; not so at Cilium's.
        of_cilium = [one for one in manifests if one["kind"].startswith("Cilium")]
        if spoilt and of_cilium:
            _spoil(generator.random.choice(of_cilium), generator.random)
        identities = {
            pod.name: Identity.pod(pod.namespace, pod.labels, NAMESPACES[pod.namespace])
            for pod in pods
        }
        identities |= {name: Identity.entity(name) for name in OUTSIDE}
        identities |= {cidr: Identity.address(cidr) for cidr in ADDRESSES}
        engine.identities(identities)
        for rejection in engine.policies(manifests):
            # Cilium's operator says so in a cluster.
            condition = {"type": "Valid", "status": "False", "message": rejection.error}
            manifests[rejection.index]["status"] = {"conditions": [condition]}
        return cls(pods, manifests, read_policies(manifests))

    def flows(self, generator: Generator) -> list[Flow]:
        """Flows between any two ends, of which one at least is a pod."""
        pods = [pod.name for pod in self.pods]
        others = [*pods * 2, *OUTSIDE, *ADDRESSES]
        chance = generator.random
        flows = []
        for _ in range(FLOWS):
            pair = [chance.choice(pods), chance.choice(others)]
            chance.shuffle(pair)
            port = chance.choice([*PORTS, 81, 9000])
            source, target = pair
            flows.append(Flow(source, target, port, chance.choice(PROTOCOLS)))
        return flows

    def endpoint(self, name: str, knowledge: str) -> Endpoint:
        """One end of a flow: `all` is known of a pod, `some` of its labels, or `none` of them."""
        if name in OUTSIDE:
            return Entity(name)
        if name in ADDRESSES:
            return Network(ip_network(name))
        [pod] = [one for one in self.pods if one.name == name]
        labels = NAMESPACES[pod.namespace]
        if knowledge == "all":
            return Pod(pod.namespace, labels, pod.labels)
        if knowledge == "some":
            return Pod(pod.namespace, None, dict(list(pod.labels.items())[:1]), complete=False)
        return Pod(pod.namespace, labels, {}, complete=False)


def answers(
    world: World, flow: Flow, verdict: Verdict
) -> Iterator[tuple[str, str, DirectionVerdict]]:
    """Each direction that the engine judges: what is known, the engine's verdict, and ours."""
    for knowledge in ("all", "some", "none"):
        for own_knowledge in sorted({"all", knowledge}):
            said = f"peer {knowledge}, own {own_knowledge}"
            for engine_says, own, peer, ask in (
                (verdict.ingress, flow.target, flow.source, ingress_verdict),
                (verdict.egress, flow.source, flow.target, egress_verdict),
            ):
                pod = world.endpoint(own, own_knowledge)
                if isinstance(pod, Pod):
                    other = world.endpoint(peer, knowledge)
                    answer = ask(world.policies, pod, other, flow.port, flow.protocol)
                    yield said, engine_says, answer


def _spoil(policy: Json, chance: Random) -> None:
    """Puts something odd in the place of anything in a policy's rules."""
    places: list[tuple[Any, Any]] = []

    def visit(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            places.append((node, key))
            if isinstance(value, dict | list):
                visit(value)

    visit(policy["specs" if "specs" in policy else "spec"])
    node, key = chance.choice(places)
    node[key] = chance.choice(ODD)
