"""What a grant's target is, and whether it is there: pods that a policy can select. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homelab_netpol.cilium.evaluation.policy import ReadPolicy
from homelab_netpol.cilium.identity_labels import IdentityLabels
from homelab_netpol.findings.finding import FindingReason, name_labels
from homelab_netpol.findings.ports import GrantedPort

# What to write for pods on the host's network; both, as a node is `host` to its own pods only.
NODES = "entities: [host, remote-node]"


@dataclass(frozen=True, slots=True)
class GrantedResource:
    """A shared resource that is pods of a namespace.

    Attributes:
        name: of the resource: the access label's suffix.
        namespace: where its pods are.
        pod_labels: labels that its pods carry; empty: all pods of the namespace.
        ports: what a grant opens.
        value: of the access labels, where they ask for a part of the resource, which `pod_labels`
            are about; "": they ask for all of it.
        granted_by_us: the operator lets consumers in by a policy in that namespace. Then only a
            deny rule can keep them out.
    """

    name: str
    namespace: str
    ports: tuple[GrantedPort, ...]
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    granted_by_us: bool = True


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What is known of the namespace of a resource.

    Attributes:
        exists: the Namespace is there.
        terminating: it is being deleted.
        pods: the labels of each of its pods, without those on the host's network and those that
            have finished; None: not known.
        on_host: the labels of those on the host's network.
        policies: all policies that may select its pods: those in it and the clusterwide ones. Those
            of the operator may be among them.
        namespace_labels: of the Namespace; None: not known.
        identity_labels: the labels of pods that selectors can see; None: not known.
    """

    exists: bool = True
    terminating: bool = False
    pods: tuple[Mapping[str, str], ...] | None = None
    on_host: tuple[Mapping[str, str], ...] = ()
    policies: tuple[ReadPolicy, ...] = ()
    namespace_labels: Mapping[str, str] | None = None
    identity_labels: IdentityLabels | None = None


def carries(pod: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a pod carries all of the labels."""
    return labels.items() <= pod.items()


def absence(resource: GrantedResource, target: TargetFacts) -> tuple[FindingReason, str] | None:
    """Why a resource has no pods that a policy can select; None: it has, or that is not known."""
    leads_nowhere = f"The grant {resource.name} leads nowhere:"
    where = f"namespace {resource.namespace}"
    if not target.exists:
        return (
            FindingReason.TARGET_NAMESPACE_MISSING,
            f"{leads_nowhere} {where} does not exist. Create it, or correct the namespace of the"
            f" shared resource {resource.name}.",
        )
    if target.terminating:
        return (
            FindingReason.TARGET_NAMESPACE_TERMINATING,
            f"{leads_nowhere} {where} is being deleted. Wait until it is there again, or take the"
            f" access label off.",
        )
    if target.pods is None or any(carries(pod, resource.pod_labels) for pod in target.pods):
        return None
    if any(carries(pod, resource.pod_labels) for pod in target.on_host):
        return (
            FindingReason.TARGET_ON_HOST_NETWORK,
            f"{leads_nowhere} {_pods(resource)} are on the host's network, where Cilium knows them"
            f" by their node only. Write {NODES} in the shared resource {resource.name} instead of"
            " the namespace; that opens these ports of every node.",
        )
    if resource.value:
        labels = name_labels(resource.pod_labels)
        return (
            FindingReason.TARGET_HAS_NO_PODS,
            f"{leads_nowhere} no pod of {where} has the labels {labels}, as the value"
            f" {resource.value!r} of the access label asks for. Correct the label's value, or start"
            " these pods.",
        )
    if not resource.pod_labels:
        has_none = f"{where} has no pods. Start what offers it there"
    else:
        labels = name_labels(resource.pod_labels)
        has_none = f"no pod of {where} has the labels {labels}. Start what offers it there"
    return (
        FindingReason.TARGET_HAS_NO_PODS,
        f"{leads_nowhere} {has_none}, or correct the shared resource {resource.name}.",
    )


def part_on_host(resource: GrantedResource, target: TargetFacts) -> str | None:
    """What to say if labels choose pods on the host's network beside others; None: they do not.

    Of a whole namespace it is not known which pods offer the resource.
    """
    if not resource.pod_labels or target.pods is None:
        return None
    if not any(carries(pod, resource.pod_labels) for pod in target.on_host):
        return None
    return (
        f"The grant {resource.name} does not reach all of its pods: of {_pods(resource)}, some are"
        " on the host's network, where Cilium knows them by their node only. Have these labels"
        f" choose the others alone, or add a shared resource with {NODES}, which opens its ports of"
        " every node."
    )


def _pods(resource: GrantedResource) -> str:
    labels = f" {name_labels(resource.pod_labels)}" if resource.pod_labels else ""
    return f"the pods{labels} of namespace {resource.namespace}"
