"""Where flows come from: files, standard input, or `hubble` itself, as they arrive."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from homelab_netpol.cli.status import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from homelab_netpol.flows import Read

_CHUNK = 1 << 16
_PAUSE_SECONDS = 1.0
_STOP_SECONDS = 5.0
_MAX_SAID = 500
_GZIP = b"\x1f\x8b"
# Of zlib: a window of the largest size, with gzip's head and end.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class FlowInput:
    """Reads flows from somewhere.

    Attributes:
        ended: why it ended before its end, in words; "": it did not.
    """

    def __init__(self, files: Sequence[str], command: Sequence[str] = ()) -> None:
        """Prepares; nothing is read yet.

        Args:
            files: paths; `-` is standard input.
            command: of a program that prints flows, where no file is given.

        Raises:
            InputError: a file cannot be read.
        """
        self.ended = ""
        self._files = files
        self._command = command
        for each in files:
            if each != "-" and not os.path.exists(each):
                raise InputError(f"{each}: no such file")
            if each != "-" and os.path.isdir(each):
                raise InputError(f"{each}: a folder; name files of flows")
            if each != "-" and not os.access(each, os.R_OK):
                raise InputError(f"{each}: cannot be read: permission denied")

    @property
    def is_live(self) -> bool:
        """It may go on, and pause."""
        return not self._files or any(
            each == "-" or not os.path.isfile(each) for each in self._files
        )

    def chunks(self) -> Generator[bytes | None, None, None]:
        """What arrives; None: nothing has for a second."""
        if self._command:
            yield from self._of_command()
        for each in self._files:
            try:
                if each == "-":
                    yield from _unpacked(_read(sys.stdin.buffer))
                else:
                    with open(each, "rb", buffering=0) as file:
                        yield from _unpacked(_read(file))
            except OSError as error:
                self.ended = f"{each}: reading it ended early: {error.strerror or error}"
                return
            except zlib.error as error:
                self.ended = f"{each}: no whole gzip file, read as far as it goes: {error}"
            yield b"\n"

    def _of_command(self) -> Iterator[bytes | None]:
        with tempfile.TemporaryFile() as said:
            try:
                process = subprocess.Popen(  # found on PATH, its arguments are a list
                    self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
                )
            except OSError as error:
                self.ended = f"{self._command[0]} cannot be started: {error.strerror}"
                return
            with process:
                try:
                    if process.stdout is not None:
                        yield from _read(process.stdout)
                    status = process.wait()
                finally:
                    _stop(process)
            if status != 0:
                said.seek(0)
                words = said.read(_MAX_SAID).decode("utf-8", "replace").strip()
                self.ended = f"hubble ended with status {status}" + (f": {words}" if words else "")


def hubble_command(
    *,
    follow: bool,
    namespace: str | None = None,
    since: str | None = None,
    verdicts: Sequence[str] = (),
) -> list[str]:
    """How Hubble's own command is asked.

    Args:
        follow: go on until it is ended.
        namespace: only flows from or to its pods.
        since: what it still has since then, too; as it takes it.
        verdicts: only flows of these; none: of all.

    Raises:
        InputError: it is not on PATH.
    """
    hubble = shutil.which("hubble")
    if hubble is None:
        raise InputError(
            "no file is given, and hubble is not on PATH: install it (Cilium's documentation,"
            " Setting up Hubble), or give a file, or - for standard input"
        )
    command = [hubble, "observe", "--output", "json"]
    for verdict in verdicts:
        command += ["--verdict", verdict]
    if namespace is not None:
        command += ["--namespace", namespace]
    if follow:
        command.append("--follow")
    if since is not None or not follow:
        command += ["--since", since or "5m"]
    return command


def no_flows(read: Read) -> str:
    """What to say where nothing of what was read is a flow."""
    return (
        f"none of {read.unreadable + read.others:,} lines is a flow or a PacketDrop Event: give"
        " the output of hubble observe -o json, or of kubectl get events -o json"
    )


def moment_of(since: str) -> datetime | None:
    """The moment that `--since` means; None: before all time.

    Raises:
        InputError: it is neither a time nor a duration.
    """
    from datetime import UTC, datetime

    from homelab_netpol.intent.deadline import parse_deadline, parse_moment

    now = datetime.now(UTC)
    moment = parse_moment(since)
    if moment is not None:
        return moment
    after = parse_deadline(since, now)
    if after is None:
        raise InputError(f"--since {since}: write a duration, as in 5m or 1h30m, or a time")
    try:
        return now - (after - now)
    except OverflowError:
        return None


def _read(stream: IO[bytes]) -> Iterator[bytes | None]:
    """A stream's chunks as they come, whatever size they have."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):
        while chunk := stream.read(_CHUNK):
            yield chunk
        return
    while True:
        ready, _, _ = select.select([descriptor], [], [], _PAUSE_SECONDS)
        if not ready:
            yield None
            continue
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            return
        yield chunk


def _unpacked(chunks: Iterator[bytes | None]) -> Iterator[bytes | None]:
    """The same, unpacked if it is gzip: as rotated exports are. A piece at a time.

    Raises:
        zlib.error: it is damaged, or cut off.
    """
    first = next((each for each in chunks if each), b"")
    if not first.startswith(_GZIP):
        if first:
            yield first
        yield from chunks
        return
    rest, unpacking = first, zlib.decompressobj(wbits=_GZIP_WINDOW)
    while True:
        while rest:
            if unpacking.eof:  # files that were joined
                unpacking = zlib.decompressobj(wbits=_GZIP_WINDOW)
            yield unpacking.decompress(rest, _CHUNK)
            rest = unpacking.unconsumed_tail or unpacking.unused_data
        chunk = next(chunks, b"")
        if chunk == b"":
            break
        if chunk is None:
            yield None
        else:
            rest = chunk
    yield unpacking.flush()
    if not unpacking.eof:
        raise zlib.error("cut off")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a program that may still run."""
    if process.poll() is not None:
        return
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    if process.poll() is None:
        process.kill()
