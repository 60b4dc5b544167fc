"""On a terminal the first hundred flows are answered at once, and Ctrl-C ends with the answer."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.commands import environment
from tests.explained import deployment, namespace
from tests.flow_lines import flow, lines
from tests.terminal import until

_GRANT = flow("my-app/web", "database/postgres", "5432/TCP", "EGRESS")
_PASSED = {"verdict": "FORWARDED", "is_reply": False}


@contextmanager
def on_a_terminal(folder: Path, given: bytes, *arguments: str) -> Iterator[int]:
    """Runs a command that follows `hubble`, which shows some flows and goes on without any."""
    (folder / "flows").write_bytes(given)
    (folder / "cluster.yaml").write_text(
        namespace("my-app", profile="internal") + deployment("my-app", "web"), encoding="utf-8"
    )
    hubble = folder / "bin" / "hubble"
    hubble.parent.mkdir()
    hubble.write_text(f"#!/bin/sh\ncat {folder / 'flows'}\nexec sleep 600\n", encoding="utf-8")
    hubble.chmod(0o755)
    path = f"{hubble.parent}{os.pathsep}{os.environ['PATH']}"
    own, other = pty.openpty()
    command = [sys.executable, "-m", "homelab_netpol", *arguments]
    with subprocess.Popen(
        [*command, "-f", str(folder / "cluster.yaml")],
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        preexec_fn=_controlled,  # so that Ctrl-C is a signal to it
        env=environment(PATH=path, TERM="xterm", COLUMNS="200", LINES="50"),
    ) as process:
        os.close(other)
        try:
            yield own
        finally:
            process.kill()
            os.close(own)


def _controlled() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_hundred_flows_are_answered_while_no_more_come(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path, lines(_GRANT) * 100, "diagnose", "--follow") as terminal:
        shown = until(terminal, "100 flows; Ctrl-C ends")
        assert "100 flows; Ctrl-C ends" in shown
        assert "no grant on postgres" in until(terminal, "no grant on postgres")
        os.write(terminal, b"\x03")
        assert "Asked again with that: yes" in until(terminal, "Asked again with that: yes")


def test_what_breaks_is_said_at_once_and_ctrl_c_says_the_rest(tmp_path: Path) -> None:
    before = lines(_GRANT | _PASSED | {"time": "2026-03-01T22:00:00Z"})
    given = before + lines(_GRANT)
    arguments = ("watch-change", "my-app", "--since", "2026-03-01T22:10:00Z")
    with on_a_terminal(tmp_path, given, *arguments) as terminal:
        said = "dropped, and passed before: my-app/web to database/postgres on 5432/TCP"
        assert said in until(terminal, said)
        assert "1 broken; Ctrl-C ends" in until(terminal, "1 broken; Ctrl-C ends")
        os.write(terminal, b"\x03")
        last = until(terminal, "it was interrupted before its end")
        assert "my-app: 1 of 1 that passed before 2026-03-01T22:10:00Z is dropped." in last
