"""Changed settings reach a running operator by another apply, and policies stand meanwhile."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane, Lab
from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Spaces
from tests.install.pods import Pods
from tests.install.rendered import HOME, MANIFESTS, run, write_overlay
from tests.programs import kubectl

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/homelab-netpol"
ADDITIVE = {"ingress": False, "egress": False}


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[ControlPlane]:
    """A control plane with Cilium's CRDs."""
    with ControlPlane(lab=lab) as plane:
        yield plane


@pytest.fixture(scope="module")
def pods(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    """The operator, installed."""
    with Pods(plane, tmp_path_factory.mktemp("pods")) as pods:
        apply(plane, MANIFESTS / "base")
        yield pods


@pytest.fixture
def spaces(admin: Kube) -> Iterator[Spaces]:
    """Makes Namespaces, and takes them away after the test."""
    spaces = Spaces(admin)
    yield spaces
    spaces.clear()


def apply(plane: ControlPlane, folder: Path) -> None:
    """Applies a kustomization, and waits for the rollout."""
    run([*kubectl(plane), "apply", "-k", str(folder)])
    run([*kubectl(plane), *rollout_status(60)])


def rollout_status(seconds: int) -> list[str]:
    """What a person asks with, for so long."""
    return ["-n", HOME, "rollout", "status", f"deploy/{HOME}", f"--timeout={seconds}s"]


def holder(kube: Kube) -> str:
    """Which replica leads."""
    lease = kube.get(LEASE) or {}
    return str(lease["spec"]["holderIdentity"])


def dns_baseline(kube: Kube) -> Manifest:
    """Whether the DNS baseline switches on default deny, for the pods of any workload."""
    baseline = kube.ccnp("baseline-dns-egress") or {}
    rules = baseline.get("specs") or [baseline["spec"]]
    found: Manifest = rules[-1].get("enableDefaultDeny")
    return found


@pytest.mark.usefixtures("pods")
def test_a_component_that_is_added_takes_effect_and_no_policy_is_missing_meanwhile(
    plane: ControlPlane, admin: Kube, spaces: Spaces, tmp_path: Path
) -> None:
    app = spaces({PROFILE: "internal"})
    before = app.has(PROFILE_POLICY)["metadata"]["uid"]
    leader = holder(admin)
    assert dns_baseline(admin) != ADDITIVE
    apply(plane, _with_settings(tmp_path, "opened.yaml=defaultDeny: labelled"))
    eventually(lambda: holder(admin) not in ("", leader), "a new replica to lead")
    eventually(lambda: dns_baseline(admin) == ADDITIVE, "the new settings to be followed")
    assert app.has(PROFILE_POLICY)["metadata"]["uid"] == before, "it was never deleted"


def test_a_mistake_in_the_settings_stops_the_rollout_and_nothing_else(
    pods: Pods, plane: ControlPlane, spaces: Spaces, tmp_path: Path
) -> None:
    wrong = _with_settings(tmp_path, "mine.yaml=resyncSeconds: soon")
    run([*kubectl(plane), "apply", "-k", str(wrong)])
    eventually(lambda: "mine.yaml: resyncSeconds: " in pods.logs(), "the new Pod to say why")
    with pytest.raises(subprocess.CalledProcessError):
        run([*kubectl(plane), *rollout_status(3)])
    spaces({PROFILE: "isolated"}).has_profile("isolated")
    apply(plane, MANIFESTS / "base")
    spaces({PROFILE: "standard"}).has_profile("standard")


def _with_settings(folder: Path, literal: str) -> Path:
    """An overlay with a file of settings of its own."""
    overlay = write_overlay(folder, [])
    with (overlay / "kustomization.yaml").open("a") as kustomization:
        kustomization.write(f"""
configMapGenerator:
  - name: homelab-netpol-settings
    namespace: {HOME}
    behavior: merge
    literals: ["{literal}"]
""")
    return overlay
