"""Whom platform namespaces must let in or reach, as pods: given ones, or stand-ins. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Pod, ReadPolicy
from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Matcher
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX
from homelab_netpol.findings.peer_pods import KnownPeer, P
from homelab_netpol.settings import Peer

# Where a selector only asks for a label, any value will do.
_ANY_VALUE = "any"


@dataclass(frozen=True, slots=True)
class Looked:
    """A platform namespace that is looked at.

    Attributes:
        namespace: its name.
        meshed: it is in the mesh.
        pods: those that are looked at.
        own: the policies by hand that stand in it.
        every: all that may select its pods.
    """

    namespace: str
    meshed: bool
    pods: Sequence[Pod]
    own: Sequence[ReadPolicy]
    every: Sequence[ReadPolicy]


def known_peers(model: ClusterModel, peers: Iterable[P]) -> list[KnownPeer[P]]:
    """The pods of peers; of one of which none is given, a pod that has only to be like them."""
    return [KnownPeer(peer, _pods(model, peer)) for peer in peers]


def is_one_of(pod: Pod, peers: Iterable[Peer]) -> bool:
    """Whether a pod is one of some peers."""
    of_namespace = pod.namespace_labels or {}
    return any(peer.selects(pod.namespace, pod.labels, of_namespace) for peer in peers)


def example_of(model: ClusterModel, matcher: Matcher, namespace: str) -> Pod | None:
    """A pod that a selector of a policy means; None: it means no pods that can be made up.

    Args:
        model: the cluster.
        matcher: of a rule.
        namespace: of the pod, where the selector names none.
    """
    if not isinstance(matcher, EndpointSelector):
        return None
    labels: dict[str, str] = {}
    for one in matcher.requirements:
        value = _value(one)
        if not one.is_of_pods or value is None:
            continue
        if one.key == NAMESPACE_KEY:
            namespace = value
        elif not one.key.startswith(NAMESPACE_LABELS_PREFIX):
            labels[one.key] = value
    any_pod = model.any_pod(namespace)
    return Pod(namespace, any_pod.namespace_labels, labels, identity_labels=any_pod.identity_labels)


def _value(one: Requirement) -> str | None:
    if one.operator is Operator.IN:
        return one.values[0]
    return _ANY_VALUE if one.operator is Operator.EXISTS else None


def _pods(model: ClusterModel, peer: Peer) -> tuple[Pod, ...]:
    if not peer.is_pods:
        return ()
    found = [
        model.pod(each)
        for namespace in peer.namespaces or sorted(model.workloads)
        for each in model.workloads.get(namespace, ())
        if not each.host_network
        and peer.selects(namespace, each.labels, model.namespaces.get(namespace, {}))
    ]
    if found:
        return tuple(found)
    labels = dict(peer.pod_labels)
    if peer.selector is not None:
        carried = peer.selector.match_labels.items()
        labels = {k: v for k, v in carried if not k.startswith("io.kubernetes.pod.")}
    stand_ins = (model.any_pod(namespace) for namespace in peer.namespaces)
    return tuple(
        Pod(
            each.namespace,
            each.namespace_labels,
            labels,
            complete=False,
            identity_labels=each.identity_labels,
        )
        for each in stand_ins
    )
