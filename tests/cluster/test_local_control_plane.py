"""What the local control plane promises: it serves, it can be broken on purpose, and it goes away.

These tests start planes of their own, so they run with the default `--cluster=local` only.
"""

import contextlib
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from lab.control_plane import (
    ControlPlane,
    ExistingCluster,
    Lab,
    RefusedError,
    programs,
)
from lab.control_plane.errors import LocalClusterError, ProcessDiedError
from tests.cluster.lab_processes import (
    ROOT,
    eventually,
    is_clean,
    owner_of_a_plane,
    processes_of,
)

POLICIES = "/apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ciliumnetworkpolicies.cilium.io"


pytestmark = pytest.mark.usefixtures("only_with_local_clusters")


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[ControlPlane]:
    """A plane that these tests may break, unlike that of the session."""
    with ControlPlane(lab=lab) as plane:
        yield plane


def policy(name: str, **spec: object) -> dict[str, object]:
    metadata = {"name": name, "namespace": "default"}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
    return {**kind, "metadata": metadata, "spec": {"endpointSelector": {}, **spec}}


def test_policies_are_served_and_checked_with_the_schema_of_cilium(plane: ControlPlane) -> None:
    assert plane.api.request("POST", POLICIES, policy("good", egress=[{}])).status == 201
    refused = plane.api.request("POST", POLICIES, policy("bad", egress=[{"toPorts": "all"}]))
    assert refused.status == 422
    assert plane.api.watch_status(POLICIES) == 200


