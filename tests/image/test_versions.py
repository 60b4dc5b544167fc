"""One version, everywhere; and a release is refused while anything of it is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from homelab_netpol import __version__
from tests.image.conftest import ROOT
from tests.image.release import NotReady, check, notes, versions


def test_every_file_that_names_the_version_names_the_same() -> None:
    said = versions()
    assert set().union(*said.values()) == {__version__}
    assert all(said.values()), "a place does not name it any more"
    assert len(said["charts/homelab-netpol/Chart.yaml"]) == 2


def test_a_release_of_another_version_is_refused_and_says_where_it_stands() -> None:
    with pytest.raises(NotReady) as refused:
        check("99.0.0")
    for place in versions():
        assert f"{place} says" in str(refused.value)


def test_a_release_of_which_the_changelog_says_nothing_is_refused() -> None:
    with pytest.raises(NotReady, match=r"CHANGELOG.md has no section \[99.0.0\]"):
        notes("99.0.0")


def test_the_notes_are_the_changelogs_section(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(_CHANGELOG, encoding="utf-8")
    assert notes("1.1.0", tmp_path) == "### Added\n\n- More.\n"
    assert notes("1.0.0", tmp_path) == "- All.\n"
    for without in ("Unreleased", "1.0"):
        with pytest.raises(NotReady):
            notes(without, tmp_path)


def test_the_command_needs_nothing_but_python() -> None:
    command = [sys.executable, "-I", "-S", "-c", _RUN.format(root=str(ROOT))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "not 99.0.0" in done.stderr


_CHANGELOG = """# Changelog

## [Unreleased]

## [1.1.0] - 2026-12-01

### Added

- More.

## [1.0.0] - 2026-11-01

- All.
"""
_RUN = """
import sys
sys.path.insert(0, {root!r})
from tests.image.release import main
sys.exit(main(["check", "99.0.0"]))
"""
