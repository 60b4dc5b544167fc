"""The operator's log: how a line looks, and that writing it never delays the event loop.

Lines are written by a thread of their own: a full disk, a slow one, or a pipe without a reader
costs lines, which are counted, and no time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import Empty, SimpleQueue

from homelab_netpol.settings import Logging

# What callers may attach to a line, in the order in which it is shown.
_FIELDS = ("namespace", "reason", "seconds")
# Some MB: a burst of thousands of namespaces fits; a pipe without a reader must not fill memory.
_MOST_LINES = 10_000
# Lines that come close together are written together: waking the thread costs more than a line.
_GATHER_SECONDS = 0.02
_MOST_AT_ONCE = 1_000
_CLOSE_SECONDS = 1.0

# A line, or what is to be set when all lines before it are written.
_Entry = str | threading.Event


def set_up_logging(settings: Logging) -> BackgroundHandler:
    """Sends the log to standard error, in the form that the settings ask for.

    Returns:
        What writes it. Closing it writes the last lines, before the caller writes anything else
        there; otherwise that happens when the interpreter ends.
    """
    # Python has no sys.stderr when file 2 was closed before it started: that number may by now be
    # a connection's.
    handler = BackgroundHandler(
        sys.stderr.fileno() if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY)
    )
    handler.setFormatter(_JsonFormatter() if settings.format == "json" else _TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("homelab_netpol").setLevel(settings.level.upper())
    # Kopf logs at INFO what it does with each event; ours logs what came of it.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    return handler


def lines_dropped() -> int:
    """How many lines of this process's log were lost, as they could not be written."""
    handlers = logging.getLogger().handlers
    return sum(each.dropped for each in handlers if isinstance(each, BackgroundHandler))


class BackgroundHandler(QueueHandler):
    """Queues lines in the order in which they are logged; a thread writes them.

    Where lines are missing, because the queue was full or the file took none, a line says how many.
    """

    queue: SimpleQueue[_Entry]

    def __init__(self, fd: int) -> None:
        """Begins to write to an open file, which it never closes."""
        super().__init__(SimpleQueue())
        self._refused = self._refused_unreported = 0
        self._closing = False
        self._drained = threading.Event()
        self._writer = _LineWriter(self.queue, fd, self._gap)
        self._writer.start()

    @property
    def dropped(self) -> int:
        """How many lines were lost: the queue was full, or the file did not take them."""
        return self._refused + self._writer.failed

    def prepare(self, record: logging.LogRecord) -> str:
        """Formats here, not in the thread: what the arguments describe may change meanwhile."""
        return self.format(record)

    def enqueue(self, record: object) -> None:
        """Queues a line, as `prepare` returned it. Never waits, and never raises."""
        line = str(record)
        if self._drained.is_set():
            self._writer.write([line])  # the process ends, and may wait
        elif self.queue.qsize() < _MOST_LINES:
            self._put(line)
        else:
            self._refused += 1
            self._refused_unreported += 1

    def close(self) -> None:
        """Waits until everything is written, for a second at most: then the rest is lost."""
        # The interpreter closes it once more at its end, which must not wait in vain again.
        if not self._closing:
            self._closing = True
            self._put(self._drained)
            self._drained.wait(_CLOSE_SECONDS)
        super().close()

    def _put(self, entry: _Entry) -> None:
        if self._refused_unreported:
            self.queue.put(self._gap(self._refused_unreported))
            self._refused_unreported = 0
        self.queue.put(entry)

    def _gap(self, lines: int) -> str:
        about = {"levelno": logging.WARNING, "levelname": "WARNING", "reason": "LogLinesLost"}
        message = f"Lines missing here, as they could not be written: {lines}."
        return self.format(logging.makeLogRecord({"msg": message, **about}))


class _LineWriter(QueueListener):
    """Writes to a file, in its own thread, what a `BackgroundHandler` queued.

    It is never stopped, as `stop` would wait without a limit for a pipe that takes nothing: the
    last entry is an event, to be set when all before it is written, and the thread is a daemon.
    """

    def __init__(self, lines: SimpleQueue[_Entry], fd: int, gap: Callable[[int], str]) -> None:
        super().__init__(lines)
        self._fd = fd
        self._gap = gap
        self.failed = self._failed_unreported = 0
        self._torn = False

    def handle(self, record: object) -> None:
        """Writes an entry together with those that follow closely."""
        batch = [record]
        if isinstance(record, str):
            time.sleep(_GATHER_SECONDS)
        with contextlib.suppress(Empty):
            while len(batch) < _MOST_AT_ONCE:
                batch.append(self.dequeue(block=False))
        self.write([entry for entry in batch if isinstance(entry, str)])
        for entry in batch:
            if isinstance(entry, threading.Event):
                entry.set()

    def write(self, lines: Sequence[str]) -> None:
        """Writes whole lines, on a line of their own after one that was torn; never raises."""
        gap = [self._gap(self._failed_unreported)] if self._failed_unreported else []
        begin = "\n" if self._torn else ""
        text = begin + "".join(f"{line}\n" for line in (*gap, *lines))
        rest = text.encode(errors="backslashreplace")
        try:
            while rest:
                written = os.write(self._fd, rest)
                self._torn = rest[written - 1 : written] != b"\n"
                rest = rest[written:]
        except OSError:
            self.failed += len(lines)
            self._failed_unreported += len(lines)
        else:
            self._failed_unreported = 0


def _extras(record: logging.LogRecord) -> dict[str, object]:
    found = ((name, getattr(record, name, None)) for name in _FIELDS)
    return {name: value for name, value in found if value is not None and value != ""}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {key}={value}" for key, value in _extras(record).items())
        line = f"{_time(record)} {record.levelname:<7}{extras} {record.getMessage()}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry)
