"""Uninstalling: everything that the operator manages goes, and nothing else changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from lab.control_plane import ControlPlane, Lab
from tests.cluster.audited import HOME
from tests.cluster.kube import Kube, ccnp_path, cnp_path, eventually
from tests.cluster.service_account import install, operator_account, place, write_kubeconfig
from tests.cluster.spaces import DOMAIN, MANAGED_BY
from tests.cluster.watched import resync
from tests.running_operator import running_operator
from tests.uninstall import cleaning
from tests.uninstall.cleaning import SETTINGS, Snapshot, cleanup, managed, told

WORDS = f"/api/v1/namespaces/{HOME}/configmaps/homelab-netpol-vocabulary"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/homelab-netpol"
NO_DENY = {"ingress": False, "egress": False}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "uninstall.md"
LOOKS_LIKE_OURS = {
    ("CiliumNetworkPolicy", "team", "homelab-profile"),
    ("CiliumNetworkPolicy", "web", "my-copy"),
    ("CiliumClusterwideNetworkPolicy", "", "baseline-of-somebody-else"),
}


@pytest.mark.usefixtures("used")
def test_a_dry_run_lists_what_is_managed_and_what_looks_so_and_changes_nothing(
    before: Snapshot, kube: Kube, plane: ControlPlane
) -> None:
    standing = cleaning.everything(kube)
    assert standing.items() >= before.items()
    found = told(cleanup(plane.kubeconfig, "-o", "json"), 0)
    assert cleaning.everything(kube) == standing
    listed = {
        (row["kind"], row["namespace"], row["name"]): row["component"] for row in found["objects"]
    }
    assert listed == {
        **{
            key: item["metadata"]["labels"][f"{DOMAIN}/component"]
            for key, item in managed(kube).items()
        },
        ("Lease", HOME, "homelab-netpol"): "operator",
        ("ConfigMap", HOME, "homelab-netpol-vocabulary"): "operator",
    }
    assert {row["state"] for row in found["objects"]} == {"managed"}
    foreign = {(row["kind"], row["namespace"], row["name"]) for row in found["foreign"]}
    assert foreign == LOOKS_LIKE_OURS
    assert found["outcome"] == "planned"
    assert found["operator"] is None
    assert found["namespaces"]["openHatch"] == ["open"]
    # Those of apps, where the baselines deny; the platform's own, but for the exclusive resource's.
    denied = {"batch", "database", "default", "films", "open", "plain", "team", "web"}
    assert set(found["namespaces"]["denied"]) == denied
    assert set(found["namespaces"]["labelled"]) >= {"web", "batch", "films", "open", "team"}


@pytest.mark.usefixtures("used")
def test_a_dry_run_tells_people_what_it_would_mean(plane: ControlPlane) -> None:
    done = cleanup(plane.kubeconfig)
    assert done.returncode == 0, done.stderr
    assert "denies anything any more in 8 Namespaces (batch, database," in done.stdout
    assert "The escape hatch is open in 1 Namespace (open)." in done.stdout
    assert "CiliumNetworkPolicy homelab-profile in team: its name is" in done.stdout
    assert "With --yes all of this is removed." in done.stdout


@pytest.mark.usefixtures("used")
def test_afterwards_the_cluster_is_as_it_was_before_the_operator_came(
    before: Snapshot, kube: Kube, plane: ControlPlane
) -> None:
    # Somebody took our label off one policy, and both labels off another: they are ours still.
    one, both = cnp_path("batch", "homelab-profile"), cnp_path("films", "homelab-profile")
    kube.patch(one, {"metadata": {"labels": {MANAGED_BY: None}}})
    kube.patch(both, {"metadata": {"labels": {MANAGED_BY: None, f"{DOMAIN}/component": None}}})
    done = told(cleanup(plane.kubeconfig, "--yes", "--settle", "0", "-o", "json"), 0)
    assert done["outcome"] == "clean"
    assert {row["state"] for row in done["objects"]} == {"deleted"}
    assert cleaning.everything(kube) == before
    assert kube.get(LEASE) is None


@pytest.mark.usefixtures("used")
def test_the_job_that_the_documentation_shows_has_every_right_that_it_needs(
    before: Snapshot, kube: Kube, plane: ControlPlane, tmp_path: Path
) -> None:
    shown = PAGE.read_text(encoding="utf-8").partition("# cleanup.yaml\n")[2].partition("```")[0]
    *rights, job = yaml.safe_load_all(shown)
    install(kube, rights)
    account = job["spec"]["template"]["spec"]["serviceAccountName"]
    user = write_kubeconfig(kube, plane, account, tmp_path / "kubeconfig")
    assert told(cleanup(user, "--settle", "0", "-o", "json"), 0)["outcome"] == "planned"
    assert told(cleanup(user, "--yes", "--settle", "0", "-o", "json"), 0)["outcome"] == "clean"
    for document in rights:
        kube.delete(place(document))
    assert cleaning.everything(kube) == before


@pytest.mark.usefixtures("used")
def test_a_second_run_finds_nothing(before: Snapshot, kube: Kube, plane: ControlPlane) -> None:
    cleanup(plane.kubeconfig, "--yes", "--settle", "0")
    again = cleanup(plane.kubeconfig, "--yes", "--settle", "0")
    assert again.returncode == 0, again.stderr
    assert "Nothing that the operator manages is left." in again.stdout
    assert "there is nothing that the operator manages" in cleanup(plane.kubeconfig).stdout
    assert cleaning.everything(kube) == before


def test_it_refuses_while_an_operator_is_at_work(
    kube: Kube, plane: ControlPlane, account: Path
) -> None:
    with running_operator(account, SETTINGS) as operator:
        resync(operator)
        standing = cleaning.everything(kube)
        refused = told(cleanup(plane.kubeconfig, "--yes", "-o", "json"), 1)
        holder = (kube.get(LEASE) or {})["spec"]["holderIdentity"]
        assert refused["outcome"] == "refused"
        assert refused["operator"] == {"holder": holder, "lease": f"{HOME}/homelab-netpol"}
        text = cleanup(plane.kubeconfig)
        assert text.returncode == 0
        assert f"kubectl -n {HOME} scale deployment/homelab-netpol --replicas=0" in text.stdout
        assert cleaning.everything(kube) == standing


@pytest.mark.usefixtures("used")
def test_an_operator_that_crashed_does_not_hold_it_up_for_longer_than_its_lease(
    before: Snapshot, kube: Kube, plane: ControlPlane, account: Path
) -> None:
    election = {"enabled": True, "namespace": HOME, "leaseSeconds": 5}
    with running_operator(account, {**SETTINGS, "leaderElection": election}) as operator:
        operator.kill()
    assert (kube.get(LEASE) or {})["spec"]["holderIdentity"]
    done = cleanup(plane.kubeconfig, "--yes", "--settle", "0")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "looking for up to 5 s if it lives" in done.stderr
    assert cleaning.everything(kube) == before


@pytest.mark.usefixtures("used")
def test_an_operator_that_comes_back_meanwhile_is_noticed_before_anything_is_deleted(
    before: Snapshot, kube: Kube, plane: ControlPlane, account: Path
) -> None:
    standing = managed(kube).keys()
    baseline = ccnp_path("baseline-dns-egress")
    with subprocess.Popen(
        cleaning.command(plane.kubeconfig, "--yes", "--settle", "20", "-o", "json"),
        env=cleaning.environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def additive() -> bool:
            specs = (kube.get(baseline) or {})["specs"]
            return all(spec.get("enableDefaultDeny") == NO_DENY for spec in specs)

        eventually(additive, "the baselines to deny nothing any more")
        with running_operator(account, SETTINGS) as operator:
            eventually(lambda: not additive(), "the operator to put them right")
            stdout, _ = process.communicate(timeout=60)
            assert process.returncode == 1
            assert "is at work again" in stdout
            resync(operator)
    assert managed(kube).keys() == standing
    cleanup(plane.kubeconfig, "--yes", "--settle", "0")
    assert cleaning.everything(kube) == before


def test_an_operator_that_holds_no_lease_is_noticed_by_what_it_writes(
    plane: ControlPlane, kube: Kube, account: Path
) -> None:
    settings = {**SETTINGS, "leaderElection": {"enabled": False}}
    with running_operator(account, settings) as operator:
        resync(operator)
        done = told(cleanup(plane.kubeconfig, "--yes", "--settle", "0", "-o", "json"), 1)
        assert done["outcome"] == "incomplete"
        left = {row["reason"] for row in done["objects"] if row["state"] == "left"}
        assert "it was written again meanwhile: is there an operator that holds no Lease?" in left
        resync(operator)
        assert len(managed(kube)) > 20, "all of them again"


def test_it_works_without_the_crds_of_istio_and_of_ours(lab: Lab) -> None:
    with ControlPlane(lab=lab) as bare, operator_account(bare) as account:
        kube = Kube(bare.kubeconfig, bare.context)
        cleaning.furnish(kube, ours=False, istio=False)
        before = cleaning.still(kube)
        with running_operator(account, {**SETTINGS, "admission": {}}) as operator:
            resync(operator)
        assert managed(kube)
        done = cleanup(bare.kubeconfig, "--yes", "--settle", "0")
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert cleaning.everything(kube) == before
        kube.close()
