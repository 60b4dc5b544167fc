"""What is known of the cluster: nothing that still stands is forgotten."""

from __future__ import annotations

from typing import Any

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Kind, PolicyKey, Scope, WorkKey
from homelab_netpol.policy.objects import read_live
from homelab_netpol.reconcile.view import ClusterView
from homelab_netpol.settings import Settings

HATCH = "homelab-escape-hatch"


def namespace(uid: str, version: int, labels: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": "app", "uid": uid, "resourceVersion": str(version), "labels": labels}
    return {"metadata": metadata}


def hatch(version: int) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "homelab-netpol"}
    metadata = {"name": HATCH, "namespace": "app", "uid": "p", "labels": labels}
    return {"metadata": metadata | {"resourceVersion": str(version)}, "spec": {}}


def test_a_policy_that_outlives_its_namespace_is_known_in_the_next_one_of_that_name() -> None:
    """The API server can let a Namespace go while CRDs are not served, and keep what is in it."""
    view = ClusterView(Catalogue(Settings()))
    disabled = {"network-policy.homelab/enforcement": "disabled"}
    view.observe_namespace(view.read_namespace(namespace("first", 10, disabled)))
    view.observe_policy(read_live(Kind.CNP, hatch(11)))
    view.forget_namespace("app", 12)
    requests = view.observe_namespace(view.read_namespace(namespace("second", 13, {})))
    key = WorkKey(Scope.NAMESPACE, "app")
    assert key in requests
    assert PolicyKey(Kind.CNP, "app", HATCH) in view.standing.of(key)
    intent = view.intent("app")
    assert intent is not None
    assert not intent.hatch_open
