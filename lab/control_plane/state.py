"""The files by which commands find the control plane in the background: its state and its lock.

The lock, which its supervisor process holds, shows whether it is still running. The pid in the file
does not: the kernel releases a lock when the process ends, also in a crash or a reboot, while the
pid may by then belong to another process.
"""

import dataclasses
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.control_plane.credentials import write_private
from lab.control_plane.paths import state_directory

_DATA_PREFIX = "data-"


@dataclass(frozen=True)
class Background:
    """The state file of a control plane in the background, written once it is ready.

    Attributes:
        pid: The supervisor process, which SIGTERM stops.
        started: When it was ready, as RFC 3339.
        kubeconfig: The kubeconfig file.
        context: The context in it.
        server: The API server's address.
        log_dir: The directory of its logs.
        versions: What runs, e.g. `{"kubernetes": "v1.36.3"}`.
    """

    pid: int
    started: str
    kubeconfig: str
    context: str
    server: str
    log_dir: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Home:
    """The directory of the control plane in the background; there is one for each user."""

    directory: Path

    @classmethod
    def of_user(cls) -> Self:
        """The directory in this user's state folder."""
        return cls(state_directory() / "local")

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig: always the same path, so that a shell may keep it exported."""
        return self.directory / "kubeconfig"

    def new_data_dir(self) -> Path:
        """A directory for the data of one control plane, while it runs.

        Never the same twice: of one that was just killed, the guardian may still be cleaning up.
        """
        return Path(tempfile.mkdtemp(prefix=_DATA_PREFIX, dir=self.directory))

    @property
    def log_dir(self) -> Path:
        """The logs; they stay when the control plane is gone."""
        return self.directory / "logs"

    @property
    def log(self) -> Path:
        """The supervisor's own log."""
        return self.log_dir / "supervisor.log"

    def create(self) -> None:
        """Makes the directory, for its owner only: a token will be in it."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log_dir.mkdir(exist_ok=True)

    def write(self, background: Background) -> None:
        """Writes the state file, which marks the control plane as ready."""
        write_private(self._state, json.dumps(dataclasses.asdict(background), indent=2) + "\n")

    def read(self) -> Background | None:
        """Reads the state file; None if the control plane is not ready, or was stopped."""
        try:
            return Background(**json.loads(self._state.read_text()))
        except (OSError, ValueError, TypeError):
            return None  # not there, or of another version of this program

    def remove_files(self) -> None:
        """Removes all files of a control plane but its logs. The caller holds the lock."""
        self._state.unlink(missing_ok=True)
        self.kubeconfig.unlink(missing_ok=True)
        for data in self.directory.glob(f"{_DATA_PREFIX}*"):
            shutil.rmtree(data, ignore_errors=True)

    def clean_up(self) -> None:
        """Removes the files of a control plane that crashed, if there are any."""
        if self.directory.is_dir() and (lock := self._take_lock()) is not None:
            try:
                self.remove_files()
            finally:
                os.close(lock)

    def acquire_lock(self) -> bool:
        """Takes the lock for as long as this process lives; False if another process holds it."""
        lock = self._take_lock()
        if lock is None:
            return False
        # Left open: the kernel releases it when this process has ended.
        os.write(lock, str(os.getpid()).encode())
        return True

    def supervisor_pid(self) -> int | None:
        """The pid of the process that holds the lock; None if none does."""
        try:
            file = self._lock.open()
        except FileNotFoundError:
            return None
        with file:
            try:
                # Shared, so that two that look at once do not take each other for the supervisor.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
        return None

    def _take_lock(self) -> int | None:
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        os.ftruncate(lock, 0)  # the pid of the last holder
        return lock

    @property
    def _state(self) -> Path:
        return self.directory / "state.json"

    @property
    def _lock(self) -> Path:
        return self.directory / "lock"
