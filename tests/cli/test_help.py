"""`--help` answers at once, since it imports nothing of what the commands need for their work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What takes long to import, or leads to something that does.
_SLOW = {"aiohttp", "homelab_netpol.settings", "jinja2", "kopf", "kubernetes", "pydantic", "yaml"}

_IMPORTED = """
import contextlib, io, json, sys
from {package}.main import main
try:
    with contextlib.redirect_stdout(io.StringIO()):
        main(sys.argv[1:])
except SystemExit as end:
    print(json.dumps([end.code, *sys.modules]))
"""


def imported(package: str, *arguments: str) -> set[str]:
    """The modules that a command has imported when it has printed its help."""
    path = os.pathsep.join((str(ROOT / "operator"), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED.format(package=package), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, *modules = json.loads(done.stdout)
    assert status == 0
    return set(modules)


def printed(*arguments: str) -> str:
    """What `homelab-netpol` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "homelab_netpol", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "operator")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "arguments", ["--help", "-h", "--version", "run --help", "cleanup --help", "cleanup -h"]
)
def test_help_and_version_import_neither_frameworks_nor_the_operator(arguments: str) -> None:
    assert not imported("homelab_netpol.cli", *arguments.split()) & _SLOW


@pytest.mark.parametrize("command", ["", "demo", "build", "up", "down", "status"])
def test_help_of_the_lab_imports_neither_frameworks_nor_the_operator(command: str) -> None:
    assert not imported("lab.cli", *command.split(), "--help") & _SLOW


def test_the_operators_command_line_has_the_commands_that_it_needs_in_a_cluster() -> None:
    commands = printed("--help").partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in commands] == ["cleanup", "run"]
