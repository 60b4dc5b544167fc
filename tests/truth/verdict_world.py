"""Random worlds for the tests of verdicts: given to Cilium's engine, and read by us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from random import Random
from typing import Any

from homelab_netpol.cilium.evaluation import (
    CidrGroup,
    ContainerPort,
    DirectionVerdict,
    Endpoint,
    Entity,
    Name,
    Network,
    Pod,
    ReadPolicy,
    Service,
    Surroundings,
    egress_verdict,
    in_surroundings,
    ingress_verdict,
    read_policies,
)
from lab.control_plane import Engine, Flow, Identity, Verdict
from tests.truth.agent_steps import group_labels, resolved
from tests.truth.random_around import SERVICE_ACCOUNT, GeneratorAround
from tests.truth.random_policies import NAMESPACES, PORTS, PROTOCOLS, Json, PodFacts

FLOWS = 60
OUTSIDE = ("health", "host", "remote-node", "kube-apiserver", "world")
ADDRESSES = ("169.254.1.1/32", "203.0.113.7/32", "198.51.100.1/32", "192.0.2.77/32")
# An API server that is no node of the cluster, as managed ones are.
API_SERVER = "192.0.2.10/32"
DNS_NAMES = {
    "example.org": "198.18.0.1/32",
    "www.example.org": "198.18.0.2/32",
    "a.b.example.net": "198.18.0.3/32",
    "unnamed.example": "198.18.0.4/32",
}
_API_SERVER_LABEL = "reserved:kube-apiserver="
_ICMP = (("ICMP", 8), ("ICMP", 13), ("ICMP", 3), ("ICMPv6", 128))
# What is put in place of something else, to see what becomes of the policy.
ODD: tuple[Any, ...] = (
    *(None, "", "x", "080", 0, 80, 70000, True, False),
    *([], {}, ["x"], [{}], [None]),
)


@dataclass
class World:
    """Pods, what else there is, and the policies that Cilium knows of.

    Attributes:
        pods: the pods.
        manifests: the policies.
        policies: the same, read where nothing is known of Services and CIDR groups.
        informed: the same, where everything is.
        services: the Services.
        around: what else is known, if everything is.
        with_api_server: it has one node only, which runs the API server.
    """

    pods: list[PodFacts]
    manifests: list[Json]
    policies: tuple[ReadPolicy, ...]
    informed: tuple[ReadPolicy, ...]
    services: list[Json]
    around: Surroundings
    with_api_server: bool

    @classmethod
    def make(cls, engine: Engine, generator: GeneratorAround, spoilt: bool = False) -> World:
        """Makes a world, and gives it to the engine; spoilt: one policy holds something odd."""
        pods, manifests = generator.pods(), generator.policies()
        groups, services = generator.cidr_groups(), generator.services()
        # The API server looks at every field of Kubernetes' own kinds; not so at Cilium's.
        of_cilium = [one for one in manifests if one["kind"].startswith("Cilium")]
        if spoilt and of_cilium:
            _spoil(generator.random.choice(of_cilium), generator.random)
        alone = not spoilt and generator.random.random() < 0.3
        engine.identities(_identities(pods, groups, alone))
        sent = manifests if spoilt else [resolved(one, services) for one in manifests]
        for rejection in engine.policies(sent):
            # Cilium's operator says so in a cluster.
            condition = {"type": "Valid", "status": "False", "message": rejection.error}
            manifests[rejection.index]["status"] = {"conditions": [condition]}
        policies = read_policies(manifests)
        around = _surroundings(groups, services)
        informed = policies if spoilt else tuple(in_surroundings(one, around) for one in policies)
        return cls(pods, manifests, policies, informed, services, around, alone)

    def flows(self, generator: GeneratorAround) -> list[Flow]:
        """Flows between any two ends, of which one at least is a pod."""
        pods = [pod.name for pod in self.pods]
        others = [*pods * 2, *OUTSIDE, *ADDRESSES, API_SERVER, *DNS_NAMES]
        chance = generator.random
        flows = []
        for _ in range(FLOWS):
            pair = [chance.choice(pods), chance.choice(others)]
            chance.shuffle(pair)
            port, protocol = chance.choice([*PORTS, 81, 9000]), chance.choice(PROTOCOLS)
            if chance.random() < 0.08:
                protocol, port = chance.choice(_ICMP)
            source, target = pair
            flows.append(Flow(source, target, port, protocol))
        return flows

    def endpoint(self, name: str, knowledge: str) -> Endpoint:
        """One end of a flow: `all` is known of a pod, `some` of its labels, or `none` of them."""
        knows_all = knowledge == "all"
        if name in OUTSIDE:
            if name == "host" and self.with_api_server:
                return Entity(name, nodes_by_cidr=False, with_api_server=True)
            place = "remote-node" if name == "kube-apiserver" else ""
            return Entity(name, place, nodes_by_cidr=False) if knows_all else Entity(name)
        if name == API_SERVER:
            known = Entity("kube-apiserver", "world", (ip_network(name),), nodes_by_cidr=False)
            return known if knows_all else Entity("kube-apiserver")
        if name in ADDRESSES:
            return Network(ip_network(name), () if knows_all else None)
        if name in DNS_NAMES:
            return Name(name, (ip_network(DNS_NAMES[name]),) if knows_all else ())
        [pod] = [one for one in self.pods if one.name == name]
        labels = NAMESPACES[pod.namespace]
        if knows_all:
            ports = tuple(ContainerPort(name, *at) for name, at in pod.ports.items())
            account = pod.service_account
            return Pod(pod.namespace, labels, pod.labels, service_account=account, ports=ports)
        if knowledge == "some":
            return Pod(pod.namespace, None, dict(list(pod.labels.items())[:1]), complete=False)
        return Pod(pod.namespace, labels, {}, complete=False)


def answers(
    world: World, flow: Flow, verdict: Verdict
) -> Iterator[tuple[str, str, DirectionVerdict]]:
    """Each direction that the engine judges: what is known, the engine's verdict, and ours."""
    for knowledge in ("all", "some", "none"):
        policies = world.informed if knowledge == "all" else world.policies
        for own_knowledge in sorted({"all", knowledge}):
            said = f"peer {knowledge}, own {own_knowledge}"
            for engine_says, own, peer, ask in (
                (verdict.ingress, flow.target, flow.source, ingress_verdict),
                (verdict.egress, flow.source, flow.target, egress_verdict),
            ):
                pod = world.endpoint(own, own_knowledge)
                if isinstance(pod, Pod):
                    other = world.endpoint(peer, knowledge)
                    answer = ask(policies, pod, other, flow.port, flow.protocol)
                    yield said, engine_says, answer


