"""Shells complete commands and options; kubectl runs the command line as its plugin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, path: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def on_path(tmp_path: Path) -> Path:
    """A folder with the commands that the package installs."""
    entries = {
        "homelab-netpol": "main:main",
        "kubectl-netpol": "kubectl:plugin",
        "kubectl_complete-netpol": "kubectl:complete",
    }
    for name, entry in entries.items():
        module, function = entry.split(":")
        script = tmp_path / name
        script.write_text(
            f"#!{sys.executable}\n"
            f"from homelab_netpol.cli.{module} import {function}\n"
            f"{function}()\n",
            encoding="utf-8",
        )
        script.chmod(0o755)
    return tmp_path


def test_bash_completes_commands_and_options_by_the_script(on_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    asked = (
        "source <(homelab-netpol completion bash)\n"
        "for typed in 'rend' 'test --ku' 'test -o j'; do\n"
        "  COMPREPLY=() COMP_WORDS=(homelab-netpol $typed) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
        "  _homelab_netpol_completion homelab-netpol\n"
        '  echo "${COMPREPLY[@]}"\n'
        "done\n"
    )
    answers = run(bash, "-c", asked, path=on_path).splitlines()
    assert answers == ["render", "--kustomize --kubeconfig", "junit json"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells_call_the_command_by_its_name(
    shell: str, on_path: Path
) -> None:
    script = run(on_path / "homelab-netpol", "completion", shell)
    assert "homelab-netpol" in script
    assert f"_HOMELAB_NETPOL_COMPLETE={shell}_complete" in script


def test_the_plugin_names_itself_as_it_is_called(on_path: Path) -> None:
    assert run(on_path / "kubectl-netpol", "render", "-h").startswith(
        "Usage: kubectl netpol render "
    )


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["rend"], ["render\tShow the policies that the operator would write.", ":4"]),
        (["test", "-o", "ju"], ["junit", ":4"]),
        # Cobra's directive 0: the names of files fit as well.
        (["render", "-f", ""], [":0"]),
        (["render", "nothing-like-it"], [":4"]),
    ],
)
def test_kubectl_gets_what_may_come_next_as_cobra_writes_it(
    typed: list[str], expected: list[str], on_path: Path
) -> None:
    assert run(on_path / "kubectl_complete-netpol", *typed).splitlines() == expected
