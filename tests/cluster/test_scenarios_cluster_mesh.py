"""The operator of cluster `home`: its name counts as far as Cilium's ConfigMap confirms it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import PROFILE, Space, Spaces, access
from tests.cluster.watched import shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"inspectionSeconds": 1, "cluster": {"name": "home"}}
CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
PODS = "/api/v1/namespaces/kube-system/pods"
LABEL = "k8s:io.cilium.k8s.policy.cluster"


@pytest.fixture
def cilium_says(kube: Kube) -> Iterator[Callable[[str], None]]:
    """Writes the cluster's name into Cilium's ConfigMap, which is not there before.

    An agent is, by its Pod; nothing runs in it.
    """
    spec = {"hostNetwork": True, "containers": [{"name": "cilium-agent", "image": "cilium"}]}
    metadata = {"name": "cilium-1", "labels": {"k8s-app": "cilium"}}
    kube.create(PODS, {"metadata": metadata, "spec": spec})
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    kube.patch(f"{PODS}/cilium-1/status", {"status": ready})

    def write(name: str) -> None:
        kube.delete(f"{CONFIG_MAPS}/cilium-config")
        data = {"cluster-name": name, "cluster-id": "1"}
        kube.create(CONFIG_MAPS, {"metadata": {"name": "cilium-config"}, "data": data})

    yield write
    kube.delete(f"{CONFIG_MAPS}/cilium-config")
    kube.delete(f"{PODS}/cilium-1")


def clusters_named(policy: Any) -> set[str | None]:
    """What the peer selectors of a policy say of clusters."""
    peers = [
        peer
        for direction, field in (("ingress", "fromEndpoints"), ("egress", "toEndpoints"))
        for rule in policy["spec"].get(direction, ())
        for peer in rule.get(field, ())
    ]
    return {peer.get("matchLabels", {}).get(LABEL) for peer in peers}


def names(space: Space, clusters: set[str | None], policy: str = "homelab-profile") -> None:
    """Waits for all peers of a policy to be in these clusters; None: it is not said."""

    def look() -> bool:
        found = space.policy(policy)
        return found is not None and clusters_named(found) == clusters

    eventually(look, f"{policy} in {space.name} to name {clusters}")


def test_a_name_is_used_from_when_ciliums_configuration_confirms_it_until_it_differs(
    spaces: Spaces, operator: RunningOperator, cilium_says: Callable[[str], None]
) -> None:
    app = spaces({PROFILE: "standard"})
    names(app, {None})
    shows(operator, 1, "enforcement_impaired", reason="ClusterNameNotUsed")
    assert "nothing confirms the setting cluster.name: home" in operator.get("/readyz")
    cilium_says("home")
    names(app, {"home"})
    shows_none(operator, "enforcement_impaired", reason="ClusterNameNotUsed")
    cilium_says("cabin")
    names(app, {None})
    platform = spaces.existing("kube-system")
    platform.told("PoliciesNotEnforced", "cluster.name says home, and Cilium cabin")
    assert "cluster.name says home" in operator.get("/readyz")


def test_a_resource_in_another_cluster_has_one_side_here_and_one_in_this_cluster_two(
    spaces: Spaces, definitions: Definitions, cilium_says: Callable[[str], None]
) -> None:
    cilium_says("home")
    database = spaces()
    ports = [{"port": 5432}]
    theirs = definitions.resource(namespace=database.name, cluster="cabin", ports=ports)
    ours = definitions.resource(namespace=database.name, cluster="home", ports=ports)
    app = spaces({access(theirs.name): "true", access(ours.name): "true"})
    names(app, {"cabin"}, f"homelab-access-{theirs.name}")
    names(app, {"home"}, f"homelab-access-{ours.name}")
    database.has(f"homelab-grant-{ours.name}")
    database.lacks(f"homelab-grant-{theirs.name}")
    theirs.change(cluster=None)
    database.has(f"homelab-grant-{theirs.name}")
