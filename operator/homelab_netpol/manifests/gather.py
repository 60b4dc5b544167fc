"""Reads files, folders, standard input, kustomizations and git revisions into one set.

Nothing is executed but `kustomize` (or `kubectl kustomize`) and `git`, without a shell.
"""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from homelab_netpol.manifests.manifest import ManifestError
from homelab_netpol.manifests.manifest_set import ManifestSet
from homelab_netpol.manifests.parse import parse_manifests
from homelab_netpol.manifests.programs import kustomize, revision_files

STDIN = "-"
GIT = "git:"
_SUFFIXES = (".yaml", ".yml", ".json")
# More than the largest trees of real clusters have, few enough to say soon that it is a mistake.
_MAX_FILES = 20_000
_MAX_ENTRIES = 200_000
_MAX_FILE_BYTES = 32 * 1024 * 1024
_MAX_BYTES = 512 * 1024 * 1024
_MAX_SHOWN = 10


def gather(
    paths: Sequence[str] = (),
    kustomizations: Sequence[Path] = (),
    *,
    exclude: Sequence[str] = (),
    namespace: str = "",
    texts: dict[str, str] | None = None,
    keep_variants: bool = False,
    with_rbac: bool = False,
) -> ManifestSet:
    """Reads everything that is given, or fails.

    Args:
        paths: files, folders (read whole, hidden folders left out), `-` for standard input, or
            `git:REV[:PATH]` for a file or folder as it is in a revision of the repository here.
        kustomizations: folders of a kustomization each.
        exclude: patterns (fnmatch) of paths below a folder, and of file names, that are left out.
        namespace: of objects that must be in one and do not say in which.
        texts: gets what each input holds, by the name that sources have.
        keep_variants: see ManifestSet.add.
        with_rbac: keep roles and their bindings.

    Raises:
        ManifestError: something is not there or cannot be used; one line a problem.
    """
    found, problems = ManifestSet(with_rbac=with_rbac), []
    # What comes out of a pipe that failed looks the same as an empty tree, and is none.
    named = {path: "standard input" if path == STDIN else path for path in paths}
    files = (each for path in paths for each in _files(path, exclude))
    builds = ((f"kustomize {folder}", kustomize(folder)) for folder in kustomizations)
    size = 0
    for inputs in (files, builds):
        for name, raw in inputs:
            size += len(raw)
            if size > _MAX_BYTES:
                raise ManifestError(f"{name}: with it, more than {_MAX_BYTES:,} bytes are given")
            try:
                manifests = parse_manifests(raw, name)
                if name in named and not any(each.kind for each in manifests):
                    raise ManifestError(f"{named[name]}: holds no Kubernetes object")
                found.add(manifests, namespace, keep_variants=keep_variants)
                if texts is not None:
                    texts[name] = raw.decode("utf-8-sig")
            except ManifestError as error:
                problems.append(str(error))
    if problems:
        shown = problems[:_MAX_SHOWN]
        if len(problems) > _MAX_SHOWN:
            shown.append(f"and {len(problems) - _MAX_SHOWN} problems more")
        raise ManifestError("\n".join(shown))
    return found


def _files(path: str, exclude: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    if path == STDIN:
        yield STDIN, _limited(sys.stdin.buffer.read(_MAX_FILE_BYTES + 1), "standard input")
    elif path.startswith(GIT):
        revision, _, below = path.removeprefix(GIT).partition(":")
        for name, raw in revision_files(revision, below or ".", _MAX_FILES, _MAX_BYTES):
            if not below.endswith(name) and not _is_wanted(name, exclude):
                continue
            yield f"{GIT}{revision}:{name}", _limited(raw, name)
    elif os.path.isdir(path):
        yield from _read(sorted(_walk(Path(path), exclude)))
    else:
        yield from _read([Path(path)])


def _is_wanted(name: str, exclude: Iterable[str]) -> bool:
    parts = name.split("/")
    if not name.endswith(_SUFFIXES) or any(part.startswith(".") for part in parts):
        return False
    return not _is_excluded(name, exclude)


def _is_excluded(name: str, exclude: Iterable[str]) -> bool:
    return any(
        fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name.rpartition("/")[2], pattern)
        for pattern in exclude
    )


def _walk(folder: Path, exclude: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    seen = 0
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    seen += 1
                    if seen > _MAX_ENTRIES or len(found) > _MAX_FILES:
                        raise ManifestError(
                            f"{folder}: more than {_MAX_FILES:,} files to read; name the folder"
                            " that the manifests are in"
                        )
                    path = Path(entry.path)
                    relative = path.relative_to(folder).as_posix()
                    if entry.name.startswith(".") or _is_excluded(relative, exclude):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    elif entry.name.endswith(_SUFFIXES) and entry.is_file():
                        found.append(path)
        except OSError as error:
            raise ManifestError(f"{here}: cannot be read: {error.strerror}") from None
    return found


def _read(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            with path.open("rb") as file:
                raw = file.read(_MAX_FILE_BYTES + 1)
        except OSError as error:
            raise ManifestError(f"{path}: cannot be read: {error.strerror}") from None
        yield str(path), _limited(raw, str(path))


def _limited(raw: bytes, name: str) -> bytes:
    if len(raw) > _MAX_FILE_BYTES:
        raise ManifestError(f"{name}: larger than {_MAX_FILE_BYTES:,} bytes; is it the right file?")
    return raw
