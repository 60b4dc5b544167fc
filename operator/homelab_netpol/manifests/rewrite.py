"""Writes a file anew, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from homelab_netpol.manifests.manifest import ManifestError

_BOM = b"\xef\xbb\xbf"
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def rewrite(path: Path, before: str, after: str) -> None:
    """Puts a text in the place of another; a link to the file stays one.

    Args:
        path: the file.
        before: what it holds.
        after: what it is to hold.

    Raises:
        ManifestError: it is read-only, holds something else by now, or cannot be written.
    """
    real = Path(os.path.realpath(path))
    try:
        raw, mode = real.read_bytes(), real.stat().st_mode
        if raw.decode("utf-8-sig") != before:
            raise ManifestError(f"{path}: has changed meanwhile: it is left as it is")
        if not mode & _ANY_WRITE or not os.access(real, os.W_OK):
            raise ManifestError(f"{path}: is read-only: it is left as it is")
        content = (_BOM if raw.startswith(_BOM) else b"") + after.encode()
        write_whole(real, content, stat.S_IMODE(mode))
    except OSError as error:
        raise ManifestError(f"{path}: cannot be written: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{path}: has changed meanwhile: it is left as it is") from None


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Puts a file there, in the place of what was: a reader sees the one or the other.

    A link stays one. What is no file, such as a pipe or /dev/stdout, is written to.

    Args:
        path: the file.
        content: what it is to hold.
        mode: its permissions.

    Raises:
        OSError: it cannot be written; what was there is left as it is.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    real = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
