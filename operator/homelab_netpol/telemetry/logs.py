"""The operator's log: how a line looks, and that writing it never holds anybody up.

Lines are written by a thread of their own: a full disk, a slow one, or a pipe that nobody reads
costs lines, which are counted, and never time of the event loop.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from homelab_netpol.settings import Logging

# What callers may attach to a line, in the order in which it is shown.
_FIELDS = ("namespace", "reason", "seconds")
# Some MB: a burst of thousands of namespaces fits; a pipe that nobody reads must not fill memory.
_MOST_LINES = 10_000
# Lines that come close together are written together: waking the thread costs more than a line.
_GATHER_SECONDS = 0.02
_MOST_AT_ONCE = 1_000
_CLOSE_SECONDS = 1.0


def set_up_logging(settings: Logging) -> BackgroundHandler:
    """Sends the log to standard error, in the form that the settings ask for.

    Returns:
        What writes it. Whoever closes it has the last lines written before anything else is said
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
    # Kopf says at INFO what it does with each event; ours says what came of it.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    return handler


def lines_dropped() -> int:
    """How many lines of this process's log were lost, as they could not be written."""
    handlers = logging.getLogger().handlers
    return sum(each.dropped for each in handlers if isinstance(each, BackgroundHandler))


class BackgroundHandler(logging.Handler):
    """Takes lines in the order in which they come; a thread writes them.

    Where lines are missing, because nobody took them or the file could not, a line says how many.
    """

    def __init__(self, fd: int) -> None:
        """Begins to write.

        Args:
            fd: the open file that takes the lines; it is never closed here.
        """
        super().__init__()
        self._fd = fd
        # Of both sorts, all of them and those that no line has told of yet. Lines that find the
        # queue full are counted where they are logged, lines that cannot be written in the thread.
        self._refused = self._refused_untold = 0
        self._failed = self._failed_untold = 0
        self._torn = False
        self._closing = False
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        # A thread that waits for a reader who never comes must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many lines were lost."""
        return self._refused + self._failed

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a line. Never waits, and never raises."""
        try:
            # Here, not in the thread: what a message tells of may have changed by then.
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        if not self._thread.is_alive():
            # Only once the log was closed: the process ends, and may wait.
            self._write([line])
        elif self._lines.qsize() < _MOST_LINES:
            self._tell_of_refused()
            self._lines.put(line)
        else:
            self._refused += 1
            self._refused_untold += 1

    def close(self) -> None:
        """Has everything written, unless that takes seconds: then the rest is lost."""
        # The interpreter closes it once more at its end, which must not wait in vain again.
        if not self._closing:
            self._closing = True
            self._tell_of_refused()
            self._lines.put(None)
            self._thread.join(_CLOSE_SECONDS)
        super().close()

    def _tell_of_refused(self) -> None:
        if self._refused_untold:
            self._lines.put(self._gap(self._refused_untold))
            self._refused_untold = 0

    def _gap(self, lines: int) -> str:
        about = {"levelno": logging.WARNING, "levelname": "WARNING", "reason": "LogLinesLost"}
        message = f"Lines missing here, as they could not be written: {lines}."
        return self.format(logging.makeLogRecord({"msg": message, **about}))

    # In the thread

    def _run(self) -> None:
        ended = False
        while not ended:
            batch = [self._lines.get()]
            if batch[0] is not None:
                time.sleep(_GATHER_SECONDS)
            while batch[-1] is not None and len(batch) < _MOST_AT_ONCE:
                try:
                    batch.append(self._lines.get_nowait())
                except Empty:
                    break
            ended = batch[-1] is None
            self._write([line for line in batch if line is not None])

    def _write(self, lines: list[str]) -> None:
        gap = [self._gap(self._failed_untold)] if self._failed_untold else []
        try:
            self._write_all("".join(f"{line}\n" for line in gap + lines))
        except OSError:
            self._failed += len(lines)
            self._failed_untold += len(lines)
        else:
            self._failed_untold = 0

    def _write_all(self, text: str) -> None:
        """Writes whole lines; after a failure on the way, the next begin on a line of their own."""
        begin = "\n" if self._torn else ""
        rest = f"{begin}{text}".encode(errors="backslashreplace")
        while rest:
            written = os.write(self._fd, rest)
            self._torn = rest[written - 1 : written] != b"\n"
            rest = rest[written:]


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
