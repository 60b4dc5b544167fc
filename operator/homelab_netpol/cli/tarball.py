"""Writes files into a new archive that only its owner may read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_tarball(path: Path, files: Mapping[str, bytes]) -> None:
    """Writes a tar.gz, or nothing at all.

    Args:
        path: of the archive, which must not be there, nor be a link.
        files: content by name.

    Raises:
        OSError: it is there, or cannot be written.
    """
    import io
    import os
    import tarfile

    folder = path.name.removesuffix(".gz").removesuffix(".tar").removesuffix(".tgz")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size, entry.mode = len(content), 0o600
                archive.addfile(entry, io.BytesIO(content))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
