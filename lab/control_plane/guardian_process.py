"""The guardian: a small process that outlives its parent just long enough to clean up after it.

Run as a script, with nothing but the standard library; guardian.py starts it.

Its standard input is a pipe whose other end only the parent has, so end of file means that the
parent is gone, however it went: no signal handler and no `finally` would see a SIGKILL. The
children are found by their process group, not by pid: a group has no moment at which a child is
started but not yet known, it takes in what a wrapper script starts, and its number cannot be reused
while a member lives. A placeholder process keeps the group in being before the first child and
after the last.
"""

import contextlib
import os
import shutil
import signal
import sys
import time

_GROUP_TIMEOUT = 5.0


def _start_placeholder() -> int:
    """Forks the process that leads the group, and gives its pid, which is the group's number."""
    alive, keep_alive = os.pipe()
    placeholder = os.fork()
    if placeholder == 0:
        os.setpgid(0, 0)
        os.close(keep_alive)
        os.read(alive, 1)  # ends with the guardian, even if that is killed
        os._exit(0)
    # Both sides set the group, because either may come first.
    with contextlib.suppress(OSError):
        os.setpgid(placeholder, placeholder)
    os.close(alive)
    return placeholder


def _kill_group(group: int) -> None:
    deadline = time.monotonic() + _GROUP_TIMEOUT
    while time.monotonic() < deadline:
        # More than once: a child that was being started joins the group late. PermissionError is
        # macOS's answer for a group of which only zombies are left.
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        with contextlib.suppress(ChildProcessError):
            os.waitpid(group, os.WNOHANG)
        if _only_zombies(group):
            return
        time.sleep(0.01)


def _only_zombies(group: int) -> bool:
    """Whether nothing of the group runs any more; False where there is no /proc to tell."""
    # The process that inherits the dead parent's children may take seconds to reap them, or never
    # reap them, as in some containers.
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return False
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as file:
                state, _, process_group = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state not in "ZX":
            return False
    return bool(pids)


def main(directories: list[str]) -> None:
    """Waits for the parent's end, then kills its group and removes the directories."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    group = _start_placeholder()
    # After the fork: a process group cannot reach into another session, and the parent's children
    # must be able to join the placeholder's.
    os.setsid()
    os.write(1, b"%d\n" % group)
    while os.read(0, 4096):
        pass
    _kill_group(group)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
        if os.path.exists(directory):  # a thread of a killed process may still have written
            time.sleep(0.2)
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
