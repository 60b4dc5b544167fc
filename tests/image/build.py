"""Builds the image from its Dockerfile, step by step, without a container engine.

The steps are the Dockerfile's own, word by word. One thing differs: the base is not the image that
FROM names but this machine's file system, with its Python as `python`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tests.image import rootfs
from tests.image.dockerfile import Stage, Step, read

_TAIL = 4000
# The Python of the base.
BASE_PYTHON = Path(sys.base_prefix).resolve() / "bin" / "python"
# What a base image has as its PATH; the Dockerfile puts its own in front.
_PATH = f"{BASE_PYTHON.parent}:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# How this machine reaches the package index.
_REACH = ("PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# A Debian Python refuses to be installed into; the Python of the real base does not.
_BASE_VARIABLES = {"PATH": _PATH, "PIP_BREAK_SYSTEM_PACKAGES": "1"}


@dataclass(frozen=True, slots=True)
class Image:
    """What came out.

    Attributes:
        layer: what it adds to this machine's file system.
        stage: the last stage of the Dockerfile.
        variables: that ENV sets, and PATH.
        built: the layer of each stage, by name.
    """

    layer: Path
    stage: Stage
    variables: Mapping[str, str]
    built: Mapping[str, Path]


def build(dockerfile: Path, context: Path, work: Path) -> Image:
    """Follows a Dockerfile.

    Args:
        dockerfile: to follow.
        context: the directory that COPY reads from.
        work: an empty directory.
    """
    built: dict[str, Path] = {}
    for stage in read(dockerfile.read_text(encoding="utf-8")):
        layer = work / f"stage-{stage.name or 'image'}"
        _make_base(layer)
        builder = _Builder(context, built, layer, work / f"{layer.name}-scratch")
        for step in stage.steps:
            builder.follow(step)
        built[stage.name] = layer
    return Image(layer, stage, builder.variables, built)


class _Builder:
    """One stage: what its steps have led to so far."""

    def __init__(
        self, context: Path, built: Mapping[str, Path], layer: Path, scratch: Path
    ) -> None:
        self.variables: dict[str, str] = {"PATH": _PATH}
        self._context = context
        self._built = built
        self._layer = layer
        self._scratch = scratch
        self._arguments: dict[str, str] = {}
        self._folder = PurePosixPath("/")

    def follow(self, step: Step) -> None:
        """Does what an instruction says; those that only describe the image do nothing now."""
        if step.name == "WORKDIR":
            self._folder = self._folder / step.words()[0]
            self._inside(self._folder).mkdir(parents=True, exist_ok=True)
        elif step.name == "ENV":
            self.variables.update(self._assigned(step))
        elif step.name == "ARG":
            self._arguments.update(self._assigned(step))
        elif step.name == "COPY":
            self._copy(step)
        elif step.name == "RUN":
            self._run(step)

    def _inside(self, path: PurePosixPath) -> Path:
        return self._layer / path.relative_to("/")

    def _assigned(self, step: Step) -> dict[str, str]:
        pairs = (word.split("=", 1) for word in step.words())
        return {key: value.replace("$PATH", self.variables["PATH"]) for key, value in pairs}

    def _copy(self, step: Step) -> None:
        *sources, target = step.words()
        stage = step.flag("from")
        home = self._context if stage is None else self._built[stage]
        place = self._inside(self._folder / target)
        into = target.endswith("/")
        for source in sources:
            origin = home / source.lstrip("/")
            if origin.is_dir():
                shutil.copytree(origin, place, symlinks=True, dirs_exist_ok=True)
            else:
                goal = place / origin.name if into else place
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(origin, goal)

    def _run(self, step: Step) -> None:
        reach = {key: it for key, it in os.environ.items() if key.upper().startswith(_REACH)}
        variables = {**_BASE_VARIABLES, **reach, **self._arguments, **self.variables}
        shell = ["/bin/sh", "-c", step.text]
        command = [*rootfs.environment(variables, str(self._folder)), *shell]
        line = rootfs.changing(self._layer, self._scratch, command)
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        said = f"{done.stdout}{done.stderr}"[-_TAIL:]
        assert done.returncode == 0, f"RUN {step.text}\n{said}"


def _make_base(layer: Path) -> None:
    """Has every user reach this machine's Python, by the name that it has in the real base."""
    for folder in reversed(BASE_PYTHON.parents[:-1]):
        (layer / folder.relative_to("/")).mkdir(parents=True)
    if not BASE_PYTHON.exists():
        (layer / BASE_PYTHON.relative_to("/")).symlink_to(f"python3.{sys.version_info.minor}")
