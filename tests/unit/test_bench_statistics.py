"""The benchmark's arithmetic, with values worked out by hand."""

from __future__ import annotations

import pytest

from bench.figures import Spread, percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.99, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 0.07, 7.0),
        ([float(n) for n in range(1, 251)], 0.99, 248.0),
        ([1.0, 2.0, 3.0], 0.0, 1.0),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.01), ([1.0], -0.1)])
def test_a_percentile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_a_spread_shows_the_median_and_both_ends() -> None:
    spread = Spread.of([1.3, 0.9, 1.1])
    assert (spread.median, spread.least, spread.most) == (1.1, 0.9, 1.3)
    assert spread.text(1) == "1.1 (0.9..1.3)"


def test_a_single_round_shows_no_spread() -> None:
    assert Spread.of([0.0]).text(0) == "0"
    with pytest.raises(ValueError, match="round"):
        Spread.of([])