def test_istios_policies_are_served_when_asked_for_and_checked_with_its_schema(lab: Lab) -> None:
    path = "/apis/security.istio.io/v1/namespaces/default/authorizationpolicies"

    def authorization(name: str, **spec: object) -> dict[str, object]:
        kind = {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"}
        return {**kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec}

    with ControlPlane(lab=lab, istio=True) as plane:
        ports = [{"to": [{"operation": {"ports": ["5432"]}}]}]
        good = authorization("good", action="ALLOW", rules=ports)
        assert plane.api.request("POST", path, good).status == 201
        bad = authorization("bad", action="PERHAPS", rules=ports)
        assert plane.api.request("POST", path, bad).status == 422
        strict = {
            "apiVersion": "security.istio.io/v1",
            "kind": "PeerAuthentication",
            "metadata": {"name": "default", "namespace": "default"},
            "spec": {"mtls": {"mode": "STRICT"}},
        }
        peers = "/apis/security.istio.io/v1/namespaces/default/peerauthentications"
        assert plane.api.request("POST", peers, strict).status == 201


WIDGET_CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Cluster
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object}}
"""


def test_crds_can_be_installed_later_and_are_served_at_once(plane: ControlPlane) -> None:
    widgets = "/apis/example.org/v1/widgets"
    assert plane.api.request("GET", widgets).status == 404
    for _ in range(2):  # those that exist are no error
        plane.install_crds([yaml.safe_load(WIDGET_CRD)])
    assert plane.api.watch_status(widgets) == 200


def test_crds_that_an_api_server_would_refuse_are_refused_by_name(plane: ControlPlane) -> None:
    metadata = {"name": "gadgets.example.org"}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    broken = {**kind, "metadata": metadata, "spec": {"group": "example.org"}}
    with pytest.raises(LocalClusterError, match=r"refuses CRD gadgets\.example\.org"):
        plane.install_crds([broken])


def test_kubectl_can_use_the_kubeconfig_as_it_is(plane: ControlPlane) -> None:
    with ExistingCluster(plane.kubeconfig, plane.context) as same:
        assert same.server == plane.server
        assert same.versions()["kubernetes"] == plane.versions()["kubernetes"]


def test_the_controllers_bring_the_deletion_of_a_namespace_to_an_end(plane: ControlPlane) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "short-lived"}}
    assert plane.api.request("POST", "/api/v1/namespaces", namespace).status == 201
    path = "/api/v1/namespaces/short-lived"
    assert plane.api.request("DELETE", path).status == 200
    assert eventually(lambda: plane.api.request("GET", path).status == 404)


def test_an_api_server_that_was_killed_comes_back_with_its_objects(plane: ControlPlane) -> None:
    plane.api.request("POST", POLICIES, policy("kept", egress=[{}]))
    plane.restart_apiserver()
    assert plane.api.request("GET", f"{POLICIES}/kept").status == 200


def test_a_component_that_died_is_reported_with_the_end_of_its_log(lab: Lab) -> None:
    broken = ControlPlane(lab=lab, apiserver_flags=["--no-such-flag"])
    with pytest.raises(ProcessDiedError, match=r"kube-apiserver ended(.|\n)*no-such-flag"):
        broken.start()
    assert not processes_of(broken.data_dir)
    assert not broken.data_dir.exists()


def test_nothing_is_left_whatever_ends_the_owner(tmp_path: Path, lab: Lab) -> None:
    endings = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
    with contextlib.ExitStack() as stack:
        owners = []
        for ending in endings:  # three planes at once do not get in each other's way either
            directory = tmp_path / ending.name
            directory.mkdir()
            owners.append((directory, stack.enter_context(owner_of_a_plane(directory, lab))))
        for (directory, owner), ending in zip(owners, endings, strict=True):
            assert owner.stdout is not None
            assert owner.stdout.readline() == "ready\n"
            assert len(processes_of(directory)) >= 3
            owner.send_signal(ending)
            owner.wait()
            assert eventually(partial(is_clean, directory)), ending


def test_nothing_is_left_of_a_start_that_was_killed(tmp_path: Path, lab: Lab) -> None:
    with owner_of_a_plane(tmp_path, lab) as owner:
        assert eventually(lambda: any(" kube-apiserver " in p for p in processes_of(tmp_path)))
        owner.kill()
        owner.wait()
        assert eventually(lambda: is_clean(tmp_path))


def test_nothing_is_left_after_an_exception(lab: Lab) -> None:
    class TestError(Exception):
        pass

    with pytest.raises(TestError), ControlPlane(lab=lab) as plane:
        raise TestError
    assert not processes_of(plane.data_dir)
    assert not plane.data_dir.exists()


def test_a_port_that_was_taken_meanwhile_is_replaced(
    lab: Lab, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = [plane.ports]
    choose = programs.free_ports
    monkeypatch.setattr(
        "lab.control_plane.plane.free_ports", lambda: taken.pop() if taken else choose()
    )
    with ControlPlane(lab=lab) as second:
        assert not taken
        assert second.server != plane.server
        assert second.api.request("GET", POLICIES).status == 200


def test_kept_data_is_there_for_the_next_plane(tmp_path: Path, lab: Lab) -> None:
    with ControlPlane(lab=lab, data_dir=tmp_path / "data", keep_data=True) as first:
        first.api.request("POST", POLICIES, policy("kept", egress=[{}]))
    assert not processes_of(tmp_path)
    with ControlPlane(lab=lab, data_dir=tmp_path / "data") as second:
        assert second.api.request("GET", f"{POLICIES}/kept").status == 200
    assert is_clean(tmp_path)


def test_a_directory_with_other_things_in_it_is_not_taken_as_data(tmp_path: Path, lab: Lab) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(LocalClusterError, match="holds something else"):
        ControlPlane(lab=lab, data_dir=tmp_path).start()
    assert (tmp_path / "thesis.txt").exists()


def test_kubebuilder_assets_come_before_the_lab_binary_each_on_its_own(
    tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Wrappers that do not exec, so that what they start must be found and ended too.
    binary = shlex.quote(str(lab.binary))
    scripts = {
        "kube-apiserver": f'{binary} kube-apiserver "$@"',
        "etcd": f"""
            for flag in "$@"; do case $flag in
                --data-dir=*) data=$flag ;;
                --listen-client-urls=*) client=${{flag##*:}} ;;
                --listen-peer-urls=*) peer=${{flag##*:}} ;;
            esac; done
            {binary} etcd "$data" --client-port="$client" --peer-port="$peer"
        """,
    }
    for name, script in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with ControlPlane(lab=lab) as plane:
        assert plane.etcd.command[0] == str(tmp_path / "etcd")
        assert plane.apiserver.command[0] == str(tmp_path / "kube-apiserver")
        assert plane.controller_manager.command[0] == str(lab.binary)
        assert plane.api.request("GET", POLICIES).status == 200
    assert not processes_of(plane.data_dir)


def test_kubebuilder_assets_that_are_not_there_are_an_error(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", "/no/such/directory")
    with pytest.raises(LocalClusterError, match="KUBEBUILDER_ASSETS names /no/such/directory"):
        ControlPlane(lab=lab).start()


def test_an_existing_cluster_without_the_crds_is_refused_and_left_alone(
    plane: ControlPlane, lab: Lab
) -> None:
    plane.api.request("DELETE", CRD)
    assert eventually(lambda: plane.api.request("GET", CRD).status == 404)
    with pytest.raises(RefusedError, match=r"has no ciliumnetworkpolicies\.cilium\.io: install"):
        ExistingCluster(plane.kubeconfig, plane.context).start()
    assert plane.api.request("GET", CRD).status == 404
    with ExistingCluster(plane.kubeconfig, plane.context, install_crds=True, lab=lab) as same:
        assert same.api.request("GET", POLICIES).status == 200
    assert plane.api.request("GET", CRD).status == 200


def test_an_existing_cluster_is_never_guessed(plane: ControlPlane, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="has no context 'production'; it has: homelab-netpol"):
        ExistingCluster(plane.kubeconfig, "production").start()
    with pytest.raises(RefusedError, match="there is no kubeconfig"):
        ExistingCluster(tmp_path / "absent", "production").start()


@pytest.mark.parametrize("given", [[], ["--cluster-context=x"], ["--cluster-kubeconfig=x"]])
def test_the_tests_use_an_existing_cluster_only_if_it_is_named_in_full(given: list[str]) -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "--cluster=kubeconfig", *given]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == pytest.ExitCode.USAGE_ERROR
    assert "it must be named in full" in found.stderr
