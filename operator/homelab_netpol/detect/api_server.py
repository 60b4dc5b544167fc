"""Who calls webhooks and aggregated APIs, and in which Namespaces they are. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting, unique
from homelab_netpol.detect.shapes import mapping, mappings, text

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
    for namespace, names in sorted(_callees(facts).items()):
        if namespace not in platform:
            found.questions.append(
                f"the API server calls pods in {namespace} ({names[0]}). If apps are there, label"
                f" it: kubectl label namespace {namespace} network-policy.homelab/webhooks=allow"
            )
    return found


def _callees(facts: ClusterFacts) -> dict[str, list[str]]:
    """The namespaces whose pods the API server calls, each with what says so."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for namespace, said_by in callees(facts):
        found[namespace].append(said_by)
    return found


def callees(facts: ClusterFacts) -> Iterator[tuple[str, str]]:
    """Namespaces that webhooks and aggregated APIs are in, each with the object that says so."""
    for kind in _KINDS:
        for each in facts.manifests.of(kind):
            for webhook in mappings(each.data.get("webhooks")):
                client = mapping(webhook.get("clientConfig"))
                namespace = _namespace(mapping(client.get("service")))
                if namespace:
                    yield namespace, str(each)
    for each in facts.manifests.of("APIService"):
        namespace = _namespace(mapping(mapping(each.data.get("spec")).get("service")))
        if namespace:
            yield namespace, str(each)


def _namespace(service: Mapping[str, Any]) -> str:
    return text(service.get("namespace"))
