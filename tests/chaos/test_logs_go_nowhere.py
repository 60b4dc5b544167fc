"""What the operator logs cannot be written: the disk is full, or nobody reads the other end.

A log is for people. It must never be what keeps policies from being right.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.chaos.extent import times
from tests.chaos.scene import Scene

Output = Callable[[], AbstractContextManager[int]]


@contextlib.contextmanager
def full_disk() -> Iterator[int]:
    """Every write fails with ENOSPC."""
    with Path("/dev/full").open("wb") as device:
        yield device.fileno()


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """A small pipe that nobody reads: once it is full, a write would wait for ever."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    try:
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


@contextlib.contextmanager
def broken_pipe() -> Iterator[int]:
    """Whoever took the log has died: every write fails with EPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@pytest.mark.parametrize("output", [full_disk, full_pipe, broken_pipe])
def test_an_operator_that_cannot_log_goes_on_working(output: Output, scene: Scene) -> None:
    with output() as descriptor, scene.operator(output=descriptor) as operator:
        operator.wait_ready()
        with scene.churn() as churn:
            time.sleep(times(2, 30))
        scene.judge(f"{output.__name__}, {churn.steps} steps")
        assert operator.ended_by_itself == []
