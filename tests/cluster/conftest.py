"""Fixtures of the scenarios: one cluster for all, one operator a module, Namespaces each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.control_plane import Cluster, Engine
from tests.cluster.cilium_config import delete_cilium_config, write_quick_identities
from tests.cluster.definitions import Definitions
from tests.cluster.judged import Setup
from tests.cluster.kube import CCNP, CNP, Kube
from tests.cluster.service_account import operator_account
from tests.cluster.spaces import Space, Spaces
from tests.cluster.workloads import Workloads
from tests.running_operator import RunningOperator, running_operator

PLATFORM = ("database", "cache", "garage", "istio-gateway", "istio-system", "monitoring")

# A second is the least that the settings allow; tests that must see nothing happen wait for it.
QUICK: Mapping[str, Any] = {"resyncSeconds": 1}


@pytest.fixture(scope="session")
def kube(cluster: Cluster) -> Iterator[Kube]:
    """The cluster, seen without the operator; the operator's policies go at the end."""
    kube = Kube(cluster.kubeconfig, cluster.context)
    spaces = Spaces(kube)
    for name in PLATFORM:
        spaces.existing(name)
    yield kube
    managed = "labelSelector=app.kubernetes.io/managed-by%3Dhomelab-netpol"
    for kind in (CNP, CCNP):
        for item in kube.items(f"/apis/cilium.io/v2/{kind}?{managed}"):
            metadata = item["metadata"]
            within = f"namespaces/{metadata['namespace']}/" if kind == CNP else ""
            kube.delete(f"/apis/cilium.io/v2/{within}{kind}/{metadata['name']}")
    kube.close()


@pytest.fixture(scope="session")
def only_with_local_clusters(request: pytest.FixtureRequest) -> None:
    """For tests that start control planes of their own, whatever cluster `--cluster` names."""
    if request.config.getoption("cluster") != "local":
        # A run against a named cluster asks about that one; they would repeat the local run.
        pytest.skip("not about the cluster that --cluster names")


@pytest.fixture(scope="session")
def account(cluster: Cluster, kube: Kube) -> Iterator[Path]:
    """A kubeconfig of the operator's service account, with the rights of manifests/base."""
    with operator_account(cluster) as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="module")
def quick_identities(kube: Kube) -> Iterator[None]:
    """Cilium's ConfigMap says that identities change without delay."""
    write_quick_identities(kube)
    yield
    delete_cilium_config(kube)


@pytest.fixture(scope="module")
def operator(request: pytest.FixtureRequest, account: Path) -> Iterator[RunningOperator]:
    """The operator, for all tests of a module; `SETTINGS` in the module adds to its settings."""
    settings = {**QUICK, **getattr(request.module, "SETTINGS", {})}
    with running_operator(account, settings) as operator:
        yield operator


@pytest.fixture
def spaces(kube: Kube) -> Iterator[Spaces]:
    """Makes Namespaces, and takes them away after the test."""
    spaces = Spaces(kube)
    yield spaces
    spaces.clear()


@pytest.fixture
def database(spaces: Spaces) -> Space:
    """The namespace of the shared resource `postgres`."""
    return spaces.existing("database")


@pytest.fixture
def definitions(kube: Kube) -> Iterator[Definitions]:
    """Makes custom resources, and takes them away after the test."""
    definitions = Definitions(kube)
    yield definitions
    definitions.clear()


@pytest.fixture
def workloads(kube: Kube) -> Iterator[Workloads]:
    """Makes pods and Services, and takes them away after the test."""
    workloads = Workloads(kube)
    yield workloads
    workloads.clear()


@pytest.fixture
def setup(
    spaces: Spaces,
    definitions: Definitions,
    workloads: Workloads,
    operator: RunningOperator,
    kube: Kube,
    engine: Engine,
) -> Setup:
    """All of these, for scenarios that need them together."""
    return Setup(spaces, definitions, workloads, operator, kube, engine)
