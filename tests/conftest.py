"""The cluster that tests run against, and Cilium's verdict engine.

By default a local control plane is started for the session, which needs no container. A cluster
that was there before is used only when its kubeconfig and its context are both named.
"""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from homelab_netpol.package_data import own_crds
from lab.control_plane import (
    Cluster,
    Engine,
    ExistingCluster,
    Lab,
    LocalClusterError,
)
from tests.cluster.audited import AuditedPlane
from tests.scheduling import ByModule, long_ones_first
from tests.truth.judge import JUDGED
from tests.worlds.summary import lines

# No test is timed: a busy machine must not fail one.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# A shell makes what it starts in the background ignore Ctrl-C, and every program that is started
# from there inherits it: tests that press it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cluster", "the cluster to test against")
    group.addoption(
        "--cluster",
        choices=("local", "kind", "kubeconfig"),
        default="local",
        help="local: a control plane for this session (default). kind: a kind cluster made by "
        "pytest-kind. kubeconfig: the one that --cluster-kubeconfig and --cluster-context name.",
    )
    group.addoption("--cluster-kubeconfig", help="kubeconfig file for --cluster=kubeconfig")
    group.addoption("--cluster-context", help="context for --cluster=kubeconfig")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long_ones_first(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how much Cilium's engine has judged; by way of the reports, which workers send here."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
    ]
    for line in lines(reports):
        terminalreporter.write_line(line)
    judged = [
        numbers for report in reports for name, numbers in report.user_properties if name == JUDGED
    ]
    if judged:
        flows, halves, allowed, wrong = (sum(each) for each in zip(*judged, strict=True))
        terminalreporter.write_line(
            f"truth: Cilium's policy engine judged {flows:,} flows; of their {halves:,} halves the"
            f" table allows {allowed:,} and denies {halves - allowed:,}; {wrong:,} came out"
            " otherwise"
        )


def pytest_configure(config: pytest.Config) -> None:
    named = [config.getoption(option) for option in ("cluster_kubeconfig", "cluster_context")]
    if config.getoption("cluster") == "kubeconfig":
        if not all(named):
            raise pytest.UsageError(
                "--cluster=kubeconfig changes a real cluster, so it must be named in full: give "
                "--cluster-kubeconfig and --cluster-context as well"
            )
    elif any(named):
        raise pytest.UsageError(
            "--cluster-kubeconfig and --cluster-context only go with --cluster=kubeconfig"
        )


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab binary, built if need be."""
    try:
        return Lab()
    except LocalClusterError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Cluster]:
    """A cluster with Cilium's CRDs: `.kubeconfig`, `.context`, `.server`, `.api`."""
    try:
        with _cluster(request, lab) as cluster:
            if isinstance(cluster, ExistingCluster):
                cluster.install_crds(own_crds())
            yield cluster
    except LocalClusterError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def engine(lab: Lab) -> Iterator[Engine]:
    """Cilium's policy engine, without identities or policies to begin with."""
    with Engine(lab) as engine:
        yield engine


def _cluster(request: pytest.FixtureRequest, lab: Lab) -> Cluster:
    option = request.config.getoption
    if option("cluster") == "local":
        return AuditedPlane(lab=lab, crds=own_crds())
    if option("cluster") == "kubeconfig":
        kubeconfig = Path(option("cluster_kubeconfig"))
        return ExistingCluster(kubeconfig, option("cluster_context"))
    _require_docker()
    kind = request.getfixturevalue("kind_cluster")
    context = f"kind-{kind.name}"
    return ExistingCluster(kind.kubeconfig_path, context, install_crds=True, lab=lab)


def _require_docker() -> None:
    # Asked first, because kind's own answer comes after a download and says less.
    docker = shutil.which("docker")
    if docker is None:
        reason = "there is no docker on PATH"
    else:
        found = subprocess.run([docker, "info"], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return
        reason = found.stderr.strip() or found.stdout.strip()
    pytest.fail(
        f"--cluster=kind needs a running Docker: {reason}\n"
        "Start Docker, or leave --cluster out: the default needs no container.",
        pytrace=False,
    )
