"""What the operator does while something that it needs is not there yet, or goes."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from lab.control_plane import Lab
from tests.cluster.audited import HOME, AuditedPlane
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kube import Kube, eventually, namespace_path
from tests.cluster.service_account import MANIFESTS, operator_account, user
from tests.cluster.spaces import PROFILE, Spaces
from tests.cluster.watched import logged, shows
from tests.programs import kubectl
from tests.running_operator import RunningOperator, running_operator

QUICK = {"resyncSeconds": 1, "requestTimeoutSeconds": 1}
ELECTED = {**QUICK, "leaderElection": {"enabled": True, "namespace": HOME, "leaseSeconds": 3}}
MESH = {"mesh": {"authorizationPolicies": True}}
CILIUM = ("ciliumnetworkpolicies.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io")
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[AuditedPlane]:
    """A control plane with Cilium's CRDs only, which the tests take away and put back."""
    with AuditedPlane(lab=lab) as plane:
        yield plane


@pytest.fixture(scope="module")
def kube(plane: AuditedPlane) -> Iterator[Kube]:
    """That control plane, as its administrator."""
    kube = Kube(plane.kubeconfig, plane.context)
    yield kube
    kube.close()


@pytest.fixture
def account(plane: AuditedPlane) -> Iterator[Path]:
    """A kubeconfig of the operator's service account."""
    with operator_account(plane, may_be_refused=True) as kubeconfig:
        yield kubeconfig


def says(operator: RunningOperator, *words: str) -> None:
    """Waits for /readyz to say why not, while /healthz finds no fault: nobody starts it again."""

    def look() -> bool:
        said = operator.not_ready_because()
        return all(word in said for word in words)

    eventually(look, f"/readyz to say {words}")
    assert operator.get("/healthz") == "ok\n"


@contextlib.contextmanager
def without_crds(kube: Kube, *names: str) -> Iterator[None]:
    """Takes CRDs away for the length of the block."""
    found = [kube.get(f"{CRDS}/{name}") for name in names]
    for name in names:
        kube.delete(f"{CRDS}/{name}")
    eventually(lambda: not any(kube.get(f"{CRDS}/{name}") for name in names), "them to be gone")
    yield
    for crd in found:
        assert crd is not None
        metadata = {"name": crd["metadata"]["name"]}
        kube.create(CRDS, {**crd, "metadata": metadata, "status": None})


@contextlib.contextmanager
def black_hole(port: int) -> Iterator[None]:
    """A port on loopback that answers nothing at all, as where a policy drops the packets.

    Linux drops what asks for a connection while as many as it may hold wait to be accepted.
    """
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield


def test_without_ciliums_crds_it_waits_and_begins_when_they_come(
    account: Path, kube: Kube, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "isolated"})
    with contextlib.ExitStack() as stack:
        with without_crds(kube, CILIUM[1]):
            with without_crds(kube, CILIUM[0]):
                settings = {**QUICK, **MESH}
                operator = stack.enter_context(
                    running_operator(account, settings, ready_seconds=None)
                )
                says(operator, "404", "Cilium's CRDs are not there: install Cilium")
                logged(operator, "cannot be listed yet", "install Cilium")
            # One of the two is not enough.
            says(operator, "404", "Cilium's CRDs are not there: install Cilium")
        operator.wait_ready()
        app.has_profile("isolated")
        # A request that had no answer is no reason to be not ready: it is made again.
        eventually(lambda: kube.ccnp("baseline-dns-egress") is not None, "the baseline")
        # It does without what is not Cilium's, and says so.
        logged(operator, "Istio's policies cannot be written", "are Istio's CRDs installed?")
        logged(operator, "CRD of NetworkProfile is not installed", "may be installed at any time")
        logged(operator, "CRD of SharedResource is not installed", "may be installed at any time")


@pytest.mark.parametrize("how", ["refused", "a black hole"])
def test_an_api_server_that_cannot_be_reached_is_waited_for(
    how: str, account: Path, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "isolated"})
    with contextlib.ExitStack() as stack, FaultyProxy(account) as proxy:
        server = yaml.safe_load(proxy.kubeconfig.read_text("utf-8"))["clusters"][0]["cluster"]
        port = urlsplit(server["server"]).port
        assert port is not None
        with proxy.away(), black_hole(port) if how != "refused" else contextlib.nullcontext():
            operator = stack.enter_context(
                running_operator(proxy.kubeconfig, QUICK, ready_seconds=None)
            )
            why = "Connect call failed" if how == "refused" else "no answer within 1 s"
            says(operator, "the cluster cannot be listed: no answer", why)
            logged(operator, "cannot be listed yet", "no answer")
        operator.wait_ready()
        app.has_profile("isolated")
        operator.stop()


def test_a_lease_that_cannot_be_held_is_why_it_is_not_ready(
    account: Path, plane: AuditedPlane
) -> None:
    election = {"enabled": True, "namespace": "kube-public", "leaseSeconds": 3}
    settings = {**QUICK, "leaderElection": election}
    with running_operator(account, settings, ready_seconds=None) as operator:
        says(operator, "the leader is not known: the Lease kube-public/homelab-netpol", "403")
        says(operator, 'cannot get resource "leases"', "see docs/rights.md")

        logged(operator, "The Lease could not be read")

        def asked() -> int:
            return sum(each.namespace == "kube-public" for each in plane.asked(user(HOME)))

        before = asked()
        eventually(lambda: asked() >= before + 3, "further attempts to read the Lease")
        assert operator.log.read_text().count("The Lease could not be read") == 1


def test_with_a_mistake_in_its_settings_a_new_one_ends_and_the_old_one_goes_on(
    account: Path, spaces: Spaces
) -> None:
    with running_operator(account, ELECTED) as old:
        shows(old, 1, "leader")
        mistaken = {**ELECTED, "defaultDeny": "none"}
        with running_operator(account, mistaken, ready_seconds=None) as new:
            eventually(lambda: not new.running, "it to end")
            logged(new, "settings.yaml: defaultDeny", "found 'none'")
            new.kill()
        app = spaces({PROFILE: "isolated"})
        app.has_profile("isolated")


def test_the_manifests_can_be_applied_before_cilium_and_again_after_it(
    plane: AuditedPlane, kube: Kube
) -> None:
    command = [*kubectl(plane), "apply", "-k", str(MANIFESTS / "base")]
    with without_crds(kube, *CILIUM):
        early = subprocess.run(command, capture_output=True, text=True, check=False)
        assert early.returncode != 0
        assert 'no matches for kind "CiliumNetworkPolicy"' in early.stderr
        assert kube.get(f"/apis/apps/v1/namespaces/{HOME}/deployments/{HOME}") is not None

    def applied() -> bool:
        later = subprocess.run(command, capture_output=True, text=True, check=False)
        return later.returncode == 0

    eventually(applied, "the API server to serve Cilium's kinds again")
    assert kube.cnp(HOME, HOME) is not None


def test_where_its_own_namespace_is_deleted_it_ends_and_the_policies_stay(
    account: Path, kube: Kube, spaces: Spaces
) -> None:
    app = spaces({PROFILE: "isolated"})
    with running_operator(account, ELECTED) as operator:
        shows(operator, 1, "leader")
        app.has_profile("isolated")
        kube.delete(namespace_path(HOME))
        eventually(lambda: not operator.running, "it to end")
        logged(operator, f"the Lease {HOME}/homelab-netpol could not be renewed")
        operator.kill()
    assert app.policy() is not None
    assert kube.ccnp("baseline-dns-egress") is not None
