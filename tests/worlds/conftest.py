"""How many worlds, and from which seed: said after the run, and with every failure.

WORLDS and WORLD_SEED, from the environment, choose others.
"""

from __future__ import annotations

import os

import pytest

from tests.cluster.conftest import kube  # noqa: F401 - the same fixture, for this folder
from tests.worlds.summary import lines


@pytest.fixture(scope="session")
def world_seed() -> str:
    """The seed of all worlds; any other must do as well."""
    return os.environ.get("WORLD_SEED", "1")


@pytest.fixture(scope="session")
def world_count() -> int:
    """How many worlds the flows are judged in."""
    return int(os.environ.get("WORLDS", "500"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how much was judged; seen when this folder is named on the command line."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
    ]
    for line in lines(reports):
        terminalreporter.write_line(line)
