"""How a start goes wrong: the API server is away, or its answers are; and how it goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import faults as wrong
from tests.cluster.conftest import QUICK
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import PROFILE, Spaces
from tests.cluster.watched import logged, shows
from tests.running_operator import running_operator

CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
AUDITED = {"policy-audit-mode": "true"}


@pytest.fixture
def proxy(account: Path, kube: Kube) -> Iterator[FaultyProxy]:
    """Stands between the operator and the API server."""
    with FaultyProxy(account) as proxy:
        yield proxy


def test_an_operator_started_while_the_api_server_is_away_waits_and_says_why(
    proxy: FaultyProxy, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})
    with (
        proxy.fault(wrong.status(503, "ServiceUnavailable")) as away,
        running_operator(proxy.kubeconfig, QUICK, ready_seconds=None) as operator,
    ):
        eventually(lambda: away.hits, "the operator to ask")
        eventually(lambda: "cannot be listed" in operator.not_ready_because(), "/readyz to say why")
        logged(operator, "The cluster cannot be listed yet", "503")
        away.stop()
        operator.wait_ready()
        app.has_profile("internal")


def test_an_operator_that_waits_for_the_api_server_can_be_stopped(proxy: FaultyProxy) -> None:
    with (
        proxy.fault(wrong.hang) as away,
        running_operator(proxy.kubeconfig, QUICK, ready_seconds=None) as operator,
    ):
        eventually(lambda: away.hits, "the operator to ask")
        operator.stop()


def test_ciliums_configuration_holds_nothing_up_while_it_is_not_answered_for(
    proxy: FaultyProxy, spaces: Spaces, kube: Kube
) -> None:
    kube.create(CONFIG_MAPS, {"metadata": {"name": "cilium-config"}, "data": AUDITED})
    settings = {**QUICK, "inspectionSeconds": 1, "requestTimeoutSeconds": 1}
    app = spaces({PROFILE: "isolated"})
    stalled = contextlib.ExitStack()
    try:
        fault = stalled.enter_context(proxy.fault(wrong.hang, path="/configmaps/"))
        with running_operator(proxy.kubeconfig, settings) as operator:
            assert fault.hits
            app.has_profile("isolated")
            shows(operator, 0, "enforcement_known")
            assert operator.get("/readyz") == "ok\n"
            stalled.close()
            shows(operator, 1, "enforcement_impaired", reason="AuditMode")
    finally:
        stalled.close()
        kube.delete(f"{CONFIG_MAPS}/cilium-config")
