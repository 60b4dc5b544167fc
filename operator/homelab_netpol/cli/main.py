"""The `homelab-netpol` command. Each command is imported when it runs, so that --help is quick."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import click

from homelab_netpol import __version__

_COMMANDS = {
    "run": ("homelab_netpol.cli.run", "run"),
    "cleanup": ("homelab_netpol.cli.cleanup", "cleanup"),
    "local": ("lab.cli.control_plane", "local"),
    "demo": ("lab.cli.demo", "demo"),
}


class _LazyGroup(click.Group):
    """Knows its commands by name, and imports one only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        _settle_home()
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


def _settle_home() -> None:
    """Sees to it that there is a home directory to ask for, as the Kubernetes client does at once.

    The user of a Pod may have no entry in /etc/passwd, where it would look without HOME.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/nonexistent"


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="homelab-netpol")
def main() -> None:
    """Label a Namespace and walk away: Cilium network policies from Namespace labels."""
