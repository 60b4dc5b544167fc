"""The image run as its Deployment says: its arguments, directories, account, and no kubeconfig."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from lab.free_port import free_port
from tests.cluster.audited import HOME
from tests.cluster.kube import eventually
from tests.image.build import Image
from tests.image.container import Container, running

_BASE = Path(__file__).resolve().parents[2] / "manifests" / "base"
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_READY = "import urllib.request as it; it.urlopen('http://127.0.0.1:{port}/readyz', timeout=5)"


@pytest.fixture(scope="module")
def deployment() -> dict[str, Any]:
    """The Pod's specification in the Deployment of manifests/base."""
    documents = yaml.safe_load_all((_BASE / "deployment.yaml").read_text(encoding="utf-8"))
    (found,) = (each for each in documents if each["kind"] == "Deployment")
    specification: dict[str, Any] = found["spec"]["template"]["spec"]
    return specification


@pytest.fixture(scope="module")
def port() -> int:
    """Where the operator answers: 8080 may be taken on this machine."""
    return free_port()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, port: int) -> Path:
    """The settings of manifests/base as the ConfigMap shows them, but for where it answers."""
    given = yaml.safe_load((_BASE / "netpol.yaml").read_text(encoding="utf-8")) or {}
    server = {"address": "127.0.0.1", "port": port}
    return _directory(
        tmp_path_factory.mktemp("settings"),
        {"netpol.yaml": yaml.safe_dump({**given, "server": server})},
    )


@pytest.fixture(scope="module")
def credentials(account: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a Pod finds of its service account."""
    config = yaml.safe_load(account.read_text(encoding="utf-8"))
    files = {"namespace": HOME, "token": config["users"][0]["user"]["token"]}
    files["ca.crt"] = _authority(config["clusters"][0]["cluster"])
    return _directory(tmp_path_factory.mktemp("account"), files)


@pytest.fixture(scope="module")
def operator(
    image: Image,
    deployment: dict[str, Any],
    settings: Path,
    credentials: Path,
    account: Path,
    port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Container]:
    """The image with the Deployment's arguments and directories, as soon as it is ready."""
    (container,) = deployment["containers"]
    places = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert Path(places.pop("tmp")) == Path("/", "tmp")  # the Pod's own, made empty for it
    assert set(places) == {"settings"}
    config = yaml.safe_load(account.read_text(encoding="utf-8"))
    server = urlsplit(config["clusters"][0]["cluster"]["server"])
    variables = {
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
        "HEALTH_PORT": str(port),
    }
    with running(
        image,
        container["args"],
        tmp_path_factory.mktemp("run"),
        shown={places["settings"]: settings, _ACCOUNT: credentials},
        variables=variables,
    ) as operator:
        ready = ["python", "-c", _READY.format(port=port)]
        eventually(lambda: operator.inside(ready).returncode == 0, "the operator to be ready")
        yield operator


def _authority(cluster: Mapping[str, str]) -> str:
    if "certificate-authority" in cluster:
        return Path(cluster["certificate-authority"]).read_text(encoding="utf-8")
    return base64.b64decode(cluster["certificate-authority-data"]).decode()


def _directory(folder: Path, files: Mapping[str, str]) -> Path:
    """A directory of files that every user may read; what is above it matters not to a mount."""
    folder.chmod(0o755)
    for name, text in files.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    return folder
