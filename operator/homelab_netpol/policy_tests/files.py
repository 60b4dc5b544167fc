"""Finds the files of policy tests that a command was given, and reads them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from homelab_netpol.policy_tests.model import PolicyTest
from homelab_netpol.policy_tests.read import SUFFIXES, BrokenTestFile, read_tests

_MAX_FILES = 1_000
_MAX_ENTRIES = 200_000
_MAX_BYTES = 8 * 1024 * 1024


def read_test_files(paths: Iterable[Path]) -> list[PolicyTest]:
    """The tests of files, and of all files below folders that are named as such.

    Raises:
        BrokenTestFile: one is not there, cannot be used, or is a folder without any; one line a
            problem.
    """
    found: list[PolicyTest] = []
    problems: list[str] = []
    for path in dict.fromkeys(file for given in paths for file in _files(given)):
        try:
            with path.open("rb") as opened:
                raw = opened.read(_MAX_BYTES + 1)
            if len(raw) > _MAX_BYTES:
                raise BrokenTestFile(f"{path}: larger than {_MAX_BYTES:,} bytes")
            found += read_tests(raw, str(path))
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}")
        except BrokenTestFile as error:
            problems.append(str(error))
    if problems:
        raise BrokenTestFile("\n".join(problems))
    return found


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found: list[Path] = []
    seen = 0
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [Path(folder, name) for name in sorted(names) if name.endswith(SUFFIXES)]
        seen += len(names)
        if seen > _MAX_ENTRIES or len(found) > _MAX_FILES:
            raise BrokenTestFile(
                f"{path}: more than {_MAX_FILES:,} test files, or {_MAX_ENTRIES:,} files, below it;"
                " name a folder with fewer"
            )
    if not found:
        raise BrokenTestFile(f"{path}: no file below it ends in {' or '.join(SUFFIXES)}")
    yield from found
