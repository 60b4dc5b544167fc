"""In the table's worlds all is well, so nothing is said of hatches, grants at home and profiles."""

from __future__ import annotations

import functools

import pytest

from homelab_netpol.findings import check_consumers, check_hatch, check_widening
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import DefaultDeny, Settings
from tests.inspected import Cluster
from tests.truth.world import (
    World,
    own_policy,
    platform_namespaces,
    workload_namespaces,
    workload_pods,
    worlds,
)


@functools.cache
def cluster_of(world: World) -> Cluster:
    """A world, with the operator's policies in it."""
    namespaces = (*workload_namespaces(), *platform_namespaces(world))
    catalogue = Catalogue(Settings(default_deny=DefaultDeny(world.scope)))
    return Cluster({one.name: one.labels() for one in namespaces}, catalogue)


@pytest.mark.parametrize("world", worlds(), ids=lambda world: world.name)
def test_beside_hand_written_policies_of_the_platform_nothing_is_found(world: World) -> None:
    cluster = cluster_of(world)
    foreign = [own_policy(one.name) for one in platform_namespaces(world)]
    pods = {
        one.name: [pod.pod_labels for pod in workload_pods(one)] for one in workload_namespaces()
    }
    for check in (check_hatch.check, check_consumers.check, check_widening.check):
        assert not cluster.findings(check, foreign, pods)


@pytest.mark.parametrize("world", worlds(), ids=lambda world: world.name)
def test_a_copy_of_the_operators_own_policies_adds_nothing(world: World) -> None:
    cluster = cluster_of(world)
    copies = [
        {**one, "metadata": {**one["metadata"], "name": f"copy-of-{one['metadata']['name']}"}}
        for one in cluster.own
    ]
    assert not cluster.findings(check_widening.check, copies)
