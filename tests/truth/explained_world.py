"""Random clusters for `explain`: labelled Namespaces beside random policies, as its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End
from homelab_netpol.access.explain_judge import Ruling
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.evaluation import Direction, Endpoint, Entity, Network, Outcome, Pod
from homelab_netpol.cli.inputs import desired_state_of
from homelab_netpol.manifests import Manifest, ManifestSet, Source
from homelab_netpol.settings import Settings
from lab.control_plane import Engine, Flow, Identity
from tests.truth.random_policies import NAMESPACES, Generator, Json
from tests.truth.verdict_world import World

_DOMAIN = "network-policy.homelab"
_SOURCE = Source("world")
_GATEWAY = {"gateway.networking.k8s.io/gateway-name": "internal"}
_PROFILES = ("", "isolated", "internal", "internal-egress", "standard")
_GRANTS = ("postgres", "dragonfly", "kube-api", "gateway")


def random_model(engine: Engine, generator: Generator) -> ClusterModel:
    """A cluster of three Namespaces, one of them an app's, and a gateway."""
    world = World.make(engine, generator)
    chance = generator.random
    labels: dict[str, str] = {}
    profile = chance.choice(_PROFILES)
    if profile:
        labels[f"{_DOMAIN}/profile"] = profile
    for grant in chance.sample(_GRANTS, chance.randint(0, 2)):
        labels[f"access.{_DOMAIN}/{grant}"] = "true"
    objects: list[Json] = [
        _object("v1", "Namespace", "", name, labels={**own, **(labels if name == "shop" else {})})
        for name, own in NAMESPACES.items()
    ]
    objects.append(_object("v1", "Namespace", "", "istio-gateway"))
    objects += [
        _object("v1", "Pod", pod.namespace, pod.name.rpartition("/")[2], labels=pod.labels)
        for pod in world.pods
    ]
    objects.append(_object("v1", "Pod", "istio-gateway", "internal", labels=_GATEWAY))
    objects += [{**each, "apiVersion": _version(each)} for each in world.manifests]
    manifests = ManifestSet()
    manifests.add(Manifest(each, _SOURCE) for each in objects)
    return ClusterModel(manifests, desired_state_of(Settings(), manifests), read_agent_config({}))


def differing(engine: Engine, model: ClusterModel, ruling: Ruling) -> list[str]:
    """The halves of a ruling on which the engine is of another opinion; doubts are none."""
    wrong: list[str] = []
    endpoints: list[Endpoint] = []
    for case in ruling.cases:
        for half in case.halves:
            endpoints += [half.own.endpoint, half.asked]
    engine.identities({str(place): _identity(each) for place, each in enumerate(endpoints)})
    put_in_force(engine, model)
    place = 0
    for case in ruling.cases:
        for half in case.halves:
            ends = (str(place), str(place + 1))
            place += 2
            out = half.direction is Direction.EGRESS
            source, target = ends if out else ends[::-1]
            flow = Flow(source, target, case.ports.first, case.ports.protocol)
            [verdict] = engine.verdicts([flow])
            said = verdict.egress if out else verdict.ingress
            if half.outcome is not Outcome.UNKNOWN and half.outcome.value != said:
                wrong.append(
                    f"{half.direction.value} of {half.own.words}, {half.peer.words} on"
                    f" {case.ports}: the engine says {said}, and explain {half.verdict}"
                )
    return wrong


def put_in_force(engine: Engine, model: ClusterModel) -> None:
    """Gives the engine all policies of a cluster."""
    engine.policies([dict(each) for each in model.manifests_for(list(model.namespaces))])


def engine_allows(engine: Engine, model: ClusterModel, source: End, target: End, port: Any) -> bool:
    """Whether the engine lets all of one end reach all of another, on a port."""
    ends = [*source.members, *target.members]
    engine.identities({str(n): _identity(each.endpoint) for n, each in enumerate(ends)})
    put_in_force(engine, model)
    count = len(source.members)
    flows = [
        Flow(str(one), str(count + other), port.first, port.protocol)
        for one in range(count)
        for other in range(len(target.members))
    ]
    return all(verdict.allowed for verdict in engine.verdicts(flows))


def _identity(endpoint: Endpoint) -> Identity:
    if isinstance(endpoint, Pod):
        return Identity.pod(endpoint.namespace, endpoint.labels, endpoint.namespace_labels)
    if isinstance(endpoint, Entity):
        return Identity.entity(endpoint.name)
    if isinstance(endpoint, Network):
        return Identity.address(str(endpoint.network))
    return Identity.dns_name(endpoint.name)


def _object(
    version: str, kind: str, namespace: str, name: str, labels: Mapping[str, str] | None = None
) -> Json:
    metadata: Json = {"name": name, "labels": dict(labels or {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _version(policy: Json) -> str:
    return {
        "NetworkPolicy": "networking.k8s.io/v1",
        "ClusterNetworkPolicy": "policy.networking.k8s.io/v1alpha2",
    }.get(policy["kind"], "cilium.io/v2")


def names_of(model: ClusterModel) -> Sequence[str]:
    """The pods of a cluster, as `explain` takes them."""
    return [
        f"{namespace}/{each.name}"
        for namespace, workloads in model.workloads.items()
        for each in workloads
    ]
