"""The process behind `python -m lab up`.

It runs one control plane until SIGTERM, or until one of its components dies. Only background.py
starts it.
"""

import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from homelab_netpol.package_data import own_crds
from lab.control_plane.binary import Lab
from lab.control_plane.errors import LocalClusterError
from lab.control_plane.plane import ControlPlane
from lab.control_plane.state import Background, Home

ALREADY_RUNNING = 4
_CHECK_INTERVAL = 1.0
_LOCK_ATTEMPTS = 20


def supervise(home: Home, lab: Lab) -> int:
    """Runs a control plane until SIGTERM; returns the exit status of the process."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # More than once: a command that looks whether we are running holds the lock for a moment.
    for _ in range(_LOCK_ATTEMPTS):
        if home.acquire_lock():
            return _supervise_locked(home, lab, stop)
        time.sleep(0.05)
    return ALREADY_RUNNING


def _supervise_locked(home: Home, lab: Lab, stop: threading.Event) -> int:
    home.remove_files()
    for log in home.log_dir.iterdir():
        if log != home.log:
            log.unlink()
    plane = ControlPlane(
        lab=lab,
        data_dir=home.new_data_dir(),
        log_dir=home.log_dir,
        kubeconfig=home.kubeconfig,
        validator=True,
        crds=own_crds(),
    )
    try:
        with plane:
            home.write(_describe(plane))
            print(f"{_now()} ready at {plane.server}", flush=True)
            while not stop.wait(_CHECK_INTERVAL):
                plane.check()
    except LocalClusterError as error:
        # The state file stays, without a lock: that is how `status` recognizes a crash.
        print(f"{_now()} {error}", flush=True)
        return 1
    home.remove_files()
    print(f"{_now()} stopped", flush=True)
    return 0


def _describe(plane: ControlPlane) -> Background:
    return Background(
        pid=os.getpid(),
        started=_now(),
        kubeconfig=str(plane.kubeconfig),
        context=plane.context,
        server=plane.server,
        log_dir=str(plane.log_dir),
        versions=plane.versions(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(supervise(Home(Path(sys.argv[1])), Lab(Path(sys.argv[2]))))
