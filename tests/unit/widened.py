"""A governed namespace `app`, and policies that somebody else wrote for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homelab_netpol.findings import check_widening
from homelab_netpol.findings.finding import LONGEST, Finding
from tests.inspected import DOMAIN, Cluster
from tests.unit.hand_made import Json, policy

PROFILE, WIDENS = f"{DOMAIN}/profile", f"{DOMAIN}/widens"
CCNP, KCNP = "CiliumClusterwideNetworkPolicy", "ClusterNetworkPolicy"
NAME = "kubernetes.io/metadata.name"
WORLD = "the internet (world)"
APP: dict[str, Mapping[str, str]] = {"app": {PROFILE: "isolated"}}
HOME: dict[str, Mapping[str, str]] = {
    **{name: {} for name in ("kube-system", "monitoring", "istio-gateway", "database", "garage")},
    "team-a": {"team": "a"},
}
PODS: dict[str, Sequence[Mapping[str, str]]] = {"app": [{"app": "web"}, {"app": "job"}]}


def found(
    *foreign: Json,
    app: Mapping[str, str] | None = None,
    pods: Mapping[str, Sequence[Mapping[str, str]]] = PODS,
) -> list[Finding]:
    cluster = Cluster({**HOME, "app": app or APP["app"]})
    return cluster.findings(check_widening.check, foreign, pods)


def told(*foreign: Json, **known: Any) -> str:
    """The one message."""
    [finding] = found(*foreign, **known)
    assert (finding.reason, finding.subject, finding.about) == ("ProfileWidened", "app", None)
    assert len(finding.message) <= LONGEST
    return finding.message


def cnp(**spec: Any) -> Json:
    return policy("theirs", "app", **spec)


def netpol(**spec: Any) -> Json:
    return policy("theirs", "app", "NetworkPolicy", **spec)


def ccnp(**spec: Any) -> Json:
    return policy("theirs", "", CCNP, **spec)


def accept(tier: str = "Admin", **rules: Any) -> Json:
    subject = {"namespaces": {"matchLabels": {NAME: "app"}}}
    spec = {"tier": tier, "priority": 1, "subject": subject, **rules}
    return {"kind": KCNP, "metadata": {"name": "theirs"}, "spec": spec}


ALLOW_ALL: Json = {"policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
