"""The wheel, installed into an environment of its own, is complete."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Renders every template with every option; `-I` keeps this checkout out of the import path.
RENDER = """
import homelab_netpol
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.package_data import own_crds, data_folder
from homelab_netpol.policy.check_templates import check_templates
from homelab_netpol.settings import Settings
catalogue = Catalogue(Settings())
check_templates(catalogue)
print(data_folder("templates"), len(own_crds()))
print(",".join(catalogue.vocabulary.profiles))
"""


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd="/", check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_an_installed_wheel_renders_and_has_its_command(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "-q"]
    run(*uv, "venv", "--python", sys.executable, tmp_path / "venv")
    install: list[str | Path] = [*uv, "pip", "install", "--python", python]
    run(*install, "--require-hashes", "-r", ROOT / "requirements.lock")
    run(*install, "--no-deps", wheel)
    templates, crds, profiles = run(python, "-I", "-c", RENDER).split()
    assert Path(templates).is_relative_to(tmp_path)
    assert crds == "2"
    assert profiles == "internal,internal-egress,isolated,standard"
    bin_folder = tmp_path / "venv" / "bin"
    assert "Label a Namespace" in run(bin_folder / "homelab-netpol", "--help")
    assert "Label a Namespace" in run(bin_folder / "kubectl-netpol", "--help")
    assert "render" in run(bin_folder / "kubectl_complete-netpol", "ren")


def test_the_wheel_holds_the_operator_and_nothing_that_runs_in_a_checkout_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"homelab_netpol"}
    packages = {name.split("/")[1] for name in names if name.startswith("homelab_netpol/")}
    assert not packages & {"bench", "demo", "lab", "localcluster", "tests", "tools"}
    assert not [name for name in names if re.search(r"\.go$|(^|/)go\.(mod|sum)$", name)]
