"""How many worlds, and from which seed; both are said after the run, and with every failure.

WORLDS and WORLD_SEED, from the environment, choose others.
"""

from __future__ import annotations

import os

import pytest

from tests.cluster.conftest import kube, quick_identities

# The same fixtures, for this folder.
__all__ = ["kube", "quick_identities"]


@pytest.fixture(scope="session")
def world_seed() -> str:
    """The seed of all worlds; any other must do as well."""
    return os.environ.get("WORLD_SEED", "1")


@pytest.fixture(scope="session")
def world_count() -> int:
    """How many worlds the flows are judged in."""
    return int(os.environ.get("WORLDS", "500"))
