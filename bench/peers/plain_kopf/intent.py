"""What labels ask for, and the words that they use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

DOMAIN = "network-policy.homelab"
MANAGED_BY = {"app.kubernetes.io/managed-by": "homelab-netpol"}
COMPONENT = f"{DOMAIN}/component"
PROFILE = f"{DOMAIN}/profile"
ENFORCEMENT = f"{DOMAIN}/enforcement"
ACCESS = f"access.{DOMAIN}/"

PLATFORM = (
    "argocd",
    "cache",
    "cert-manager",
    "database",
    "external-secrets",
    "flux-system",
    "garage",
    "homelab-netpol",
    "istio-gateway",
    "istio-system",
    "kube-node-lease",
    "kube-public",
    "kube-system",
    "kube-tools",
    "longhorn-system",
    "monitoring",
    "network",
    "networking",
    "observability",
    "rook-ceph",
    "security",
    "spegel",
    "storage",
    "system-upgrade",
)
# Ours knows patterns of names, and this label; no scenario has a Namespace that needs either.
PLATFORM_LABEL = f"{DOMAIN}/platform"


class Profile(NamedTuple):
    """What a profile opens, beside DNS."""

    summary: str
    gateways: tuple[str, ...] = ()
    https: bool = False
    intra_namespace: bool = True


PROFILES = {
    "isolated": Profile("no ingress, egress to DNS only", intra_namespace=False),
    "internal": Profile("ingress from the internal gateway, egress to DNS only", ("internal",)),
    "internal-egress": Profile(
        "ingress from the internal gateway, egress to DNS and HTTPS", ("internal",), https=True
    ),
    "standard": Profile(
        "ingress from both gateways, egress to DNS and HTTPS", ("internal", "external"), https=True
    ),
}


class Resource(NamedTuple):
    """A shared resource: pods of a namespace or, without one, an entity of Cilium's."""

    ports: tuple[int, ...]
    namespace: str | None = None
    entity: str | None = None


RESOURCES = {
    "dragonfly": Resource((6379,), namespace="cache"),
    "garage-s3": Resource((3900,), namespace="garage"),
    "kube-api": Resource((6443, 443), entity="kube-apiserver"),
    "postgres": Resource((5432,), namespace="database"),
}
# They let in whose hatch is open. Ours has a label for others, too, which no scenario sets.
GATEWAYS = {
    name: Resource((80, 443), namespace="istio-gateway") for name in ("external", "internal")
}
# Those that have a namespace of their own, in which a policy lists who may come.
TARGETS = {
    name: found.namespace for name, found in (GATEWAYS | RESOURCES).items() if found.namespace
}


class Intent(NamedTuple):
    """What a Namespace asks for."""

    profile: str | None
    grants: frozenset[str]
    hatch: bool

    def uses(self, target: str) -> bool:
        """A shared resource or a gateway lets it in: by a grant, or as its hatch is open."""
        return self.hatch or target in self.grants


def read_intent(namespace: str, labels: Mapping[str, str]) -> Intent:
    """Reads a Namespace's labels."""
    profile = labels.get(PROFILE)
    refused = namespace in PLATFORM or profile not in PROFILES
    return Intent(
        profile=None if refused else profile,
        grants=frozenset(name for name in RESOURCES if labels.get(ACCESS + name) == "true"),
        hatch=labels.get(ENFORCEMENT) == "disabled",
    )
