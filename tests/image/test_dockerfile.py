"""What can be said of the Dockerfile by reading it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.image.conftest import ROOT
from tests.image.dockerfile import Stage

_DIGEST = re.compile(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}")


def test_hadolint_finds_nothing_and_nothing_is_hidden_from_it() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    dockerfile = ROOT / "Dockerfile"
    done = subprocess.run(
        [hadolint, "--no-color", dockerfile], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "hadolint ignore" not in dockerfile.read_text(encoding="utf-8")
    assert not (ROOT / ".hadolint.yaml").exists()


def test_every_stage_begins_with_the_same_image_named_by_version_and_digest(
    stages: tuple[Stage, ...],
) -> None:
    (base,) = {stage.base for stage in stages}
    assert _DIGEST.fullmatch(base)


def test_the_builder_is_sent_what_is_copied_and_nothing_else(stages: tuple[Stage, ...]) -> None:
    copied = {
        source
        for stage in stages
        for step in stage.all("COPY")
        if step.flag("from") is None
        for source in step.words()[:-1]
    }
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied


def test_what_is_installed_is_pinned_by_hash_or_is_our_wheel(stages: tuple[Stage, ...]) -> None:
    commands = [
        command
        for stage in stages
        for step in stage.all("RUN")
        for command in step.text.split("&&")
        if re.search(r"\bpip\b.* install\b", command)
    ]
    assert len(commands) == 3
    for command in commands:
        assert "--require-hashes" in command or ("--no-deps" in command and "--no-index" in command)


def test_what_builds_the_wheel_is_pinned_as_for_development() -> None:
    lines = {
        name: (ROOT / name).read_text(encoding="utf-8").splitlines()
        for name in ("requirements-build.lock", "requirements-dev.lock")
    }
    pinned = {line for line in lines["requirements-build.lock"] if "==" in line}
    assert pinned
    assert pinned <= set(lines["requirements-dev.lock"])


def test_it_names_what_it_is(stages: tuple[Stage, ...]) -> None:
    labels = dict(word.split("=", 1) for word in stages[-1].last("LABEL").words())
    names = ("title", "description", "licenses", "version", "revision", "source")
    assert set(labels) == {f"org.opencontainers.image.{name}" for name in names}
    arguments = {step.text.partition("=")[0] for step in stages[-1].all("ARG")}
    assert {value[1:] for value in labels.values() if value.startswith("$")} == arguments
