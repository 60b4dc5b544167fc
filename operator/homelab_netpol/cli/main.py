"""The `homelab-netpol` command.

The modules of the commands import click and nothing else at their top; what a command needs to do
its work, it imports when it runs. So no `--help` waits for Kopf and the Kubernetes client, whose
imports take over a second.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import click
from click.shell_completion import add_completion_class

from homelab_netpol import __version__
from homelab_netpol.cli.audit import audit
from homelab_netpol.cli.check import check
from homelab_netpol.cli.cleanup import cleanup
from homelab_netpol.cli.complete_shells import BashComplete, FishComplete
from homelab_netpol.cli.completion import completion
from homelab_netpol.cli.detect import detect
from homelab_netpol.cli.diagnose import diagnose
from homelab_netpol.cli.diff import diff
from homelab_netpol.cli.doctor import doctor
from homelab_netpol.cli.explain import explain
from homelab_netpol.cli.lint import lint
from homelab_netpol.cli.preflight import preflight
from homelab_netpol.cli.recommend import recommend
from homelab_netpol.cli.render import render
from homelab_netpol.cli.run import run
from homelab_netpol.cli.scaffold import scaffold
from homelab_netpol.cli.status import InputError
from homelab_netpol.cli.test import test
from homelab_netpol.cli.version import version
from homelab_netpol.cli.watch_change import watch_change

# What a full or broken disk says; of a reader that went away click makes a quiet end itself.
_NOT_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class _Commands(click.Group):
    """The commands, each of which may find that what it prints has no room."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that is asked for."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno not in _NOT_WRITTEN:
                raise
            raise InputError(f"the output cannot be written: {error.strerror}") from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="homelab-netpol")
def main() -> None:
    """Label a Namespace and walk away: Cilium network policies from Namespace labels."""
    _ensure_home()


add_completion_class(BashComplete)
add_completion_class(FishComplete)
main.add_command(audit)
main.add_command(check)
main.add_command(cleanup)
main.add_command(completion)
main.add_command(detect)
main.add_command(diagnose)
main.add_command(diff)
main.add_command(doctor)
main.add_command(explain)
main.add_command(lint)
main.add_command(preflight)
main.add_command(recommend)
main.add_command(render)
main.add_command(run)
main.add_command(scaffold)
main.add_command(test)
main.add_command(version)
main.add_command(watch_change)


def _ensure_home() -> None:
    """Sets HOME if there is no home directory, as the Kubernetes client asks for one on import.

    A Pod may run as a user without an entry in /etc/passwd, where Python looks without HOME.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/nonexistent"
