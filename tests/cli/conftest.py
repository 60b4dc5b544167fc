"""Fixtures of the commands' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.trees import Trees


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    """Two empty folders."""
    return Trees(tmp_path)
