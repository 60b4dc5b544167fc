"""The image, built once, and run as its Deployment says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import account, kube, spaces
from tests.image import rootfs
from tests.image.as_deployed import credentials, deployment, operator, port, settings
from tests.image.build import Image, build
from tests.image.dockerfile import Stage, read

__all__ = [
    "account",
    "context",
    "credentials",
    "deployment",
    "image",
    "kube",
    "operator",
    "port",
    "settings",
    "spaces",
    "stages",
]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def stages() -> tuple[Stage, ...]:
    """What the Dockerfile says."""
    return read((ROOT / "Dockerfile").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def context(stages: tuple[Stage, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `docker build .` would send: what the Dockerfile copies, and nothing else."""
    folder = tmp_path_factory.mktemp("context")
    unwanted = shutil.ignore_patterns("__pycache__", ".mypy_cache")
    for stage in stages:
        for step in stage.all("COPY"):
            for source in step.words()[:-1] if step.flag("from") is None else ():
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, folder / source, ignore=unwanted)
                else:
                    shutil.copy2(ROOT / source, folder / source)
    return folder


@pytest.fixture(scope="session")
def image(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image, built by the Dockerfile's own steps."""
    rootfs.required()
    work = tmp_path_factory.mktemp("image")
    yield build(ROOT / "Dockerfile", context, work)
    # Some 300 MB, of which pytest would keep three.
    shutil.rmtree(work)
