"""Our CRDs on the tests' cluster, for as long as a test needs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from homelab_netpol import package_data
from tests.cluster.kube import Kube, Manifest, eventually

GROUP = "network-policy.homelab"
API = f"/apis/{GROUP}/v1alpha1"
PROFILES = f"{API}/networkprofiles"
RESOURCES = f"{API}/sharedresources"
KINDS = {PROFILES: "NetworkProfile", RESOURCES: "SharedResource"}

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def manifest(collection: str, name: str, spec: Any, **metadata: Any) -> Manifest:
    """An object of ours."""
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": KINDS[collection],
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


@contextmanager
def own_crds(kube: Kube) -> Iterator[None]:
    """Installs the CRDs that are missing, and takes away again what it installed."""
    missing = [
        definition
        for definition in package_data.own_crds()
        if kube.get(f"{_CRDS}/{definition['metadata']['name']}") is None
    ]
    for definition in missing:
        kube.create(_CRDS, definition)
    try:
        for collection in KINDS:
            eventually(partial(_served, kube, collection), f"{collection} to be served")
        yield
    finally:
        for definition in missing:
            kube.delete(f"{_CRDS}/{definition['metadata']['name']}")
        for definition in missing:
            path = f"{_CRDS}/{definition['metadata']['name']}"
            eventually(partial(_gone, kube, path), f"{path} to be gone")


def _served(kube: Kube, collection: str) -> bool:
    # A dry run goes all the way to storage, which may come seconds after the first good list.
    body = manifest(collection, "probe", {"ports": [{"port": 1}], "cidrs": ["192.0.2.0/24"]})
    status, _ = kube.call("POST", f"{collection}?dryRun=All", body)
    return status == 201


def _gone(kube: Kube, path: str) -> bool:
    return kube.get(path) is None
