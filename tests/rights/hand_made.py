"""Policies that a scenario finds standing: as the operator's own, or as somebody else's."""

from __future__ import annotations

from typing import Any

from tests.cluster.kube import Manifest
from tests.cluster.spaces import DOMAIN, MANAGED_BY, OPERATOR

# What each kind takes as a spec, and the operator never writes.
SPECS: dict[str, Any] = {
    "CiliumNetworkPolicy": {"endpointSelector": {}, "ingress": [{"fromEntities": ["host"]}]},
    "CiliumClusterwideNetworkPolicy": {
        # Of nobody's pods.
        "endpointSelector": {"matchLabels": {"nobody": "has-it"}},
        "ingress": [{"fromEntities": ["host"]}],
    },
    "AuthorizationPolicy": {"rules": [{"from": [{"source": {"namespaces": ["by-hand"]}}]}]},
    "PeerAuthentication": {"mtls": {"mode": "PERMISSIVE"}},
}


def policy(kind: str, name: str, *, ours: str | None = None) -> Manifest:
    """A policy.

    Args:
        kind: such as CiliumNetworkPolicy.
        name: its name.
        ours: it carries the operator's labels, as this component; None: somebody else's.
    """
    labels = {} if ours is None else {MANAGED_BY: OPERATOR, f"{DOMAIN}/component": ours}
    istio = kind in ("AuthorizationPolicy", "PeerAuthentication")
    return {
        "apiVersion": "security.istio.io/v1" if istio else "cilium.io/v2",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": SPECS[kind],
    }
