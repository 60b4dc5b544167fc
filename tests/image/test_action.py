"""The GitHub Action, run as GitHub runs it: in a repository, with what the environment says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import BASH, SavedFile, steps
from tests.image.conftest import ROOT
from tests.tools import tool

_ACTION = ROOT / "action.yml"
_SHELLCHECK = Path(sys.executable).with_name("shellcheck")
_GIT = shutil.which("git") or "git"
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
_EXPRESSION = re.compile(r"\$\{\{ *([^}]*?) *\}\}")

_NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: photos
  labels: {{network-policy.homelab/profile: {profile}}}
"""
# As `gh` answers: no comment is there yet; what is written is kept.
_GH = """\
#!/bin/sh
echo "$@" >>"$GH_LOG"
for word in "$@"; do case $word in body=@*) cat "${word#body=@}" >>"$GH_LOG" ;; esac; done
"""


@dataclass
class Ran:
    """What a step came to."""

    status: int
    log: str
    summary: str
    outputs: dict[str, str]
    gh: str


class Repository:
    """A repository in which a pull request is reviewed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self._temp = folder / "temp"
        programs = folder / "bin"
        for each in (self.folder, self._temp, programs):
            each.mkdir()
        (programs / "gh").write_text(_GH, encoding="utf-8")
        (programs / "gh").chmod(0o755)
        self._path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        # Without the step that installs it, the interpreter of the tests.
        self._python = {"HOMELAB_NETPOL_PYTHON": sys.executable}
        self.git("init", "-q", "-b", "main")

    def install(self) -> Ran:
        """Runs the step that installs the operator, for those that follow."""
        self._python = {}
        return self.run(
            "Install homelab-netpol", {"steps.python.outputs.python-path": sys.executable}
        )

    def git(self, *arguments: str) -> str:
        """Runs git; what it prints."""
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            [_GIT, *who, *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str]) -> str:
        """Makes a commit of these files; its id."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def run(self, step: str, contexts: Mapping[str, str]) -> Ran:
        """Runs a step of the action."""
        files = {
            name: self._temp / name.lower()
            for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GH_LOG")
        }
        for path in files.values():
            path.write_text("", encoding="utf-8")
        [found] = [each for each in action()["runs"]["steps"] if each.get("name") == step]
        given = {key: resolved(value, contexts) for key, value in found["env"].items()}
        done = subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
            cwd=self.folder,
            env={
                "HOME": str(self._temp),
                "PATH": self._path,
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_REPOSITORY": "home/cluster",
                "RUNNER_TEMP": str(self._temp),
                **self._python,
                **{name: str(path) for name, path in files.items()},
                **given,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        read = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
        lines = (line.partition("=") for line in read["GITHUB_OUTPUT"].splitlines())
        return Ran(
            done.returncode,
            done.stdout + done.stderr,
            read["GITHUB_STEP_SUMMARY"],
            {key: value for key, _, value in lines},
            read["GH_LOG"],
        )


def action() -> dict[str, Any]:
    """What action.yml says."""
    found: dict[str, Any] = yaml.safe_load(_ACTION.read_text(encoding="utf-8"))
    return found


def resolved(text: str, contexts: Mapping[str, str]) -> str:
    """An entry of `env` with its expressions resolved: names, of which the first that is set."""

    def value(found: re.Match[str]) -> str:
        names = [name.strip() for name in found[1].split("||")]
        inputs = {f"inputs.{name}": one["default"] for name, one in action()["inputs"].items()}
        known = {**inputs, **contexts}
        return next((known[name] for name in names if known.get(name)), "")

    return _EXPRESSION.sub(value, text)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One with a Namespace whose profile the last commit widens."""
    made = Repository(tmp_path)
    made.commit({"apps/photos.yaml": _NAMESPACE.format(profile="internal")})
    made.commit({"apps/photos.yaml": _NAMESPACE.format(profile="standard")})
    return made


def test_what_a_pull_request_widens_is_in_the_summary_and_fails_the_check(
    repository: Repository,
) -> None:
    base = repository.git("rev-parse", "HEAD^")
    contexts = {
        "inputs.path": "apps",
        "inputs.fail-on": "widen",
        "github.event.pull_request.base.sha": base,
    }
    ran = repository.run("Compare", contexts)
    assert ran.status == 1, ran.log
    assert "+ gains egress to the internet on TCP 443" in ran.summary
    assert "`photos`" in ran.summary
    assert ran.outputs == {"widens": "true"}
    assert ran.gh == ""


def test_what_is_installed_is_all_that_the_comparison_needs(repository: Repository) -> None:
    ran = repository.install()
    assert ran.status == 0, ran.log
    ran = repository.run("Compare", {})
    assert ran.status == 0, ran.log
    assert "+ gains egress to the internet on TCP 443" in ran.summary


def test_what_only_narrows_passes_that_gate(repository: Repository) -> None:
    repository.commit({"apps/photos.yaml": _NAMESPACE.format(profile="isolated")})
    ran = repository.run("Compare", {"inputs.fail-on": "widen"})
    assert ran.status == 0, ran.log
    assert "- loses egress to the internet on TCP 443" in ran.summary
    assert ran.outputs == {"widens": "false"}
    ran = repository.run("Compare", {"inputs.fail-on": "any"})
    assert ran.status == 1, ran.log
    assert ran.outputs == {"widens": "false"}


def test_the_comment_is_written_once_and_without_a_gate_the_check_passes(
    repository: Repository,
) -> None:
    contexts = {"inputs.comment": "true", "github.event.pull_request.number": "7"}
    ran = repository.run("Compare", contexts)
    assert ran.status == 0, ran.log
    assert "--method POST repos/home/cluster/issues/7/comments" in ran.gh
    assert "<!-- homelab-netpol diff -->\n### Network access: 1 Namespace gains access" in ran.gh


def test_a_folder_and_settings_that_the_base_does_not_have_yet_are_new(
    repository: Repository,
) -> None:
    repository.commit(
        {
            "new/music.yaml": _NAMESPACE.format(profile="standard").replace("photos", "music"),
            "settings.yaml": "internet: {ports: [{port: 80}]}\n",
        }
    )
    contexts = {"inputs.path": "new", "inputs.config": "settings.yaml"}
    ran = repository.run("Compare", contexts)
    assert ran.status == 0, ran.log
    assert "+ gains egress to the internet on TCP 80" in ran.summary


def test_no_word_of_a_workflow_is_run_and_a_wrong_one_is_said(repository: Repository) -> None:
    for name in ("inputs.path", "inputs.base", "inputs.config", "inputs.exclude", "inputs.fail-on"):
        ran = repository.run("Compare", {name: "$(touch ran); touch ran; `touch ran`"})
        assert not (repository.folder / "ran").exists()
        assert ran.status == (0 if name == "inputs.exclude" else 2), ran.log
        if ran.status:
            assert "::error::" in ran.log
            assert ran.summary == ""


def test_no_module_of_the_repository_is_run(repository: Repository) -> None:
    for name in ("yaml", "click", "homelab_netpol"):
        (repository.folder / f"{name}.py").write_text("open('ran', 'w')\n", encoding="utf-8")
    ran = repository.run("Compare", {"inputs.path": "apps"})
    assert ran.status == 0, ran.log
    assert not (repository.folder / "ran").exists()


def test_no_expression_stands_in_a_script_and_what_others_wrote_is_pinned() -> None:
    steps = action()["runs"]["steps"]
    assert not [each for each in steps if "${{" in each.get("run", "")]
    text = _ACTION.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert all(_PINNED.fullmatch(each) for each in used)
    in_workflows = "".join(
        path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")
    )
    assert all(each in in_workflows for each in used), "another commit than in the workflows"


def test_actionlint_finds_nothing_in_the_workflow_that_the_page_shows(tmp_path: Path) -> None:
    [shown] = [
        each
        for each in steps("docs/review.md")
        if isinstance(each, SavedFile) and each.name.startswith(".github/workflows/")
    ]
    # Of an action of the same repository actionlint knows the inputs.
    text = re.sub(r"uses: homelab-netpol/homelab-netpol@\S+", "uses: ./", shown.content)
    assert text != shown.content
    shutil.copy(_ACTION, tmp_path)
    subprocess.run([_GIT, "init", "-q"], cwd=tmp_path, check=True)
    path = tmp_path / shown.name
    path.parent.mkdir(parents=True)
    for content, expected in ((text, 0), (text.replace("fail-on:", "fail-onn:"), 1)):
        path.write_text(content, encoding="utf-8")
        command = [str(tool("actionlint")), "-no-color", "-shellcheck", str(_SHELLCHECK)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stdout + done.stderr


def test_the_hooks_of_pre_commit_are_commands_that_there_are() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [each["id"] for each in hooks] == ["homelab-netpol-diff", "homelab-netpol-lint"]
    for hook in hooks:
        assert hook["language"] == "python"
        program, command = hook["entry"].split()
        assert program == "homelab-netpol"
        done = subprocess.run(
            [sys.executable, "-m", "homelab_netpol", command, *hook["args"]],
            cwd=ROOT / "manifests" / "examples",
            env={**os.environ, "PYTHONPATH": str(ROOT / "operator")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
