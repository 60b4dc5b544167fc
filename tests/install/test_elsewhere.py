"""A release in a namespace of another name works as well, with the rights that it brings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from lab.control_plane import ControlPlane
from tests.cluster.kube import Kube, Manifest, eventually
from tests.cluster.spaces import PROFILE, Spaces
from tests.cluster.watched import shows_none
from tests.install.rendered import CHART, HOME, SETTINGS, VALUES, helm, run
from tests.programs import kubectl
from tests.running_operator import RunningOperator, running_operator

ELSEWHERE = "network-policies"
_CORE = f"/api/v1/namespaces/{ELSEWHERE}"
_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{ELSEWHERE}/leases/{HOME}"
_VOCABULARY = f"{_CORE}/configmaps/homelab-netpol-vocabulary"


@pytest.fixture(scope="module")
def settings(plane: ControlPlane, admin: Kube) -> Manifest:
    """Installs the chart there, and returns the settings in its ConfigMap."""
    cluster = ["--kubeconfig", str(plane.kubeconfig), "--kube-context", plane.context]
    start = ["upgrade", "--install", HOME, str(CHART), "--namespace", ELSEWHERE]
    values = [VALUES["admission"], VALUES["monitoring"]]
    helm(*start, "--create-namespace", *cluster, values=values)
    found = admin.get(f"{_CORE}/configmaps/{SETTINGS}")
    assert found is not None
    written: Manifest = yaml.safe_load(found["data"]["netpol.yaml"])
    return written


@pytest.fixture(scope="module")
def operator(
    plane: ControlPlane, settings: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningOperator]:
    """The operator as its Pod there would run it: that account, those settings."""
    token = run([*kubectl(plane), "create", "token", HOME, "--namespace", ELSEWHERE]).strip()
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    path = tmp_path_factory.mktemp("account") / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    # Outside of a Pod the election is off unless one asks for it, and nothing says where one is.
    asked = {**settings, "leaderElection": {"enabled": True}, "inspectionSeconds": 1}
    with running_operator(
        path, asked, context=plane.context, environment={"POD_NAMESPACE": ELSEWHERE}
    ) as operator:
        yield operator


def test_labels_become_policies_and_what_the_operator_keeps_is_there(
    operator: RunningOperator, admin: Kube
) -> None:
    space = Spaces(admin).existing("app")
    space.label({PROFILE: "internal"})
    space.has_profile("internal")
    assert admin.get(_LEASE) is not None
    eventually(lambda: admin.get(_VOCABULARY), "the vocabulary to be written there")
    assert "orbidden" not in operator.log.read_text()


def test_it_is_a_platform_namespace_there_too(operator: RunningOperator, admin: Kube) -> None:
    vocabulary = eventually(lambda: admin.get(_VOCABULARY), "the vocabulary to be written there")
    assert ELSEWHERE in vocabulary["data"]["platformNamespaces"].split(",")
    space = Spaces(admin).existing(ELSEWHERE)
    assert set(space.policies()) == {HOME}
    shows_none(operator, "findings", namespace=ELSEWHERE)
