"""Exit statuses, the same for every command, and the errors that end one."""

from __future__ import annotations

import re
from typing import IO, Any

import click

# The answer is yes, or nothing was found.
OK = 0
# The answer is no: something was found, denied, or would get wider; or the work failed.
FOUND = 1
# The command line, the settings or the input cannot be used; nothing was answered.
USAGE = 2
# The cluster could not be read, or only in part: an answer, if there is one, is of that part.
INCOMPLETE = 3


# Characters by which a text from a file could move the cursor, colour a terminal or turn a line.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """A text without what a terminal would obey: each such character as its number."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


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
