"""Exit statuses, the same for every command, and the errors that end one."""

from __future__ import annotations

from typing import IO, Any

import click

from homelab_netpol.printable import printable

# The answer is yes, or nothing was found.
OK = 0
# The answer is no: something was found, denied, or would get wider; or the work failed.
FOUND = 1
# The command line, the settings or the input cannot be used; nothing was answered.
USAGE = 2
# The cluster could not be read, or only in part: an answer, if there is one, is of that part.
INCOMPLETE = 3


class _Failure(click.ClickException):
    """Ends a command."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints each problem on a line of its own."""
        for line in self.message.splitlines():
            click.echo(f"Error: {printable(line)}", file=file, err=file is None)


class InputError(_Failure):
    """The input or the settings cannot be used."""

    exit_code = USAGE


class ClusterError(_Failure):
    """The cluster could not be read."""

    exit_code = INCOMPLETE
