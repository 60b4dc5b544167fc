"""Uninstalling while things go wrong: what is left is told, harms nobody, and goes next time."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from lab.control_plane import ControlPlane
from tests.cluster import faults as wrong
from tests.cluster.audited import HOME
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kube import Kube, ccnp_path, cnp_path, eventually
from tests.cluster.service_account import install, operator_account, write_kubeconfig
from tests.uninstall import cleaning
from tests.uninstall.cleaning import Snapshot, cleanup, managed, told

QUICKLY = ("--yes", "--settle", "0", "-o", "json")
CHANGES = ("PUT", "DELETE")
MAY_READ = ("get", "list")
MAY_WRITE = (*MAY_READ, "update")
# Who runs the command, and what they may do with clusterwide policies; with all others, everything.
READS, WRITES = "reads-clusterwide", "writes-clusterwide"


pytestmark = pytest.mark.usefixtures("used")


@pytest.fixture(scope="module")
def account(plane: ControlPlane, kube: Kube) -> Iterator[Path]:
    """A kubeconfig of the operator's account; there are accounts with fewer rights, too."""
    with operator_account(plane, admission=True) as kubeconfig:
        install(kube, [*janitor(READS, MAY_READ), *janitor(WRITES, MAY_WRITE)])
        yield kubeconfig


@pytest.fixture
def proxy(plane: ControlPlane) -> Iterator[FaultyProxy]:
    """Between the command and the API server."""
    with FaultyProxy(plane.kubeconfig, plane.context) as proxy:
        yield proxy


def test_killed_at_any_moment_it_goes_on_where_it_was(
    before: Snapshot, kube: Kube, plane: ControlPlane, proxy: FaultyProxy
) -> None:
    counts = [len(managed(kube))]
    for through in (2, 5, 9, 9):
        with proxy.fault(after(through, wrong.hang), methods=CHANGES) as fault:
            kill_once(fault, through, proxy.kubeconfig)
        counts.append(len(managed(kube)))
    assert counts[0] == counts[1] > counts[-1] > 0, "some died writing, others deleting"
    told(cleanup(plane.kubeconfig, *QUICKLY), 0)
    assert cleaning.everything(kube) == before


def test_whoever_may_not_change_clusterwide_policies_changes_nothing(
    kube: Kube, plane: ControlPlane, tmp_path: Path, before: Snapshot
) -> None:
    user = write_kubeconfig(kube, plane, READS, tmp_path / "kubeconfig")
    standing = cleaning.everything(kube)
    done = told(cleanup(user, *QUICKLY), 1)
    assert cleaning.everything(kube) == standing
    assert done["outcome"] == "incomplete"
    assert "nothing was deleted" in done["stopped"]
    reasons = {row["name"]: row["reason"] for row in done["objects"] if row["state"] == "left"}
    assert "cannot update resource" in reasons["baseline-dns-egress"]
    assert reasons["homelab-profile"] == "it was not got to"
    told(cleanup(plane.kubeconfig, *QUICKLY), 0)
    assert cleaning.everything(kube) == before


def test_what_may_not_be_deleted_stays_without_denying_anything_and_is_told(
    kube: Kube, plane: ControlPlane, tmp_path: Path, before: Snapshot
) -> None:
    user = write_kubeconfig(kube, plane, WRITES, tmp_path / "kubeconfig")
    done = told(cleanup(user, *QUICKLY), 1)
    left = {row["name"]: row["reason"] for row in done["objects"] if row["state"] == "left"}
    names = {name for (_, _, name) in managed(kube)}
    # The Lease goes on telling that these have an owner.
    assert left.keys() - names == {"homelab-netpol", "homelab-netpol-vocabulary"}
    assert {kind for kind, _, _ in managed(kube)} == {"CiliumClusterwideNetworkPolicy"}
    for name in names:
        assert "cannot delete resource" in left[name]
        policy = kube.ccnp(name) or {}
        for spec in [policy.get("spec"), *policy.get("specs", ())]:
            off = {"ingress": False, "egress": False}
            assert spec is None or spec["enableDefaultDeny"] == off, name
    told(cleanup(plane.kubeconfig, *QUICKLY), 0)
    assert cleaning.everything(kube) == before


