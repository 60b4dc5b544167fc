"""Fixtures of the commands' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.linting import PLEX
from tests.cli.trees import Trees


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    """Two empty folders."""
    return Trees(tmp_path)


@pytest.fixture
def plex(tmp_path: Path) -> Path:
    """A file with one warning for `lint`."""
    path = tmp_path / "plex.yaml"
    path.write_text(PLEX)
    return path
