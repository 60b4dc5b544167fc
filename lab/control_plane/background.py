"""A control plane in the background, which outlives the command that started it: up, down, status.

There is one for each user. supervisor.py is the process that runs it.
"""

import enum
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import homelab_netpol
from lab.control_plane.api import LocalApi
from lab.control_plane.binary import Lab
from lab.control_plane.errors import LocalClusterError, NotReadyError, ProcessDiedError
from lab.control_plane.processes import wait_until
from lab.control_plane.state import Background, Home
from lab.control_plane.supervisor import ALREADY_RUNNING

_UP_TIMEOUT = 120.0
_DOWN_TIMEOUT = 20.0
_LOG_TAIL_LINES = 20


class Condition(enum.StrEnum):
    """The condition of the control plane in the background."""

    UP = "up"
    STARTING = "starting"
    NOT_ANSWERING = "not answering"
    CRASHED = "crashed"
    DOWN = "down"


@dataclass(frozen=True)
class Status:
    """What is known of the control plane in the background.

    Attributes:
        condition: Its condition.
        background: Its state file, also after a crash. None before it is ready.
        log: The supervisor's log, to look for the cause when it is not up.
    """

    condition: Condition
    background: Background | None
    log: Path


def status(home: Home | None = None) -> Status:
    """Reads the status, and changes nothing."""
    home = home or Home.of_user()
    alive, background = home.supervisor_pid() is not None, home.read()
    if not alive:
        condition = Condition.CRASHED if background else Condition.DOWN
    elif background is None:
        condition = Condition.STARTING
    else:
        condition = Condition.UP if _answers(home) else Condition.NOT_ANSWERING
    return Status(condition, background, home.log)


def up(home: Home | None = None, lab: Lab | None = None) -> tuple[Background, bool]:
    """Starts a control plane in the background, unless one is up.

    Args:
        home: Its directory; the user's when not given.
        lab: The lab binary; found or built when it is needed and not given.

    Returns:
        The control plane, and whether it was started now.

    Raises:
        LocalClusterError: It did not start, or one that runs does not answer.
    """
    home = home or Home.of_user()
    home.create()
    found = status(home)
    if found.condition is Condition.UP and found.background is not None:
        return found.background, False
    if found.condition is Condition.NOT_ANSWERING:
        raise LocalClusterError(
            f"the control plane in the background does not answer, see {home.log_dir}; "
            "`python -m lab down` stops it"
        )
    home.clean_up()
    if found.condition is Condition.STARTING:
        wait_until(lambda: _is_ready(home), "the start that is under way", _UP_TIMEOUT)
    else:
        _start_supervisor(home, lab or Lab())
    background = home.read()
    if background is None:
        raise LocalClusterError(f"the control plane ended right after its start, see {home.log}")
    return background, found.condition is not Condition.STARTING


def down(home: Home | None = None) -> bool:
    """Stops the control plane in the background, and removes what a crash left behind.

    Returns:
        Whether one was running.

    Raises:
        NotReadyError: It does not end, not even after SIGKILL.
    """
    home = home or Home.of_user()
    supervisor = home.supervisor_pid()
    if supervisor is not None:
        os.kill(supervisor, signal.SIGTERM)
        try:
            _wait_for_end(home, supervisor)
        except NotReadyError:
            os.kill(supervisor, signal.SIGKILL)  # its guardian cleans up
            _wait_for_end(home, supervisor)
    home.clean_up()
    return supervisor is not None


def _wait_for_end(home: Home, supervisor: int) -> None:
    wait_until(
        lambda: home.supervisor_pid() != supervisor, "the control plane to end", _DOWN_TIMEOUT
    )


def _is_ready(home: Home) -> bool:
    return home.supervisor_pid() is not None and home.read() is not None


def _start_supervisor(home: Home, lab: Lab) -> None:
    module = "lab.control_plane.supervisor"
    # Both packages may be importable only because of this process's working directory or sys.path.
    roots = (str(Path(__file__).parents[2]), str(Path(homelab_netpol.__file__).parents[1]))
    search_path = os.pathsep.join(filter(None, (*roots, os.environ.get("PYTHONPATH"))))
    with home.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(home.directory), str(lab.binary)],
            cwd=home.directory,
            env={**os.environ, "PYTHONPATH": search_path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # closing the terminal does not end it
        )

    def ready() -> bool:
        ended = process.poll()
        # ALREADY_RUNNING: another command started one first, and we wait for that.
        if ended is not None and ended != ALREADY_RUNNING:
            lines = home.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
            tail = "\n".join(f"  {line}" for line in lines)
            raise ProcessDiedError(f"the control plane did not start, see {home.log}:\n{tail}")
        return _is_ready(home)

    try:
        wait_until(ready, f"the control plane to start, see {home.log_dir}", _UP_TIMEOUT)
    except BaseException:
        process.terminate()
        raise


def _answers(home: Home) -> bool:
    try:
        api = LocalApi(home.kubeconfig)
    except (OSError, ValueError):
        return False
    try:
        return api.request("GET", "/readyz").status == 200
    finally:
        api.close()