def test_somebody_elses_edit_on_the_way_holds_nothing_up(
    kube: Kube, proxy: FaultyProxy, before: Snapshot
) -> None:
    path = cnp_path("batch", "homelab-profile")

    async def edited_meanwhile(
        _: wrong.Fault, request: web.Request, forward: wrong.Forward
    ) -> web.StreamResponse:
        kube.patch(path, {"metadata": {"annotations": {"seen": str(time.time_ns())}}})
        return await forward(request)

    with proxy.fault(edited_meanwhile, methods=["PUT"], path=path, times=2) as edits:
        told(cleanup(proxy.kubeconfig, *QUICKLY), 0)
    assert edits.hits == 2
    assert cleaning.everything(kube) == before


def test_a_namesake_that_came_meanwhile_is_not_touched(
    kube: Kube, proxy: FaultyProxy, before: Snapshot
) -> None:
    path = cnp_path("batch", "homelab-profile")
    made: dict[str, Any] = {}

    async def replaced_meanwhile(
        _: wrong.Fault, request: web.Request, forward: wrong.Forward
    ) -> web.StreamResponse:
        kube.delete(path)
        body = cleaning.FOREIGN["squatted"][1]
        made.update(kube.create(cnp_path("batch"), body))
        return await forward(request)

    with proxy.fault(replaced_meanwhile, methods=["DELETE"], path=path, times=1):
        told(cleanup(proxy.kubeconfig, *QUICKLY), 0)
    assert kube.get(path) == made
    kube.delete(path)
    assert cleaning.everything(kube) == before


def test_an_api_server_that_is_busy_for_a_while_is_asked_again(
    kube: Kube, proxy: FaultyProxy, before: Snapshot
) -> None:
    with (
        proxy.fault(wrong.status(503), methods=CHANGES, times=5) as busy,
        proxy.fault(wrong.reset, methods=["DELETE"], path="homelab-profile", times=2) as gone,
        proxy.fault(wrong.carry_out_then_reset, methods=["DELETE"], times=3) as lost,
    ):
        told(cleanup(proxy.kubeconfig, *QUICKLY), 0)
        assert (busy.hits, gone.hits, lost.hits) == (5, 2, 3)
    assert cleaning.everything(kube) == before


def test_a_policy_that_a_finalizer_holds_is_told(
    kube: Kube, plane: ControlPlane, before: Snapshot
) -> None:
    path = ccnp_path("escape-hatch-allow-all")
    kube.patch(path, {"metadata": {"finalizers": ["example.com/hold"]}})
    done = told(cleanup(plane.kubeconfig, *QUICKLY), 1)
    [held] = [row for row in done["objects"] if row["state"] == "left"]
    assert held["name"] == "escape-hatch-allow-all"
    assert held["reason"] == "it is being deleted, and waits for finalizers: example.com/hold"
    kube.patch(path, {"metadata": {"finalizers": None}})
    told(cleanup(plane.kubeconfig, *QUICKLY), 0)
    assert cleaning.everything(kube) == before


def after(count: int, manner: wrong.Manner) -> wrong.Manner:
    """Misbehaves from a certain request on."""

    async def answer(
        fault: wrong.Fault, request: web.Request, forward: wrong.Forward
    ) -> web.StreamResponse:
        if fault.hits <= count:
            return await forward(request)
        return await manner(fault, request, forward)

    return answer


def kill_once(held: wrong.Fault, through: int, kubeconfig: Path) -> None:
    """Runs the command, and kills it (SIGKILL) when more requests than these have come."""
    with subprocess.Popen(
        cleaning.command(kubeconfig, *QUICKLY),
        env=cleaning.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        eventually(lambda: held.hits > through, "some to be done, and more to be asked")
        process.kill()


def janitor(name: str, clusterwide: tuple[str, ...]) -> list[dict[str, Any]]:
    """An account that may do everything here, but only so much with clusterwide policies."""
    group, whole = "rbac.authorization.k8s.io", [*MAY_WRITE, "delete"]
    everywhere = [
        ([""], ["namespaces"], ["list"]),
        ([""], ["configmaps"], ["get", "delete"]),
        (["coordination.k8s.io"], ["leases"], ["list", "delete"]),
        (["cilium.io"], ["ciliumnetworkpolicies"], whole),
        (["cilium.io"], ["ciliumclusterwidenetworkpolicies"], list(clusterwide)),
        (["security.istio.io"], ["authorizationpolicies", "peerauthentications"], whole),
    ]
    rules = [{"apiGroups": g, "resources": r, "verbs": v} for g, r, v in everywhere]
    version, named = f"{group}/v1", {"metadata": {"name": name}}
    binding = {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": HOME}],
    }
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", **named},
        {"apiVersion": version, "kind": "ClusterRole", **named, "rules": rules},
        {"apiVersion": version, "kind": "ClusterRoleBinding", **named, **binding},
    ]
