"""Fixtures of the truth tests: the worlds, each after one run of the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kubernetes import config

from homelab_netpol.access.cluster_model import ClusterModel
from lab.control_plane import Cluster, ControlPlane, Lab
from tests.explained import model_of
from tests.running_operator import running_operator
from tests.truth.diagnosed import CLUSTER
from tests.truth.homelab import Homelab, Snapshot
from tests.truth.judge import JUDGED, Report
from tests.truth.table import Table
from tests.truth.world import World, shared_resources


@pytest.fixture(scope="session")
def table() -> Table:
    """The table of who may talk to whom."""
    return Table.load()


@pytest.fixture(scope="package")
def homelab_cluster(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Cluster]:
    """A control plane for the homelab alone: hundreds of Namespaces would be in others' way."""
    if request.config.getoption("cluster") != "local":
        yield request.getfixturevalue("cluster")
        return
    with ControlPlane(lab=lab) as plane:
        yield plane


@pytest.fixture(scope="package")
def homelab(homelab_cluster: Cluster) -> Iterator[Homelab]:
    """The Namespaces of all worlds."""
    cluster = homelab_cluster
    api = config.new_client_from_config(str(cluster.kubeconfig), context=cluster.context)
    homelab = Homelab(api)
    try:
        homelab.create()
        yield homelab
    finally:
        homelab.leave()
        api.close()


@pytest.fixture(scope="package")
def snapshot_of(homelab: Homelab, homelab_cluster: Cluster) -> Callable[[World], Snapshot]:
    """What the operator wrote in a world; it runs once for each."""
    cluster = homelab_cluster
    snapshots: dict[str, Snapshot] = {}

    def snapshot(world: World) -> Snapshot:
        if world.name not in snapshots:
            homelab.enter(world)
            settings = {"defaultDeny": world.scope, "sharedResources": shared_resources()}
            with running_operator(
                cluster.kubeconfig, settings, context=cluster.context
            ) as operator:
                snapshots[world.name] = homelab.settled(world, operator)
        return snapshots[world.name]

    return snapshot


@pytest.fixture
def hold_true(record_property: Callable[[str, object], None]) -> Callable[[Report], None]:
    """Fails unless everything in the report is as the table says; counts what was judged."""

    def hold(report: Report) -> None:
        numbers = (report.flows, report.halves, report.allowed, len(report.mismatches))
        record_property(JUDGED, numbers)
        if not report.flows or report.mismatches:
            pytest.fail(report.text(), pytrace=False)

    return hold


@pytest.fixture(scope="session")
def diagnosed_model() -> ClusterModel:
    """The cluster whose drops are diagnosed, as it is."""
    return model_of(CLUSTER)
