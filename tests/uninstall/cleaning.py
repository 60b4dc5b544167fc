"""A homelab to install the operator on and to take it away from, and everything that is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster.audited import HOME
from tests.cluster.definitions import HTTPS_TO_WORLD
from tests.cluster.kube import Kube, Manifest, ccnp_path, cnp_path, eventually
from tests.cluster.own_crds import PROFILES, RESOURCES, manifest
from tests.cluster.spaces import ENFORCEMENT, MANAGED_BY, OPERATOR, PROFILE, access, hand_made

_SOURCE_ROOT = Path(__file__).resolve().parents[2] / "operator"
ISTIO = "/apis/security.istio.io/v1"
MESH = {"istio.io/dataplane-mode": "ambient"}
SETTINGS: Mapping[str, Any] = {
    "resyncSeconds": 1,
    "leaderElection": {"enabled": True, "namespace": HOME},
    "admission": {"enabled": True},
    "mesh": {"authorizationPolicies": True, "mtls": "strict"},
}
NAMESPACES: Mapping[str, Mapping[str, str]] = {
    HOME: {},
    **{name: {} for name in ("cache", "garage", "istio-gateway", "istio-system", "monitoring")},
    "database": MESH,
    "web": {PROFILE: "standard", access("postgres"): "true", access("vault"): "true", **MESH},
    "batch": {PROFILE: "isolated"},
    "films": {PROFILE: "media", access("kube-api"): "true"},
    "open": {PROFILE: "internal", ENFORCEMENT: "disabled", **MESH},
    "team": {PROFILE: "internal"},
    "plain": {},
}
# Policies of others: of no concern to us, of our names, and with our label.
FOREIGN = {
    "squatted": (cnp_path("team"), hand_made("homelab-profile")),
    "platform": (cnp_path("database"), hand_made("by-hand")),
    "copied": (cnp_path("web"), hand_made("my-copy", labels={MANAGED_BY: OPERATOR})),
    "baseline": (
        ccnp_path(),
        hand_made("baseline-of-somebody-else", kind="CiliumClusterwideNetworkPolicy"),
    ),
    "kubernetes": (
        "/apis/networking.k8s.io/v1/namespaces/web/networkpolicies",
        {"metadata": {"name": "homelab-profile"}, "spec": {"podSelector": {}}},
    ),
}
FOREIGN_ISTIO = {
    "mesh": (
        f"{ISTIO}/namespaces/web/authorizationpolicies",
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": "by-hand"},
            "spec": {"selector": {"matchLabels": {"app": "x"}}, "action": "ALLOW", "rules": [{}]},
        },
    ),
}
OF_PEOPLE = (
    (PROFILES, "media", {"egress": [HTTPS_TO_WORLD]}),
    (
        RESOURCES,
        "vault",
        {
            "namespace": "database",
            "podLabels": {"app": "vault"},
            "ports": [{"port": 8200}],
            "target": "exclusive",
        },
    ),
)
# About what happened, written all the time by Kubernetes itself, or not stored at all.
_RESTLESS = ("events", "leases", "componentstatuses")

Snapshot = dict[str, Any]


def furnish(kube: Kube, *, ours: bool = True, istio: bool = True) -> None:
    """Puts Namespaces, custom resources and policies of others into an empty cluster.

    Args:
        kube: the cluster.
        ours: our CRDs are there.
        istio: Istio's are.
    """
    for name, labels in NAMESPACES.items():
        path = f"/api/v1/namespaces/{name}"
        if kube.get(path) is None:
            kube.create("/api/v1/namespaces", {"metadata": {"name": name}})
        kube.patch(path, {"metadata": {"labels": dict(labels)}})
    for collection, name, spec in OF_PEOPLE if ours else ():
        kube.create(collection, manifest(collection, name, spec))
    for collection, body in (FOREIGN | (FOREIGN_ISTIO if istio else {})).values():
        kube.create(collection, body)


def everything(kube: Kube) -> Snapshot:
    """Every object of every kind that the API server has: uid and resourceVersion, by its path.

    Of custom resources, whose status the operator writes, what people wrote.
    """
    found: Snapshot = {}
    for group in _groups(kube):
        for resource in (kube.get(group) or {})["resources"]:
            name = resource["name"]
            if "list" not in resource["verbs"] or name in _RESTLESS:
                continue
            for item in kube.items(f"{group}/{name}"):
                metadata = item["metadata"]
                where = f"{group}/{name}/{metadata.get('namespace', '')}/{metadata['name']}"
                found[where] = (metadata["uid"], metadata["resourceVersion"])
                if group.startswith("/apis/network-policy.homelab"):
                    found[where] = (metadata["uid"], metadata["generation"], item["spec"])
    return found


def still(kube: Kube) -> Snapshot:
    """The same, once Kubernetes' own controllers have done what they do about new objects."""

    def look() -> Snapshot | None:
        first = everything(kube)
        return first if everything(kube) == first else None

    return eventually(look, "the cluster to come to rest")


def _groups(kube: Kube) -> list[str]:
    found = (kube.get("/apis") or {})["groups"]
    return ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in found)]


def managed(kube: Kube) -> dict[tuple[str, str, str], Manifest]:
    """The operator's policies as its label tells them, by kind, namespace and name."""
    collections = [cnp_path("x").replace("/namespaces/x", ""), ccnp_path()]
    collections += [f"{ISTIO}/{name}" for name in ("authorizationpolicies", "peerauthentications")]
    found = {}
    for collection in collections:
        status, text = kube.call("GET", f"{collection}?labelSelector={MANAGED_BY}%3D{OPERATOR}")
        listed = json.loads(text) if status == 200 else {"items": []}
        for item in listed["items"]:
            metadata = item["metadata"]
            if metadata["name"] != "my-copy":
                kind = str(listed["kind"]).removesuffix("List")
                found[kind, metadata.get("namespace", ""), metadata["name"]] = item
    return found


def command(kubeconfig: Path, *arguments: str) -> list[str]:
    """The command line."""
    program = [sys.executable, "-m", "homelab_netpol", "cleanup"]
    return [*program, "--kubeconfig", str(kubeconfig), *arguments]


def environment() -> dict[str, str]:
    """What the command needs around it."""
    path = os.pathsep.join(filter(None, [str(_SOURCE_ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def cleanup(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `homelab-netpol cleanup` to its end, whatever that is."""
    return subprocess.run(
        command(kubeconfig, *arguments),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str], status: int) -> dict[str, Any]:
    """What it told programs, after it ended with this status."""
    assert done.returncode == status, (done.stdout, done.stderr)
    document: dict[str, Any] = json.loads(done.stdout)
    return document
