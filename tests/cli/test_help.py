"""`--help` answers at once, since it imports nothing of what the commands need for their work."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from homelab_netpol.cli.main import main
from tools.cli_reference import commands

ROOT = Path(__file__).resolve().parents[2]

COMMANDS = dict(commands(main, "homelab-netpol"))
# What takes long to import, or leads to something that does.
_SLOW = {
    *("aiohttp", "homelab_netpol.settings", "jinja2", "kopf", "kubernetes", "orjson", "pydantic"),
    *("rich", "yaml"),
}

_IMPORTED = """
import contextlib, io, json, sys
from {package}.main import main
worst = 0
for arguments in json.loads(sys.argv[1]):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            main(arguments)
    except SystemExit as end:
        worst = worst or end.code
print(json.dumps([worst, *sys.modules]))
"""


def imported(package: str, *arguments: str, each_by_itself: bool = False) -> set[str]:
    """The modules that a command has imported when it has printed its help.

    Args:
        package: of the command line.
        arguments: of one command; or of several, each in one text.
        each_by_itself: they are several.
    """
    asked = [each.split() for each in arguments] if each_by_itself else [arguments]
    path = os.pathsep.join((str(ROOT / "operator"), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED.format(package=package), json.dumps(asked)],
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


@pytest.mark.parametrize("arguments", ["--help", "-h", "--version", "run --help", "cleanup -h"])
def test_help_and_version_import_neither_frameworks_nor_the_operator(arguments: str) -> None:
    assert not imported("homelab_netpol.cli", *arguments.split()) & _SLOW


def test_no_commands_help_imports_a_framework_or_the_operator() -> None:
    """One process for all of them: what any imports is there in the end."""
    every = [" ".join([*path.split()[1:], "--help"]) for path in COMMANDS]
    assert not imported("homelab_netpol.cli", *every, each_by_itself=True) & _SLOW


@pytest.mark.parametrize("command", ["", "demo", "build", "up", "down", "status"])
def test_help_of_the_lab_imports_neither_frameworks_nor_the_operator(command: str) -> None:
    assert not imported("lab.cli", *command.split(), "--help") & _SLOW


def test_the_operators_command_line_has_the_commands_that_it_needs_in_a_cluster() -> None:
    commands = printed("--help").partition("Commands:\n")[2].splitlines()
    assert {"cleanup", "run"} <= {line.split()[0] for line in commands}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_says_in_short_what_it_does_shows_an_example_and_its_statuses(
    path: str,
) -> None:
    command = COMMANDS[path]
    assert command.short_help, "a line for the list of commands"
    assert command.short_help.endswith(".")
    text = inspect.cleandoc(command.help or "")
    as_they_are = [each for each in text.split("\n\n") if each.startswith("\b\n")]
    assert any(path in each for each in as_they_are), "an example, after a line with \\b alone"
    assert "Exit status: " in text
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.opts
