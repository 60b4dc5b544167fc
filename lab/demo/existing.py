"""An existing cluster: when the demo refuses it, and how it is left as it was."""

from __future__ import annotations

import time

from homelab_netpol.policy.objects import FIELD_MANAGER, MANAGED_BY_LABEL
from lab.demo.client import Client
from lab.demo.errors import DemoError
from lab.demo.homelab import Homelab
from lab.demo.informer import POLICIES, Collection

_GONE_SECONDS = 60.0


def refuse_if_in_use(client: Client, homelab: Homelab) -> None:
    """Refuses a cluster that holds what the demo would change or remove.

    Raises:
        DemoError: a namespace of the demo, or a policy of an operator, is there already.
    """
    names = {item["metadata"]["name"] for item in client.get(Collection.NAMESPACE)["items"]}
    taken = sorted(names.intersection(homelab.names()))
    if taken:
        raise DemoError(
            f"the cluster has namespaces that the demo would create: {', '.join(taken)}. Take an"
            " empty cluster, or leave --kubeconfig out to have one started."
        )
    if any(_managed(client, collection) for collection in POLICIES):
        raise DemoError(
            "the cluster has policies of homelab-netpol: an operator runs or ran there, and two"
            " would get in each other's way. Take an empty cluster, or leave --kubeconfig out."
        )


def leave(client: Client, homelab: Homelab) -> None:
    """Removes what the demo and its operator have created; the operator must have ended."""
    # The clusterwide policies first: they apply to namespaces of others too.
    for collection in reversed(POLICIES):
        for path in _managed(client, collection):
            client.delete(path)
    for name in homelab.names():
        client.delete(f"{Collection.NAMESPACE}/{name}")
    deadline = time.monotonic() + _GONE_SECONDS
    while left := _left(client, homelab):
        if time.monotonic() > deadline:
            raise DemoError(
                f"these namespaces are still being deleted: {', '.join(left)}."
                f" See: kubectl get namespace {left[0]} -o yaml"
            )
        time.sleep(0.2)


def _managed(client: Client, collection: Collection) -> list[str]:
    answer = client.get(f"{collection}?labelSelector={MANAGED_BY_LABEL}%3D{FIELD_MANAGER}")
    group, _, plural = collection.rpartition("/")
    paths = []
    for item in answer["items"]:
        namespace = item["metadata"].get("namespace")
        scope = f"namespaces/{namespace}/" if namespace else ""
        paths.append(f"{group}/{scope}{plural}/{item['metadata']['name']}")
    return paths


def _left(client: Client, homelab: Homelab) -> list[str]:
    names = {item["metadata"]["name"] for item in client.get(Collection.NAMESPACE)["items"]}
    return [name for name in homelab.names() if name in names]
