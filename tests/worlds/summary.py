"""What the tests of random worlds say after a run, whichever process they ran in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

# The property of a test's report under which its lines are.
WORLDS_PROPERTY = "worlds"


def lines(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """The lines of all reports that have some."""
    for report in reports:
        for name, text in report.user_properties:
            if name == WORLDS_PROPERTY:
                yield f"worlds: {text}"
