"""Asks kustomize and git for manifests. Each is called with a list of arguments, never a shell."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from homelab_netpol.manifests.manifest import ManifestError

_TIMEOUT_SECONDS = 120
_MAX_OUTPUT_SHOWN = 2_000


def kustomize(folder: Path) -> bytes:
    """What a kustomization builds.

    Raises:
        ManifestError: neither `kustomize` nor `kubectl` is on PATH, or the build fails.
    """
    if not folder.is_dir():
        raise ManifestError(
            f"{folder}: no such folder; -k takes the folder of a kustomization.yaml"
        )
    for program, command in (("kustomize", ("build",)), ("kubectl", ("kustomize",))):
        found = shutil.which(program)
        if found is not None:
            return _run([found, *command, str(folder.resolve())], f"{program} of {folder}")
    raise ManifestError(
        f"{folder}: -k needs kustomize or kubectl on PATH; or build it elsewhere and pass the"
        " result (-f -)"
    )


def revision_files(
    revision: str, path: str, max_files: int, max_bytes: int
) -> Iterator[tuple[str, bytes]]:
    """The files below a path, as they are in a revision of the repository that holds this folder.

    Yields:
        The path of each, from the current folder, and what it holds.

    Raises:
        ManifestError: there is no git, repository, revision or path of the kind, or it holds more
            than the limits allow.
    """
    git = shutil.which("git")
    where = f"git:{revision}:{path}"
    if git is None:
        raise ManifestError(f"{where}: git is not on PATH")
    if not revision or revision.startswith("-"):
        raise ManifestError(f"{where}: not a revision; write git:REV or git:REV:PATH")
    archive = _run([git, "archive", "--format=tar", revision, "--", path], where)
    if len(archive) > max_bytes:
        raise ManifestError(f"{where}: more than {max_bytes:,} bytes; name a folder in it")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        count = 0
        for member in files:
            if not member.isfile():
                continue
            count += 1
            if count > max_files:
                raise ManifestError(f"{where}: more than {max_files:,} files; name a folder in it")
            content = files.extractfile(member)
            if content is not None:
                yield member.name, content.read()


def _run(command: Sequence[str], what: str) -> bytes:
    try:
        done = subprocess.run(  # its program was looked up on PATH, its arguments are a list
            command, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ManifestError(f"{what}: not done within {_TIMEOUT_SECONDS} s") from None
    except OSError as error:
        raise ManifestError(f"{what}: {error.strerror}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-_MAX_OUTPUT_SHOWN:]
        raise ManifestError(f"{what} failed: {said or f'exit status {done.returncode}'}")
    return done.stdout
