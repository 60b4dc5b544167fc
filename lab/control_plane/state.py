"""What a control plane in the background leaves on disk for the commands that look for it.

Who it is, where it is, and a lock that says whether it still lives. The lock decides, not the pid
in the file: the kernel lets go of it when the process ends, also in a crash or a reboot, while a
pid may by then belong to somebody else.
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
    """A control plane in the background, as it describes itself once it is ready.

    Attributes:
        pid: The process that keeps it, to be sent SIGTERM.
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
    """The directory of the one background control plane of a user."""

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
        """What the supervisor itself says."""
        return self.log_dir / "supervisor.log"

    def create(self) -> None:
        """Makes the directory, for its owner only: a token will be in it."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log_dir.mkdir(exist_ok=True)

    def write(self, background: Background) -> None:
        """Says that the control plane is ready."""
        write_private(self._state, json.dumps(dataclasses.asdict(background), indent=2) + "\n")

    def read(self) -> Background | None:
        """What the last control plane said of itself; None if it is not ready, or said goodbye."""
        try:
            return Background(**json.loads(self._state.read_text()))
        except (OSError, ValueError, TypeError):
            return None  # not there, or of another version of this program

    def forget(self) -> None:
        """Removes all that is left of a control plane but its logs; for who has the lock."""
        self._state.unlink(missing_ok=True)
        self.kubeconfig.unlink(missing_ok=True)
        for data in self.directory.glob(f"{_DATA_PREFIX}*"):
            shutil.rmtree(data, ignore_errors=True)

    def clean_up(self) -> None:
        """Forgets a control plane that ended without doing so itself, if there was one."""
        if self.directory.is_dir() and (lock := self._take_lock()) is not None:
            try:
                self.forget()
            finally:
                os.close(lock)

    def claim(self) -> bool:
        """Takes the lock for as long as this process lives; says whether it was free."""
        lock = self._take_lock()
        if lock is None:
            return False
        # Left open: the kernel lets go of it when all else of this process is gone.
        os.write(lock, str(os.getpid()).encode())
        return True

    def keeper(self) -> int | None:
        """The pid of the process that has claimed the lock; None if there is none."""
        try:
            file = self._lock.open()
        except FileNotFoundError:
            return None
        with file:
            try:
                # Shared, so that two who ask at once do not mistake each other for a keeper.
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
        os.ftruncate(lock, 0)  # the pid of a former keeper
        return lock

    @property
    def _state(self) -> Path:
        return self.directory / "state.json"

    @property
    def _lock(self) -> Path:
        return self.directory / "lock"
