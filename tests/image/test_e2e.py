"""What the end to end test expects of real packets is what Cilium's engine says of the policies.

The cluster of tests/e2e needs Docker. Here its manifest goes to the local API server, the operator
writes its policies, and the engine is asked instead of the wire.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.control_plane import Cluster, Engine, Flow, Identity
from tests.cluster.kube import CCNP, CNP, Kube, eventually, namespace_path
from tests.cluster.spaces import ENFORCEMENT, Space
from tests.image.conftest import ROOT
from tests.programs import kubectl
from tests.running_operator import RunningOperator, running_operator

_E2E = ROOT / "tests" / "e2e"
_DNS = "kube-system/coredns"


@pytest.fixture(scope="module")
def homelab(cluster: Cluster, kube: Kube) -> Iterator[list[dict[str, Any]]]:
    """The Namespaces, Pods and Services of the end to end test."""
    assert kube
    path = _E2E / "homelab.yaml"
    apply = [*kubectl(cluster), "apply", "--validate=strict", "-f", str(path)]
    done = subprocess.run(apply, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    yield list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    subprocess.run([*kubectl(cluster), "delete", "--wait=false", "-f", str(path)], check=True)


@pytest.fixture(scope="module")
def operator(homelab: list[dict[str, Any]], account: Path) -> Iterator[RunningOperator]:
    """The operator, with the settings that the manifests give it."""
    assert homelab
    files = (ROOT / "manifests" / "base" / "netpol.yaml", _E2E / "closed.yaml")
    settings = {k: v for file in files for k, v in yaml.safe_load(file.read_text("utf-8")).items()}
    with running_operator(account, settings) as operator:
        yield operator


def expected(name: str) -> list[tuple[str, str, int, bool]]:
    lines = (_E2E / name).read_text(encoding="utf-8").splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    return [
        (source, target, int(port), {"allowed": True, "denied": False}[wanted])
        for source, target, port, wanted in words
    ]


def identities(homelab: list[dict[str, Any]], kube: Kube) -> dict[str, Identity]:
    found = {_DNS: Identity.pod("kube-system", {"k8s-app": "kube-dns"})}
    for pod in homelab:
        if pod["kind"] == "Pod":
            metadata = pod["metadata"]
            namespace = kube.get(namespace_path(metadata["namespace"]))
            assert namespace is not None
            labels = namespace["metadata"]["labels"]
            found[f"{metadata['namespace']}/{metadata['name']}"] = Identity.pod(
                metadata["namespace"], metadata.get("labels"), labels
            )
    return found


def flows(source: str, target: str, port: int) -> list[Flow]:
    """The flows that a connection takes; to one by name, the question for it too."""
    if "/" in target:
        return [Flow(source, target, port)]
    pod, namespace, *_ = target.split(".")
    return [Flow(source, _DNS, 53, "UDP"), Flow(source, f"{namespace}/{pod}", port)]


def judged(
    engine: Engine, kube: Kube, homelab: list[dict[str, Any]], name: str
) -> list[tuple[str, str, int, bool]]:
    engine.identities(identities(homelab, kube))
    policies = [item for kind in (CNP, CCNP) for item in kube.items(f"/apis/cilium.io/v2/{kind}")]
    assert engine.policies(policies) == []
    return [
        (source, target, port, all(v.allowed for v in engine.verdicts(flows(source, target, port))))
        for source, target, port, _ in expected(name)
    ]


def test_the_cluster_has_the_versions_of_the_local_control_plane() -> None:
    lab = ROOT / "lab" / "go" / "go.mod"
    required = dict(re.findall(r"^\t(\S+) v(\S+)$", lab.read_text("utf-8"), re.MULTILINE))
    up = (_E2E / "up").read_text(encoding="utf-8")
    assert re.findall(r"^cilium=(.+)$", up, re.MULTILINE) == [required["github.com/cilium/cilium"]]
    minor = required["k8s.io/kubernetes"].rpartition(".")[0]
    kind = yaml.safe_load((_E2E / "kind.yaml").read_text(encoding="utf-8"))
    for node in kind["nodes"]:
        assert node["image"].startswith(f"kindest/node:v{minor}.")


@pytest.mark.usefixtures("operator")
def test_packets_are_expected_to_go_as_ciliums_engine_says(
    engine: Engine, kube: Kube, homelab: list[dict[str, Any]]
) -> None:
    worker = Space(kube, "worker")
    assert judged(engine, kube, homelab, "expected") == expected("expected")
    worker.label({ENFORCEMENT: "disabled"})
    worker.has("homelab-escape-hatch")
    found = judged(engine, kube, homelab, "expected-hatch")
    assert found == expected("expected-hatch")
    worker.label({ENFORCEMENT: None})
    worker.lacks("homelab-escape-hatch")
    eventually(
        lambda: judged(engine, kube, homelab, "expected") == expected("expected"),
        "the flows to be as before",
    )
