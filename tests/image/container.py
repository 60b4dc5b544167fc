"""Runs what the image would run, as it would: its user, nothing writable but /tmp, as process 1."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.cluster.kube import eventually
from tests.image import rootfs
from tests.image.build import Image

_TAIL_LINES = 40


class Container:
    """A process of the image that somebody else started; see `running`.

    Attributes:
        pid: of its process 1, as this machine numbers it.
        log: the file with what it wrote.
    """

    def __init__(self, image: Image, starter: subprocess.Popen[bytes], log: Path) -> None:
        self.log = log
        self._image = image
        self._starter = starter
        self.pid = eventually(self._child, "the container's process 1")

    def status(self) -> dict[str, str]:
        """What /proc says of process 1: its users, capabilities and so on."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        pairs = (line.split(":", 1) for line in lines)
        return {key: value.strip() for key, value in pairs}

    def inside(
        self, command: Sequence[str], variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command beside process 1, as the same user, as `docker exec` does."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--root"]
        line = [*enter, *as_user(self._image, command, variables or {})]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    def stop(self, seconds: float = 30.0) -> int:
        """Sends SIGTERM to process 1 alone; returns the status that it ends with."""
        os.kill(self.pid, signal.SIGTERM)
        return self._starter.wait(seconds)

    def tail(self) -> str:
        """The end of what it wrote."""
        return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-_TAIL_LINES:])

    def _child(self) -> int | None:
        assert self._starter.poll() is None, f"it ended\n{self.tail()}"
        pid = self._starter.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return int(children[0]) if children else None


def as_user(image: Image, command: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The command line of a command in the image: as its user, with no capability left to gain."""
    user, group = image.stage.last("USER").text.split(":")
    dropped = [f"--{what}=-all" for what in ("bounding-set", "inh-caps", "ambient-caps")]
    become = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
    folder = image.stage.last("WORKDIR").text
    own = rootfs.environment({**image.variables, **variables}, folder)
    return [*become, *dropped, *own, *command]


def once(image: Image, command: Sequence[str], scratch: Path) -> subprocess.CompletedProcess[str]:
    """Runs one command in the image, to its end.

    Args:
        image: as built.
        command: instead of the entrypoint.
        scratch: an empty directory.
    """
    line = rootfs.unchangeable(image.layer, scratch, {}, as_user(image, command, {}))
    return subprocess.run(line, capture_output=True, text=True, check=False)


@contextlib.contextmanager
def running(
    image: Image,
    arguments: Sequence[str],
    scratch: Path,
    *,
    shown: Mapping[str, Path],
    variables: Mapping[str, str],
) -> Iterator[Container]:
    """Runs the image's entrypoint for as long as the block lasts.

    Args:
        image: as built.
        arguments: in the place of CMD.
        scratch: an empty directory.
        shown: directories to show read-only, by where in the container.
        variables: beside those of the image.

    Yields:
        The container, of which nothing is known but that it was started.
    """
    entrypoint = image.stage.last("ENTRYPOINT").exec_form()
    command = as_user(image, [*entrypoint, *arguments], variables)
    line = rootfs.unchangeable(image.layer, scratch, shown, command)
    log = scratch / "log"
    with log.open("wb") as output:
        starter = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        container = Container(image, starter, log)
        try:
            yield container
        except BaseException as error:
            error.add_note(f"the container's log ends with:\n{container.tail()}")
            raise
    finally:
        # With `--kill-child`, whatever is left in the container goes with its starter.
        starter.kill()
        starter.wait()
