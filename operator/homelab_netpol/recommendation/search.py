"""The smallest set of words that covers what is needed. Pure, and knows nothing of Cilium.

What a word lets pass is a set of bits; rules that allow add up, so words do too. The search is
exact (branch and bound), until it has looked at very many sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homelab_netpol.access.fixes import Change

# Some seconds of work; clusters of real households need a few hundred.
_MOST_NODES = 50_000


@dataclass(frozen=True, slots=True)
class Word:
    """Labels and annotations that only make sense together, and objects that they need.

    Attributes:
        change: what is written.
        covers: of the needed halves of connections those that it lets pass, as bits.
        opens: of connections that nobody needs those that it lets pass, as bits.
    """

    change: Change
    covers: int
    opens: int = 0

    @property
    def size(self) -> int:
        """How much is written: each label, annotation and object is one."""
        return len(self.change.settings) + len(self.change.objects)

    @property
    def keys(self) -> frozenset[tuple[str, str]]:
        """What it sets: of two words that set the same, only one can be said."""
        return frozenset((each.namespace, each.key) for each in self.change.settings)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found.

    Attributes:
        words: the base first.
        unmet: the numbers of the needs that it does not cover.
        is_smallest: proven to be; else the search ended before that.
    """

    words: tuple[Word, ...]
    unmet: tuple[int, ...]
    is_smallest: bool


Cost = tuple[int, int, int]


def choose(
    bases: Sequence[Word], words: Sequence[Word], needs: Sequence[int], *, narrow: bool = False
) -> Choice:
    """The best choice of one base, and any of the words beside it.

    First it covers the most needs; then it is the smallest, then it opens the least beside. Of
    several that are as good, the first.

    Args:
        bases: of which exactly one is said; at least one.
        words: beside it.
        needs: of each the bits that must be covered, all of them.
        narrow: what opens the least comes before what is the smallest.
    """
    best: tuple[Cost, tuple[Word, ...]] | None = None
    is_smallest = True
    for base in bases:
        found = _Beside(base, words, needs, narrow)
        is_smallest = is_smallest and found.is_smallest
        if best is None or found.cost < best[0]:
            best = (found.cost, (base, *found.chosen))
    chosen = best[1] if best is not None else ()
    covered = 0
    for word in chosen:
        covered |= word.covers
    unmet = tuple(number for number, need in enumerate(needs) if need & ~covered)
    return Choice(chosen, unmet, is_smallest)


class _Beside:
    """What is best said beside one base.

    Attributes:
        chosen: the words.
        cost: of all of it, with the base.
        is_smallest: proven to be.
    """

    def __init__(
        self, base: Word, words: Sequence[Word], needs: Sequence[int], narrow: bool
    ) -> None:
        fitting = [each for each in words if not each.keys & base.keys]
        reach = base.covers
        for each in fitting:
            reach |= each.covers
        # What nothing covers is no reason to say anything for its other half.
        live = [each & ~base.covers for each in needs if not each & ~reach]
        dead = len(needs) - len(live)
        required = 0
        for need in live:
            required |= need
        self.chosen: tuple[Word, ...] = ()
        self.is_smallest = True
        opened = base.opens
        for part_words, part_needs in _parts(_undominated(fitting, required), live, base.opens):
            part = _Part(part_words, narrow)
            part.step((), 0, base.opens, part_needs, 0)
            self.chosen += part.best
            self.is_smallest = self.is_smallest and part.nodes <= _MOST_NODES
            dead += part.dead
            for word in part.best:
                opened |= word.opens
        size = base.size + sum(each.size for each in self.chosen)
        opens = opened.bit_count()
        self.cost: Cost = (dead, opens, size) if narrow else (dead, size, opens)


def _parts(
    words: Sequence[Word], needs: Sequence[int], opened: int
) -> list[tuple[list[Word], list[int]]]:
    """Divides a search into several that have nothing in common: no bit, no label, no need."""
    found: list[tuple[set[object], list[Word], list[int]]] = []
    things: list[tuple[set[object], list[Word], list[int]]] = [
        (_marks("covers", need), [], [need]) for need in needs if need
    ]
    things += [
        (
            _marks("covers", word.covers) | _marks("opens", word.opens & ~opened) | set(word.keys),
            [word],
            [],
        )
        for word in words
    ]
    for marks, some_words, some_needs in things:
        apart = []
        for part in found:
            if part[0] & marks:
                marks |= part[0]
                some_words, some_needs = [*part[1], *some_words], [*part[2], *some_needs]
            else:
                apart.append(part)
        found = [*apart, (marks, some_words, some_needs)]
    return [(some_words, some_needs) for _, some_words, some_needs in found if some_needs]


def _marks(kind: str, bits: int) -> set[object]:
    return {(kind, number) for number in range(bits.bit_length()) if bits >> number & 1}


@dataclass
class _Part:
    """A search of its own, by branch and bound."""

    words: Sequence[Word]
    narrow: bool
    best: tuple[Word, ...] = ()
    dead: int = 0
    nodes: int = 0
    _cost: Cost | None = None

    def step(
        self, chosen: tuple[Word, ...], covered: int, opened: int, live: list[int], dead: int
    ) -> None:
        """Goes on from some words, by which some needs are given up."""
        self.nodes += 1
        size = sum(each.size for each in chosen)
        opens = opened.bit_count()
        cost = (dead, opens, size) if self.narrow else (dead, size, opens)
        if self._cost is not None and cost >= self._cost:
            return  # each part of it only grows
        missing = 0
        for need in live:
            missing |= need & ~covered
        if not missing:
            self.best, self.dead, self._cost = chosen, dead, cost
            return
        if self.nodes > _MOST_NODES and self._cost is not None:
            return
        said: frozenset[tuple[str, str]] = frozenset().union(*(each.keys for each in chosen))
        half, options = self._hardest(missing, said)
        for each in options:
            self.step((*chosen, each), covered | each.covers, opened | each.opens, live, dead)
        # Or it stays uncovered: another word may set the same label, and be worth more.
        rest = [need for need in live if not need & half]
        self.step(chosen, covered, opened, rest, dead + len(live) - len(rest))

    def _hardest(self, missing: int, said: frozenset[tuple[str, str]]) -> tuple[int, list[Word]]:
        """The missing bit that the fewest words cover, and these, the most useful first."""
        fitting = [each for each in self.words if each.covers & missing and not each.keys & said]
        best: tuple[int, list[Word]] | None = None
        rest = missing
        while rest:
            half = rest & -rest
            rest ^= half
            options = [each for each in fitting if each.covers & half]
            if best is None or len(options) < len(best[1]):
                best = (half, options)
            if len(options) <= 1:
                break
        half, options = best or (missing & -missing, [])
        options.sort(key=lambda each: (-(each.covers & missing).bit_count() / each.size, each.size))
        return half, options


def _undominated(words: Sequence[Word], required: int) -> list[Word]:
    """Without those for which another one does at least as well, and costs no more."""
    useful = [each for each in words if each.covers & required]
    kept: list[Word] = []
    for number, word in enumerate(useful):
        covers = word.covers & required
        if not any(
            not covers & ~other.covers
            and other.size <= word.size
            and not other.opens & ~word.opens
            and other.keys <= word.keys
            and (number > place or not _same(other, word, required))
            for place, other in enumerate(useful)
            if other is not word
        ):
            kept.append(word)
    return kept


def _same(one: Word, other: Word, required: int) -> bool:
    return (one.covers & required, one.size, one.opens, one.keys) == (
        other.covers & required,
        other.size,
        other.opens,
        other.keys,
    )
