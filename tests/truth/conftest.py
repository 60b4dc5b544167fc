"""Fixtures of the truth tests: the worlds, each after one run of the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kubernetes import config

from homelab_netpol.localcluster import Cluster
from tests.running_operator import running_operator
from tests.truth.homelab import Homelab, Snapshot
from tests.truth.judge import Report
from tests.truth.table import Table
from tests.truth.world import World

_JUDGED = pytest.StashKey[list[Report]]()


@pytest.fixture(scope="session")
def table() -> Table:
    """The table of who may talk to whom."""
    return Table.load()


@pytest.fixture(scope="package")
def homelab(cluster: Cluster) -> Iterator[Homelab]:
    """The Namespaces of all worlds, on the tests' cluster."""
    api = config.new_client_from_config(str(cluster.kubeconfig), context=cluster.context)
    homelab = Homelab(api)
    try:
        homelab.create()
        yield homelab
    finally:
        homelab.leave()
        api.close()


@pytest.fixture(scope="package")
def snapshot_of(homelab: Homelab, cluster: Cluster) -> Callable[[World], Snapshot]:
    """What the operator wrote in a world; it runs once for each."""
    snapshots: dict[str, Snapshot] = {}

    def snapshot(world: World) -> Snapshot:
        if world.name not in snapshots:
            homelab.enter(world)
            settings = {"defaultDeny": world.scope}
            with running_operator(
                cluster.kubeconfig, settings, context=cluster.context
            ) as operator:
                snapshots[world.name] = homelab.settled(world, operator)
        return snapshots[world.name]

    return snapshot


@pytest.fixture
def hold_true(pytestconfig: pytest.Config) -> Callable[[Report], None]:
    """Fails unless everything in the report is as the table says; counts what was judged."""
    judged = pytestconfig.stash.setdefault(_JUDGED, [])

    def hold(report: Report) -> None:
        judged.append(report)
        if not report.flows or report.mismatches:
            pytest.fail(report.text(), pytrace=False)

    return hold


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how much was judged."""
    judged = config.stash.get(_JUDGED, [])
    if judged:
        flows, halves, allowed, wrong = (
            sum(numbers)
            for numbers in zip(
                *((one.flows, one.halves, one.allowed, len(one.mismatches)) for one in judged),
                strict=True,
            )
        )
        terminalreporter.write_line(
            f"truth: Cilium's policy engine judged {flows:,} flows; of their {halves:,} halves the"
            f" table allows {allowed:,} and denies {halves - allowed:,}; {wrong:,} came out"
            " otherwise"
        )
