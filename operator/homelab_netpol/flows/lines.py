"""Divides a stream into documents of JSON, of which none may fill the memory. Pure.

Hubble writes a document a line; `kubectl` and `jq` write one over many lines, of which the first is
`{` and the last `}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

#: A flow has some kilobytes, a list of Events some megabytes.
MAX_BYTES = 64 * 1024 * 1024
_MAX_LINE = 1024 * 1024


def documents(chunks: Iterable[bytes | None]) -> Iterator[bytes | None]:
    """The documents of a stream.

    Args:
        chunks: what arrives; None: nothing has for a moment.

    Yields:
        Each document, and None where nothing has arrived. One that is too large is cut, so that it
        is no JSON.
    """
    joined = _Joined()
    for line in _lines(chunks):
        if line is None:
            yield None
        else:
            yield from joined.add(line)
    yield from joined.end()


def _lines(chunks: Iterable[bytes | None]) -> Iterator[bytes | None]:
    rest = b""
    for chunk in chunks:
        if chunk is None:
            yield None
            continue
        # What is longer than a line may be is not kept: only that there was one.
        *whole, last = chunk.split(b"\n")
        if whole:
            yield rest + whole[0]
            yield from whole[1:]
            rest = b""
        rest = rest + last if len(rest) < _MAX_LINE else rest
    if rest:
        yield rest


class _Joined:
    """Joins the lines of a document."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._bytes = 0

    def add(self, line: bytes) -> Iterator[bytes]:
        """A further line; yields what is complete by it."""
        if not self._lines:
            if line.rstrip() == b"{":
                self._keep(line)
            elif line.strip():
                yield line
            return
        # Hubble's own lines begin and end with a brace: what was open before them was cut off.
        if line.startswith(b"{"):
            yield from self.end()
            yield from self.add(line)
            return
        self._keep(line)
        if line.startswith(b"}"):
            yield from self.end()

    def end(self) -> Iterator[bytes]:
        """The last document, if its end did not come."""
        if self._lines:
            document = b"\n".join(self._lines)
            self._lines, self._bytes = [], 0
            yield document

    def _keep(self, line: bytes) -> None:
        self._bytes += len(line)
        if self._bytes <= MAX_BYTES:
            self._lines.append(line)
