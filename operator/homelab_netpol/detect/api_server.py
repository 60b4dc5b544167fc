"""Who calls webhooks and aggregated APIs, and in which Namespaces they are. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting, unique
from homelab_netpol.manifests import Manifest, ManifestSet, kinds
from homelab_netpol.shapes import mapping, mappings, text

_KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_TUNNEL = {"k8s-app": "konnectivity-agent"}
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
# By labels of nodes, or by what a cloud's controller calls them.
_PROVIDERS = {
    "cloud.google.com/gke-nodepool": "GKE",
    "kubernetes.azure.com/cluster": "AKS",
    "eks.amazonaws.com/nodegroup": "EKS",
}


def detect_api_server(facts: ClusterFacts, platform: Collection[str]) -> Findings:
    """`apiServer`.

    Args:
        facts: the cluster.
        platform: the namespaces that are the platform's, where the label `webhooks` is not needed.
    """
    found = Findings()
    tunnels = [each for each in facts.components if _TUNNEL.items() <= each.labels.items()]
    provider = next(
        (title for key, title in _PROVIDERS.items() if any(key in n.labels for n in facts.nodes)),
        None,
    )
    entries = [
        Entry(
            {"namespace": each.namespace, "podLabels": dict(_TUNNEL)},
            f"{each} is a tunnel's end, by which the API server calls pods",
        )
        for each in tunnels
        if not each.host_network
    ]
    own = any(key in node.labels for node in facts.nodes for key in _CONTROL_PLANE)
    if entries:
        direct = Entry(
            {"entities": ["kube-apiserver"]},
            "by an address behind the Service kubernetes, where it reaches pods directly",
        )
        found.settings.append(Setting(("apiServer",), unique([direct, *entries])))
    elif any(each.host_network for each in tunnels) or provider == "AKS":
        found.questions.append(
            "the API server seems to call webhooks by way of the nodes' network. Does Hubble show"
            " these calls as remote-node? Then: apiServer: [{entities: [kube-apiserver]},"
            " {entities: [remote-node]}], which is every other node"
        )
    elif facts.nodes and not own:
        of = f" ({provider})" if provider else ""
        found.questions.append(
            f"no node is one of a control plane{of}, so the API servers are a provider's. As what"
            " does Hubble show their calls of webhooks? apiServer names them; kube-apiserver, the"
            " default, is every address behind the Service kubernetes"
        )
    said_by: dict[str, Manifest] = {}
    for each, service in called_services(facts.manifests):
        said_by.setdefault(text(service, "namespace"), each)
    for namespace, first in sorted(said_by.items()):
        if namespace and namespace not in platform:
            found.questions.append(
                f"the API server calls pods in {namespace} ({first}). If apps are there, label"
                f" it: kubectl label namespace {namespace} network-policy.homelab/webhooks=allow"
            )
    return found


def called_services(manifests: ManifestSet) -> Iterator[tuple[Manifest, Mapping[str, Any]]]:
    """What webhooks and aggregated APIs say of their Services, each with the object that does."""
    for kind in _KINDS:
        for each in manifests.of(kind):
            for webhook in mappings(each.data, "webhooks"):
                yield each, mapping(webhook, "clientConfig", "service")
    for each in manifests.of(kinds.API_SERVICE):
        yield each, mapping(each.data, "spec", "service")
