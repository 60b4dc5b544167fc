"""The log: lines as documented, all of them in order, and nobody is ever held up by them."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from homelab_netpol.settings import Logging
from homelab_netpol.settings.process import LogFormat
from homelab_netpol.telemetry.logs import BackgroundHandler, set_up_logging
from homelab_netpol.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
# More than a pipe and the queue hold.
TOO_MANY = 30_000

_SET_UP = """
import logging
from homelab_netpol.telemetry.logs import set_up_logging
from homelab_netpol.settings import Logging
set_up_logging(Logging())
log = logging.getLogger("homelab_netpol.test")
"""


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger of its own, to which a test adds the handler."""
    logger = logging.Logger("homelab_netpol.test", logging.INFO)
    yield logger
    for handler in logger.handlers:
        handler.close()


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back to what it was."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def start(script: str, stderr: int) -> subprocess.Popen[str]:
    """Starts a script that has set up its log."""
    return subprocess.Popen(
        [sys.executable, "-c", _SET_UP + script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "operator")},
        stderr=stderr,
        text=True,
    )


@pytest.mark.usefixtures("root")
def test_a_json_line_is_one_object_with_the_documented_keys(
    capfd: pytest.CaptureFixture[str],
) -> None:
    handler = set_up_logging(Logging(format=LogFormat.JSON))
    log = logging.getLogger("homelab_netpol.test")
    extra = {"namespace": "my-app", "reason": "NotDone", "seconds": 0.0}
    log.info("Two\nlines, %d%%", 100, extra=extra)
    log.info("Nobody's.", extra={"namespace": ""})
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        log.exception("It failed.")
    handler.close()
    first, second, third = map(json.loads, capfd.readouterr().err.splitlines())
    time = first.pop("time")
    assert first == {
        "level": "info",
        "message": "Two\nlines, 100%",
        "namespace": "my-app",
        "reason": "NotDone",
        "seconds": 0.0,
    }
    assert len(time) == len("2026-03-01T18:00:00.000Z")
    assert set(second) == {"time", "level", "message"}
    assert (third["level"], third["message"]) == ("error", "It failed.")
    assert third["error"].startswith("Traceback (most recent call last):")
    assert third["error"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.usefixtures("root")
def test_a_text_line_begins_with_time_and_level_and_says_what_it_is_about(
    capfd: pytest.CaptureFixture[str],
) -> None:
    handler = set_up_logging(Logging())
    extra = {"namespace": "a", "reason": "R", "seconds": 0.25}
    logging.getLogger("homelab_netpol.test").warning("Not done.", extra=extra)
    handler.close()
    _, rest = capfd.readouterr().err.split(" ", 1)
    assert rest == "WARNING namespace=a reason=R seconds=0.25 Not done.\n"


@pytest.mark.usefixtures("root")
def test_what_is_said_after_the_log_was_closed_comes_after_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    handler = set_up_logging(Logging())
    log = logging.getLogger("homelab_netpol.test")
    log.info("first")
    handler.close()
    print("second", file=sys.stderr, flush=True)
    log.info("third")
    lines = capfd.readouterr().err.splitlines()
    assert [line.split()[-1] for line in lines] == ["first", "second", "third"]


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "raise ValueError('at the end')"])
def test_the_last_lines_are_written_in_order_however_the_process_ends(end: str) -> None:
    script = f"for number in range(3000):\n    log.info('line %d', number)\n{end}"
    with start(script, subprocess.PIPE) as process:
        said = process.communicate(timeout=60)[1]
    lines = [line for line in said.splitlines() if " INFO " in line]
    assert [line.rsplit(" ", 1)[1] for line in lines] == [str(number) for number in range(3000)]


def test_a_process_ends_though_nobody_reads_its_log() -> None:
    read, write = os.pipe()
    with start(f"for number in range({TOO_MANY}):\n    log.info('x' * 100)", write) as process:
        assert process.wait(60) == 0
    os.close(read)
    os.close(write)


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_where_lines_are_missing_it_is_told(
    log: logging.Logger,
) -> None:
    read, write = os.pipe()
    handler = BackgroundHandler(write)
    log.addHandler(handler)
    for number in range(TOO_MANY):
        log.info("%d %s", number, "x" * 100)
    lost = handler.dropped
    assert lost > 0
    with open(read, encoding="utf-8") as reader:
        lines = [reader.readline() for _ in range(TOO_MANY - lost)]
        assert [int(line.split()[0]) for line in lines] == list(range(TOO_MANY - lost))
        log.info("next")
        gap = f"Lines missing here, as they could not be written: {lost}.\n"
        assert [reader.readline(), reader.readline()] == [gap, "next\n"]


def test_lines_that_a_full_disk_does_not_take_are_counted(log: logging.Logger) -> None:
    with Path("/dev/full").open("wb") as full:
        handler = BackgroundHandler(full.fileno())
        log.addHandler(handler)
        for number in range(50):
            log.info("%d", number)
        handler.close()
    assert handler.dropped == 50


def test_a_reader_that_goes_away_costs_lines_and_nothing_else(log: logging.Logger) -> None:
    read, write = os.pipe()
    os.close(read)
    handler = BackgroundHandler(write)
    log.addHandler(handler)
    log.info("Nobody will ever read this.")
    handler.close()
    os.close(write)
    assert handler.dropped == 1


def test_after_a_line_that_was_torn_the_next_begins_on_a_line_of_its_own(
    log: logging.Logger,
) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    size = fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    handler = BackgroundHandler(write)
    log.addHandler(handler)
    log.info("x" * 2 * size)
    while not handler.dropped:
        pass
    assert os.read(read, 2 * size) == b"x" * size
    log.info("whole")
    handler.close()
    os.close(write)
    with open(read, encoding="utf-8") as reader:
        gap = "Lines missing here, as they could not be written: 1."
        assert reader.read().splitlines() == ["", gap, "whole"]


def test_a_line_that_cannot_be_put_into_words_stops_nothing(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    handler = BackgroundHandler(write)
    log.addHandler(handler)
    log.info("%d", "no number")
    log.info("next")
    handler.close()
    os.close(write)
    with open(read, encoding="utf-8") as reader:
        assert reader.read() == "next\n"
    assert "no number" in capsys.readouterr().err


def test_dropped_lines_are_a_metric(root: logging.Logger) -> None:
    read, write = os.pipe()
    os.close(read)
    handler = BackgroundHandler(write)
    root.addHandler(handler)
    logging.getLogger("homelab_netpol.test").error("lost")
    handler.close()
    os.close(write)
    dropped = Metrics().registry.get_sample_value("homelab_netpol_log_lines_dropped_total")
    assert dropped == 1


@pytest.mark.usefixtures("root")
def test_logging_is_set_up_even_where_there_is_no_standard_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    handler = set_up_logging(Logging())
    logging.getLogger("homelab_netpol.test").error("to nobody")
    handler.close()
    assert handler.dropped == 0
