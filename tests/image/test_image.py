"""What the Dockerfile's own steps lead to: what is in it, and how it runs on a real API server.

One module, so that one worker builds the image, once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from homelab_netpol import __version__
from lab.free_port import free_port
from tests.cluster.audited import HOME
from tests.cluster.kube import Kube
from tests.cluster.spaces import PROFILE, Spaces
from tests.image.build import BASE_PYTHON, Image
from tests.image.conftest import ROOT
from tests.image.container import Container, once
from tests.image.dockerfile import Stage

_LIST = """
import importlib.metadata, json
print(json.dumps({each.name: each.version for each in importlib.metadata.distributions()}))
"""
_BYTE_CODE = """
import json, os, sys
import click
from homelab_netpol.cli.main import main
try:
    main.main(["run", "--config", "/no/such/file"], standalone_mode=False)
except click.ClickException:
    pass  # after everything was imported
modules = [each for each in sys.modules.values() if getattr(each, "__cached__", None)]
ours = [each for each in modules if each.__file__.startswith("/opt/homelab-netpol/")]
print(json.dumps([each.__name__ for each in ours if not os.path.exists(each.__cached__)]))
"""


def said_by(image: Image, scratch: Path, *command: str) -> str:
    done = once(image, command, scratch)
    assert done.returncode == 0, done.stderr
    return done.stdout


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]
    wanted = [each for each in pinned if each.marker is None or each.marker.evaluate()]
    return {each.name: str(each.specifier).removeprefix("==") for each in wanted}


def normal(names: dict[str, str]) -> dict[str, str]:
    return {name.lower().replace("_", "-").replace(".", "-"): it for name, it in names.items()}


def test_it_holds_the_locked_packages_and_the_operator_and_no_other(
    image: Image, tmp_path: Path
) -> None:
    found = json.loads(said_by(image, tmp_path, "python", "-c", _LIST))
    assert normal(found) == {**normal(locked()), "homelab-netpol": __version__}


@pytest.mark.parametrize("module", ["pip", "ensurepip"])
def test_nothing_that_installs_is_left(image: Image, tmp_path: Path, module: str) -> None:
    for python in ("python", str(BASE_PYTHON)):
        done = once(image, [python, "-m", module, "--version"], tmp_path)
        assert done.returncode == 1, python
        assert f"No module named {module}" in done.stderr


def test_it_says_its_version_as_the_user_it_runs_as(image: Image, tmp_path: Path) -> None:
    (entrypoint,) = image.stage.last("ENTRYPOINT").exec_form()
    assert said_by(image, tmp_path, entrypoint, "--version").split()[-1] == __version__


def test_what_run_imports_is_there_as_byte_code(image: Image, tmp_path: Path) -> None:
    missing = json.loads(said_by(image, tmp_path, "python", "-c", _BYTE_CODE))
    # The only package of which the Dockerfile leaves modules out.
    assert [name for name in missing if not name.startswith("kubernetes.")] == []


def test_no_file_of_it_can_be_changed_by_its_user(image: Image, tmp_path: Path) -> None:
    owner = f"-uid {image.stage.last('USER').text.split(':')[0]}"
    search = f"find /opt/homelab-netpol \\( {owner} -o -perm -0002 \\) ! -type l"
    assert said_by(image, tmp_path, "/bin/sh", "-c", search) == ""


def test_the_same_sources_give_the_same_wheel(
    image: Image, stages: tuple[Stage, ...], context: Path, tmp_path: Path
) -> None:
    (built,) = (image.built["wheel"] / "dist").glob("*.whl")
    for path in context.rglob("*"):
        path.touch()
    epoch = next(
        step.text.partition("=")[2]
        for step in stages[0].all("ARG")
        if step.text.startswith("SOURCE_DATE_EPOCH=")
    )
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=context,
        env={"SOURCE_DATE_EPOCH": epoch},
        check=True,
        capture_output=True,
    )
    assert (tmp_path / built.name).read_bytes() == built.read_bytes()


def test_a_label_becomes_a_policy(operator: Container, spaces: Spaces) -> None:
    assert operator.pid
    spaces({PROFILE: "isolated"}).has_profile("isolated")


def test_it_leads_by_the_lease_of_its_namespace(operator: Container, kube: Kube) -> None:
    lease = kube.get(f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{HOME}")
    assert lease is not None, operator.tail()
    assert lease["spec"]["holderIdentity"]


def test_it_is_process_1_of_an_unprivileged_user_with_no_capability(
    operator: Container, image: Image, deployment: dict[str, Any]
) -> None:
    status = operator.status()
    user = image.stage.last("USER").text.split(":")
    assert status["NSpid"].split()[-1] == "1"
    assert status["Uid"].split() == [user[0]] * 4
    assert status["Gid"].split() == [user[1]] * 4
    assert status["Groups"] == ""
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities], 16) == 0, capabilities
    assert status["NoNewPrivs"] == "1"
    assert deployment["securityContext"]["runAsUser"] == int(user[0])


def test_nothing_can_be_written_but_tmp_and_nothing_is(operator: Container) -> None:
    for place in ("/", "/opt/homelab-netpol", "/etc/homelab-netpol", "/var"):
        refused = operator.inside(["/bin/sh", "-c", f": > {place}/new"])
        assert refused.returncode != 0, place
        assert "Read-only file system" in refused.stderr or "denied" in refused.stderr
    assert operator.inside(["/bin/sh", "-c", "ls -A /tmp"]).stdout == ""
    # Nor is there a file that was removed from its directory and is still open.
    open_files = Path(f"/proc/{operator.pid}/fd").iterdir()
    assert [path for path in map(os.readlink, open_files) if path.endswith(" (deleted)")] == []


def test_the_health_check_is_content_while_it_runs(operator: Container, image: Image) -> None:
    done = operator.inside(image.stage.last("HEALTHCHECK").exec_form(), _health_port(operator))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_health_check_finds_fault_where_nothing_answers(
    operator: Container, image: Image
) -> None:
    nobody = {"HEALTH_PORT": str(free_port())}
    done = operator.inside(image.stage.last("HEALTHCHECK").exec_form(), nobody)
    assert done.returncode == 1
    assert "ConnectionRefusedError" in done.stderr


def test_sigterm_ends_it_with_status_0_though_it_is_process_1(operator: Container) -> None:
    """The last test of the module: it ends what the others look at."""
    assert operator.stop() == 0, operator.tail()
    assert "Traceback" not in operator.log.read_text(encoding="utf-8")


def _health_port(operator: Container) -> Mapping[str, str]:
    variables = Path(f"/proc/{operator.pid}/environ").read_bytes().decode().split("\0")
    return dict(each.split("=", 1) for each in variables if each.startswith("HEALTH_PORT="))
