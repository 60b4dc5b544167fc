"""The search finds what trying every set finds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.access.fixes import Change, Setting
from homelab_netpol.recommendation.search import Choice, Word, choose

_BITS = 6


@st.composite
def words(draw: st.DrawFn) -> Word:
    keys = draw(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=2, unique=True))
    settings_ = tuple(Setting("my-app", key, draw(st.sampled_from("xy"))) for key in keys)
    covers = draw(st.integers(0, 2**_BITS - 1))
    return Word(Change(settings_), covers, draw(st.integers(0, 15)))


bases = st.builds(
    lambda value, covers, opens: Word(
        Change((Setting("my-app", "profile", value),)), covers, opens
    ),
    st.sampled_from(["isolated", "internal", "standard"]),
    st.integers(0, 2**_BITS - 1),
    st.integers(0, 15),
)
needs = st.lists(st.sampled_from([1, 2, 3, 4, 8, 12, 16, 32, 48]), max_size=6)


def cost(chosen: Sequence[Word], wanted: Sequence[int], *, narrow: bool) -> tuple[int, int, int]:
    covered = opened = 0
    for word in chosen:
        covered |= word.covers
        opened |= word.opens
    unmet = sum(1 for need in wanted if need & ~covered)
    size, opens = sum(each.size for each in chosen), opened.bit_count()
    return (unmet, opens, size) if narrow else (unmet, size, opens)


def can_be_said(chosen: Sequence[Word]) -> bool:
    keys = [key for word in chosen for key in word.keys]
    return len(keys) == len(set(keys))


@settings(max_examples=400)
@given(st.lists(bases, min_size=1, max_size=3), st.lists(words(), max_size=7), needs, st.booleans())
def test_no_set_of_words_is_better_than_the_one_that_is_found(
    some_bases: list[Word], some_words: list[Word], wanted: list[int], narrow: bool
) -> None:
    found: Choice = choose(some_bases, some_words, wanted, narrow=narrow)
    every = chain.from_iterable(
        combinations(some_words, size) for size in range(len(some_words) + 1)
    )
    sets = [
        (base, *chosen) for chosen in every for base in some_bases if can_be_said((base, *chosen))
    ]
    assert found.is_smallest
    assert can_be_said(found.words)
    assert cost(found.words, wanted, narrow=narrow) == min(
        cost(each, wanted, narrow=narrow) for each in sets
    )
    covered = 0
    for word in found.words:
        covered |= word.covers
    unmet = tuple(number for number, need in enumerate(wanted) if need & ~covered)
    assert found.unmet == unmet
