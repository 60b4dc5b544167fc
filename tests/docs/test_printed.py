"""What is compared with a page, and what is not."""

from __future__ import annotations

import pytest

from tests.docs.printed import differences


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("NAME   AGE\nmine   3s", "NAME     AGE\nmine     4m12s"),
        ("at 2026-03-01T18:00:00Z", "at 2026-11-21T17:43:51.123456Z"),
        ("first\n...\nlast", "first\nsecond\nlast"),
        ("AGE\n5s", "AGE\n2s (x3 over 1m)"),
    ],
)
def test_what_differs_each_time_is_no_difference(shown: str, printed: str) -> None:
    assert differences(shown.splitlines(), printed) == ""


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("the profile internal", "the profile standard"),
        ("first\nsecond", "second\nfirst"),
        ("one\none", "one"),
        ("port 5432", "port 5433"),
    ],
)
def test_another_word_order_or_number_is_one(shown: str, printed: str) -> None:
    assert differences(shown.splitlines(), printed)
