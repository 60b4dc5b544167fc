"""What an operator says of its own health, to the kubelet and to whoever looks into it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.cluster import hanging_operator
from tests.cluster.conftest import QUICK
from tests.cluster.hanging_operator import HANG_WHILE
from tests.cluster.kube import CCNP, CNP, Kube, eventually
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Spaces
from tests.running_operator import RunningOperator, running_operator

# A second is the least that the settings allow.
SETTINGS = {
    **QUICK,
    "server": {"aliveSeconds": 1, "debug": True},
    "logging": {"format": "json"},
}


@pytest.fixture(scope="module")
def hang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While this file is there, the operator that got SIGUSR2 hangs."""
    return tmp_path_factory.mktemp("health") / "hang"


@pytest.fixture(scope="module")
def operator(account: Path, kube: Kube, hang: Path) -> Iterator[RunningOperator]:
    """The operator, whose loop can be made to hang."""
    with running_operator(
        account,
        SETTINGS,
        environment={HANG_WHILE: str(hang)},
        # -P: what lies beside the program is not to be found by the operator's imports.
        program=("-P", hanging_operator.__file__),
    ) as operator:
        yield operator


def said(operator: RunningOperator, path: str) -> tuple[int, str]:
    """The status and the text of a page."""
    try:
        return 200, operator.get(path)
    except HTTPError as error:
        return error.code, error.read().decode()


def state(operator: RunningOperator) -> Any:
    """What the debug page shows."""
    return json.loads(operator.get("/debug/state"))


def test_an_operator_whose_loop_hangs_is_not_alive_and_not_ready_until_it_turns_again(
    operator: RunningOperator, hang: Path, spaces: Spaces
) -> None:
    eventually(lambda: said(operator, "/healthz") == (200, "ok\n"), "/healthz to be content")
    hang.touch()
    try:
        os.kill(operator.pid, signal.SIGUSR2)
        eventually(lambda: said(operator, "/healthz")[0] == 503, "/healthz to find fault")
        assert "the event loop has not turned for" in said(operator, "/healthz")[1]
        assert said(operator, "/readyz") == (503, "not ready: the event loop does not turn\n")
    finally:
        hang.unlink()
    eventually(lambda: said(operator, "/healthz") == (200, "ok\n"), "/healthz to be content")
    eventually(lambda: said(operator, "/readyz") == (200, "ok\n"), "/readyz to be content")
    spaces({PROFILE: "internal"}).has_profile("internal")


def test_the_debug_page_counts_what_there_is_and_lists_what_has_to_be_done(
    operator: RunningOperator, spaces: Spaces, kube: Kube
) -> None:
    squatted = spaces()
    squatted.write(PROFILE_POLICY)
    squatted.label({PROFILE: "internal"})

    def delayed() -> Any:
        return next(
            (
                key
                for key in state(operator)["queue"]["keys"]
                if key["name"] == squatted.name and key["state"] == "delayed"
            ),
            None,
        )

    key = eventually(delayed, "the namespace whose policy cannot be written to be queued again")
    assert key["scope"] == "namespace"
    assert key["failures"] >= 1
    assert key["dueInSeconds"] <= 120

    def counts() -> bool:
        caches = state(operator)["caches"]
        managed = "labelSelector=app.kubernetes.io/managed-by%3Dhomelab-netpol"
        policies = sum(len(kube.items(f"/apis/cilium.io/v2/{k}?{managed}")) for k in (CNP, CCNP))
        namespaces = len(kube.items("/api/v1/namespaces"))
        return (caches["namespaces"], caches["policies"]) == (namespaces, policies)

    eventually(counts, "the caches to hold what is in the cluster")
    shown = state(operator)
    assert {watch["name"] for watch in shown["watches"]} >= {"namespaces", CNP, CCNP}
    assert all(watch["staleBecause"] is None for watch in shown["watches"])
    assert (shown["leader"], shown["notReadyBecause"]) == (True, None)
    assert shown["loop"]["stoppedSeconds"] == 0


def test_there_is_no_debug_page_unless_the_settings_ask_for_it(account: Path) -> None:
    with running_operator(account, QUICK) as operator:
        assert said(operator, "/debug/state")[0] == 404


def test_a_json_log_says_of_a_reconcile_which_namespace_what_came_of_it_and_how_long_it_took(
    operator: RunningOperator, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "internal"})

    def reconciled() -> Any:
        lines = operator.log.read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines]
        about = [entry for entry in entries if entry.get("namespace") == app.name]
        return next((entry for entry in about if entry["reason"] == "Reconciled"), None)

    entry = eventually(reconciled, f"a line about {app.name}")
    assert set(entry) == {"time", "level", "message", "namespace", "reason", "seconds"}
    assert entry["seconds"] >= 0