def _identities(
    pods: Iterable[PodFacts], groups: Sequence[Json], with_api_server: bool
) -> dict[str, Identity]:
    found = {
        pod.name: Identity.pod(
            pod.namespace,
            {**pod.labels, SERVICE_ACCOUNT: pod.service_account},
            NAMESPACES[pod.namespace],
            {name: f"{number}/{protocol}" for name, (number, protocol) in pod.ports.items()},
        )
        for pod in pods
    }
    found |= {name: Identity.entity(name) for name in OUTSIDE}
    if with_api_server:
        found["host"] = Identity.entity("host", [_API_SERVER_LABEL])
    found |= {cidr: Identity.address(cidr, group_labels(cidr, groups)) for cidr in ADDRESSES}
    also = [_API_SERVER_LABEL, *group_labels(API_SERVER, groups)]
    found[API_SERVER] = Identity.address(API_SERVER, also)
    return found | {name: Identity.dns_name(name, at) for name, at in DNS_NAMES.items()}


def _surroundings(groups: Iterable[Json], services: Iterable[Json]) -> Surroundings:
    return Surroundings(
        "default",
        tuple(
            CidrGroup(
                one["metadata"]["name"],
                one["metadata"]["labels"],
                tuple(map(ip_network, one["spec"]["externalCIDRs"])),
            )
            for one in groups
        ),
        tuple(
            Service(
                one["namespace"],
                one["name"],
                one["labels"],
                one["selector"],
                tuple(ip_network(f"{at}/32") for at in one["backends"]),
            )
            for one in services
        ),
        is_complete=True,
    )


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
