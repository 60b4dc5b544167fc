"""The workflows are right as far as can be known without running them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.image.conftest import ROOT
from tests.tools import tool

_WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_SCRIPTS = sorted(
    path
    for folder in (".ci", "tests/e2e")
    for path in (ROOT / folder).iterdir()
    if path.read_bytes().startswith(b"#!/bin/sh")
)
_SHELLCHECK = Path(sys.executable).with_name("shellcheck")
_PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# What somebody else may choose: a title, a branch's name, a message.
_FOREIGN = re.compile(r"\$\{\{[^}]*github\.(?:event\.|head_ref)")


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in _WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            yield f"{path.name}: {name}", job


def test_actionlint_and_shellcheck_find_nothing_in_the_workflows() -> None:
    flags = ["-no-color", "-shellcheck", str(_SHELLCHECK)]
    command = [str(tool("actionlint")), *flags, *map(str, _WORKFLOWS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_shellcheck_finds_nothing_in_the_scripts() -> None:
    done = subprocess.run([_SHELLCHECK, *_SCRIPTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert len(_SCRIPTS) > 3


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.name)
def test_what_others_wrote_is_pinned_by_commit_and_gets_no_more_than_it_needs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    uses = [line.strip().removeprefix("- ") for line in text.splitlines() if "uses: " in line]
    foreign = [line for line in uses if not line.startswith("uses: ./")]
    assert [line for line in foreign if not _PINNED.fullmatch(line)] == []
    # YAML 1.1 reads the key `on` as true.
    assert "pull_request_target" not in workflow[True]
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    assert not _FOREIGN.search(re.sub(r"^concurrency:\n(?:  .*\n)+", "", text, flags=re.MULTILINE))


@pytest.mark.parametrize(("name", "job"), list(jobs()), ids=lambda value: str(value)[:40])
def test_every_job_names_its_rights_and_ends_in_time(name: str, job: dict[str, Any]) -> None:
    assert job["permissions"], name
    assert "uses" in job or job["timeout-minutes"] <= 90, name
    checkouts = [each for each in job.get("steps", ()) if "checkout@" in each.get("uses", "")]
    assert all(each["with"]["persist-credentials"] is False for each in checkouts), name


def test_one_commit_of_an_action_is_used_everywhere() -> None:
    used = set(re.findall(r"uses: (\S+)@(\S+)", "".join(p.read_text("utf-8") for p in _WORKFLOWS)))
    names = [name for name, _ in used]
    assert len(names) == len(set(names))
