"""Which Namespaces are the platform's beside those that the defaults name. Pure.

A Namespace of the platform keeps policies by hand; one that is not, and has no profile, is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting
from homelab_netpol.detect.objects import Component
from homelab_netpol.detect.resources import store_of
from homelab_netpol.settings import Settings

# What homelabs call the namespaces of operators, networks, storage, GitOps and observability, where
# the defaults do not have it. Some patterns, as in the settings.
_NAMES = (
    "actions-runner-*",
    "argo",
    "argo-*",
    "argocd-*",
    "calico-*",
    "cattle-*",
    "cdi",
    "cilium",
    "cilium-*",
    "cnpg",
    "crossplane",
    "csi-*",
    "democratic-csi",
    "device-plugins",
    "envoy-gateway",
    "external-dns",
    "fleet-*",
    "gatekeeper",
    "gateway",
    "gateways",
    "gpu-operator",
    "grafana",
    "ingress",
    "ingress-*",
    "inteldeviceplugins",
    "istio-*",
    "keda",
    "kgateway",
    "kube-*",
    "kubevirt",
    "kyverno",
    "local-path-storage",
    "logging",
    "loki",
    "metallb",
    "metrics",
    "metrics-server",
    "minio-operator",
    "nfs-provisioner",
    "node-feature-discovery",
    "nvidia-*",
    "olm",
    "openebs",
    "operators",
    "piraeus-datastore",
    "prometheus",
    "reloader",
    "rook*",
    "sealed-secrets",
    "tailscale",
    "tigera-operator",
    "topolvm",
    "traefik",
    "vault",
    "velero",
    "victoria-metrics",
    "volsync",
)
# How many workloads a question names.
_NAMED = 3
_OF_OPERATORS = ("operator", "controller", "controller-manager", "webhook", "cainjector", "csi")
_STORAGE_IMAGES = (
    "csi-provisioner",
    "csi-attacher",
    "csi-node-driver-registrar",
    "csi-snapshotter",
    "csi-resizer",
)


def detect_platform(
    facts: ClusterFacts, needed: Mapping[str, str], peers: Sequence[Mapping[str, Any]] = ()
) -> tuple[Findings, set[str]]:
    """`platformNamespaces`, and all namespaces that are the platform's with it.

    Args:
        facts: the cluster.
        needed: namespaces that others depend on, each with what stands there.
        peers: the pods there that others depend on, as settings name them.
    """
    found, settings = Findings(), Settings()
    added: dict[str, Entry] = {}
    platform = known_platform(facts)
    for name in sorted({*facts.namespaces, *needed}):
        if name in platform or name == "default":
            continue
        labels = facts.namespaces.get(name, {})
        profile = labels.get(f"{settings.label_domain}/profile")
        there = facts.within(name)
        if profile is not None and name in needed:
            found.questions.append(
                f"{name} has the profile {profile}, and {needed[name]}. A namespace that others"
                " depend on keeps policies by hand: is it the platform's? Then take the label off"
            )
        elif profile is not None:
            continue
        elif name in needed:
            added[name] = Entry(name, needed[name], _asked_of_others(facts, name, peers))
        elif any(fnmatchcase(name, each) for each in _NAMES):
            added[name] = Entry(name, "its name is a platform's")
        elif storage := next((each for each in there if each.runs(*_STORAGE_IMAGES)), None):
            added[name] = Entry(name, f"{storage} is a storage driver")
        elif there and all(_is_operator(each) for each in there):
            found.questions.append(
                f"only operators and controllers run in {name} ({there[0]}). Is it the platform's?"
                " Then add it to platformNamespaces"
            )
    if added:
        defaults = [Entry(each) for each in settings.platform_namespaces]
        found.settings.append(
            Setting(
                ("platformNamespaces",),
                (*added.values(), *defaults),
                "a list of one's own takes the place of the default one, which follows",
            )
        )
    if "default" in needed:
        found.questions.append(
            f"of the namespace `default`: {needed['default']}. It may have apps as well; better"
            " move what all depend on to a namespace of its own, or it is closed without a profile"
        )
    return found, platform | set(added)


def _asked_of_others(
    facts: ClusterFacts, name: str, peers: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    """Whether what else runs there is the platform's: no profile would hold it any more."""
    if any(fnmatchcase(name, each) for each in _NAMES):
        return ()
    labels = [peer.get("podLabels") or {} for peer in peers if peer.get("namespace") == name]
    others = [
        str(each)
        for each in facts.within(name)
        if not any(one.items() <= each.labels.items() for one in labels)
        and store_of(each) is None
        and not _is_operator(each)
    ]
    if not others:
        return ()
    named = ", ".join(others[:_NAMED]) + (" and others" if len(others) > _NAMED else "")
    return (
        f"are these the platform's as well: {named}? Here no profile holds them, and they stay"
        " open. If they are apps, give what all depend on a namespace of its own",
    )


def known_platform(facts: ClusterFacts) -> set[str]:
    """Those that the defaults name, or their own label makes one."""
    settings = Settings()
    label = f"{settings.label_domain}/platform"
    return {
        name
        for name, labels in facts.namespaces.items()
        if labels.get(label) == "true"
        or any(fnmatchcase(name, each) for each in settings.platform_namespaces)
    }


def _is_operator(component: Component) -> bool:
    words = list(_names(component))
    return any(
        word == each or word.endswith(f"-{each}") for word in words for each in _OF_OPERATORS
    )


def _names(component: Component) -> Iterator[str]:
    yield component.name
    for key in ("app.kubernetes.io/name", "app.kubernetes.io/component", "app"):
        if key in component.labels:
            yield component.labels[key]
