"""Random clusters for the audit, and what Cilium's engine says of all their pods at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Pod
from homelab_netpol.cilium.terms import CLUSTER_NETWORK_POLICY, NETWORK_POLICY
from homelab_netpol.manifests.workloads import Workload
from lab.control_plane import Engine, Flow, Identity
from tests.truth.explained_world import put_in_force
from tests.truth.random_policies import PORTS

STRANGER = "stranger"
# Of no rule.
ODD_PORT = 9
_NOBODY = {"matchLabels": {"nobody": "here"}}
_LISTS = ("ingress", "egress", "ingressDeny", "egressDeny")


@dataclass(frozen=True)
class Asked:
    """A question about two Namespaces.

    Attributes:
        source: whose pods call.
        target: whose are called.
        port: on which port.
        protocol: of which protocol.
    """

    source: str
    target: str
    port: int
    protocol: str


def named_pods(model: ClusterModel) -> dict[str, Workload]:
    """The pods of a cluster, as the engine knows them."""
    return {
        f"{namespace}/{each.name}": each
        for namespace, workloads in model.workloads.items()
        for each in workloads
    }


def introduce(engine: Engine, model: ClusterModel) -> None:
    """Gives the engine the pods, and a stranger that no rule names."""
    found = {STRANGER: Identity.pod("nowhere", {"app": "nobody"})}
    for name, workload in named_pods(model).items():
        found[name] = _identity(model.pod(workload))
    engine.identities(found)


def passing(engine: Engine, model: ClusterModel) -> Mapping[Asked, bool]:
    """Whether some pod of a Namespace may reach some pod of another, for all of them."""
    introduce(engine, model)
    put_in_force(engine, model)
    pods = named_pods(model)
    flows = [
        (
            Asked(one.namespace, other.namespace, port, protocol),
            Flow(source, target, port, protocol),
        )
        for source, one in pods.items()
        for target, other in pods.items()
        for port in (*PORTS, ODD_PORT)
        for protocol in ("TCP", "UDP")
    ]
    verdicts = engine.verdicts(flow for _, flow in flows)
    found: dict[Asked, bool] = {}
    for (asked, _), verdict in zip(flows, verdicts, strict=True):
        found[asked] = found.get(asked, False) or verdict.allowed
    return found


def closed_directions(engine: Engine, model: ClusterModel) -> Mapping[str, tuple[bool, bool]]:
    """Of each pod, whether ingress and egress are denied by default.

    The engine is given all policies with rules that mean nobody: what it denies a stranger then is
    denied by default.
    """
    introduce(engine, model)
    given = [dict(each) for each in model.manifests_for(list(model.namespaces))]
    engine.policies([bare for each in given for bare in _bare(each)])
    names = list(named_pods(model))
    inward = engine.verdicts(Flow(STRANGER, name, ODD_PORT) for name in names)
    outward = engine.verdicts(Flow(name, STRANGER, ODD_PORT) for name in names)
    return {
        name: (into.ingress == "denied", out.egress == "denied")
        for name, into, out in zip(names, inward, outward, strict=True)
    }


def _bare(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A policy of which each rule means nobody; none for a kind that closes nothing.

    One that Cilium rejects stays out of force, though its rules could be put right like that.
    """
    kind = policy["kind"]
    if kind == CLUSTER_NETWORK_POLICY or "status" in policy:
        return
    if kind == NETWORK_POLICY:
        nobody = {"podSelector": _NOBODY}
        yield {**policy, "spec": _emptied(policy["spec"], {"from": [nobody]}, {"to": [nobody]})}
        return
    ends = ({"fromEndpoints": [_NOBODY]}, {"toEndpoints": [_NOBODY]})
    body: dict[str, Any] = {}
    if policy.get("spec") is not None:
        body["spec"] = _emptied(policy["spec"], *ends)
    if policy.get("specs") is not None:
        body["specs"] = [_emptied(each, *ends) for each in policy["specs"]]
    yield {key: policy[key] for key in ("apiVersion", "kind", "metadata")} | body


def _emptied(
    spec: Mapping[str, Any], inward: Mapping[str, Any], outward: Mapping[str, Any]
) -> dict[str, Any]:
    made = dict(spec)
    for key in _LISTS:
        if made.get(key):
            made[key] = [inward if key.startswith("ingress") else outward]
    return made


def _identity(pod: Pod) -> Identity:
    ports = {each.name: f"{each.number}/{each.protocol}" for each in pod.ports or ()}
    return Identity.pod(pod.namespace, pod.labels, pod.namespace_labels, ports)


def sizes(engine: Engine, model: ClusterModel) -> Sequence[tuple[str, int]]:
    """How many entries each pod's policy map has."""
    introduce(engine, model)
    put_in_force(engine, model)
    names = list(named_pods(model))
    return list(zip(names, engine.map_sizes(names), strict=True))
