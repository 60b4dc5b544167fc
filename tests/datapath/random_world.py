"""Pods of three namespaces, and random policies about them, for packets and for Cilium's engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network

from homelab_netpol.cilium.evaluation import (
    Endpoint,
    Network,
    Outcome,
    Pod,
    egress_verdict,
    ingress_verdict,
    read_policies,
)
from lab.control_plane import Engine, Flow, Identity, Verdict
from lab.datapath import addresses
from lab.datapath.datapath import Datapath
from lab.datapath.echo import Echo
from lab.datapath.host import Host, outside_host
from lab.datapath.packets import Probe
from tests.cluster.kube import CCNP, CNP, Kube
from tests.truth.random_policies import NAMESPACES, PORTS, Generator, Json, PodFacts

PREFIX = "random-"
INTERNET = f"{addresses.INTERNET}/32"
# What a node without Envoy, without Services, or with an agent's defaults cannot show.
_BEYOND = ("authentication", "toFQDNs", '"http"', "toServices", "Nodes", "Groups", "nodeSelector")
_TRIED = (*PORTS, 81)
_FLOWS = 80
_COLLECTIONS = {
    "CiliumNetworkPolicy": f"/apis/cilium.io/v2/namespaces/{{}}/{CNP}",
    "CiliumClusterwideNetworkPolicy": f"/apis/cilium.io/v2/{CCNP}",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}
_LISTS = {
    "CiliumNetworkPolicy": f"/apis/cilium.io/v2/{CNP}",
    "CiliumClusterwideNetworkPolicy": f"/apis/cilium.io/v2/{CCNP}",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies",
}


class RandomWorld:
    """The pods, and whatever policies there are.

    Attributes:
        hosts: the pods and somebody on the internet, by name.
    """

    def __init__(self, datapath: Datapath, kube: Kube, echo: Echo, pods: list[PodFacts]) -> None:
        self.hosts: dict[str, Host] = {
            INTERNET: outside_host(datapath.node, INTERNET, addresses.INTERNET)
        }
        self._kube = kube
        self._pods = {pod.name: pod for pod in pods}
        for namespace, labels in NAMESPACES.items():
            metadata = {"name": PREFIX + namespace, "labels": labels}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            kube.create("/api/v1/namespaces", body)
        for number, pod in enumerate(pods):
            where = PREFIX + pod.namespace
            self.hosts[pod.name] = datapath.pods.create(where, f"pod-{number}", pod.labels)
        for host in self.hosts.values():
            echo.listen(host, _TRIED)

    def write(self, generator: Generator, prefix: str) -> Iterator[str]:
        """Writes policies; gives the path of each that the API server takes.

        Args:
            generator: makes them.
            prefix: of their names, another one each time: a name that goes and comes back at once
                is an edit to an agent, and after one that it refuses it keeps the old rules.
        """
        for policy in generator.policies():
            text = json.dumps(policy)
            if policy["kind"] not in _COLLECTIONS or any(word in text for word in _BEYOND):
                continue
            for name in NAMESPACES:
                text = text.replace(f'"{name}"', f'"{PREFIX}{name}"')
            renamed = json.loads(text)
            metadata = renamed["metadata"]
            renamed["metadata"] = {
                key: metadata[key] for key in ("name", "namespace") if key in metadata
            }
            collection = _COLLECTIONS[policy["kind"]].format(metadata.get("namespace"))
            renamed["metadata"]["name"] = name = f"{prefix}-{metadata['name']}"
            status, _ = self._kube.call("POST", collection, renamed)
            if status == 201:
                yield f"{collection}/{name}"

    def flows(self, generator: Generator) -> list[Flow]:
        """Flows between any two, of which one at least is a pod."""
        chance = generator.random
        found: list[Flow] = []
        while len(found) < _FLOWS:
            source, target = chance.sample([*self._pods, *self._pods, INTERNET], 2)
            if source != target:
                protocol = chance.choice(("TCP", "TCP", "UDP"))
                found.append(Flow(source, target, chance.choice(_TRIED), protocol))
        return [*found, *(Flow(one.source, one.target, 8, "ICMP") for one in found[:10])]

    def probe(self, flow: Flow) -> Probe:
        """The packet of a flow."""
        port = 0 if flow.protocol == "ICMP" else flow.port
        return Probe(self.hosts[flow.source], self.hosts[flow.target], flow.protocol, port)

    def policies(self) -> list[Json]:
        """All that stand, whoever wrote them."""
        versions = {kind: path.split("/")[2:4] for kind, path in _LISTS.items()}
        return [
            {"apiVersion": "/".join(versions[kind]), "kind": kind, **item}
            for kind, path in _LISTS.items()
            for item in self._kube.items(path)
        ]

    def tell(self, engine: Engine) -> list[Json]:
        """Gives the engine the pods and the policies; returns those that it takes."""
        engine.identities(
            {name: Identity.pod(*self._place(pod)) for name, pod in self._pods.items()}
            | {INTERNET: Identity.address(INTERNET)}
        )
        policies = self.policies()
        rejected = {one.index for one in engine.policies(policies)}
        return [one for number, one in enumerate(policies) if number not in rejected]

    def disagreements(self, policies: list[Json], flow: Flow, verdict: Verdict) -> Iterator[str]:
        """What this product's own evaluation says for certain, and otherwise than the engine."""
        read = read_policies(policies)
        for said, own, peer, ask in (
            (verdict.egress, flow.source, flow.target, egress_verdict),
            (verdict.ingress, flow.target, flow.source, ingress_verdict),
        ):
            end = self._endpoint(own)
            if isinstance(end, Pod):
                answer = ask(read, end, self._endpoint(peer), flow.port, flow.protocol)
                if answer.outcome is not Outcome.UNKNOWN and answer.outcome.value != said:
                    yield f"{flow}: Cilium says {said}, but {answer}"

    def _endpoint(self, name: str) -> Endpoint:
        if name == INTERNET:
            return Network(ip_network(INTERNET), ())
        where, labels, of_it = self._place(self._pods[name])
        return Pod(where, of_it, labels)

    def _place(self, pod: PodFacts) -> tuple[str, dict[str, str], dict[str, str]]:
        where = PREFIX + pod.namespace
        return (
            where,
            pod.labels,
            {**NAMESPACES[pod.namespace], "kubernetes.io/metadata.name": where},
        )
