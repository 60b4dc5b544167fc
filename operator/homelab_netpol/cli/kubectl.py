"""`kubectl netpol`: the same command line as a plugin of kubectl's.

kubectl runs `kubectl-netpol` on PATH for `kubectl netpol`, and `kubectl_complete-netpol` for what
may come next on its command line.
"""

from __future__ import annotations

import sys

import click
from click.shell_completion import ShellComplete

from homelab_netpol.cli.main import main

_PROGRAM = "kubectl netpol"
# Cobra's directives, by which kubectl reads the answer: whether file names fit as well.
_FILES, _NO_FILES = 0, 4


def plugin() -> None:
    """The entry point of `kubectl-netpol`."""
    main(prog_name=_PROGRAM)


def complete() -> None:
    """The entry point of `kubectl_complete-netpol`: a line for each word that may come next.

    The last argument is what has been typed of it. The last line is a directive, as Cobra has it.
    """
    *words, incomplete = sys.argv[1:] or [""]
    found = ShellComplete(main, {}, _PROGRAM, "").get_completions(words, incomplete)
    directive = _NO_FILES
    for item in found:
        if item.type == "plain":
            click.echo(f"{item.value}\t{item.help}" if item.help else item.value)
        else:
            directive = _FILES
    click.echo(f":{directive}")
