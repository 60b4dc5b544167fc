"""The smallest set of words that covers what is needed. Pure, and knows nothing of Cilium.

What a word lets pass is a set of bits; rules that allow add up, so words do too. The search is
exact (branch and bound), until it has looked at very many sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    search = _Search(needs, narrow)
    for base in bases:
        search.look(base, words)
    covered = 0
    for word in search.best:
        covered |= word.covers
    unmet = tuple(number for number, need in enumerate(needs) if need & ~covered)
    return Choice(search.best, unmet, search.nodes <= _MOST_NODES)


@dataclass
class _Search:
    needs: Sequence[int]
    narrow: bool
    best: tuple[Word, ...] = ()
    nodes: int = 0
    _cost: Cost | None = None
    _words: list[Word] = field(default_factory=list)

    def look(self, base: Word, words: Sequence[Word]) -> None:
        """Tries a base with all that may be said beside it."""
        fitting = [each for each in words if not each.keys & base.keys]
        reach = base.covers
        for each in fitting:
            reach |= each.covers
        # What nothing covers is no reason to say anything for its other half.
        live = [each for each in self.needs if not each & ~reach]
        dead = len(self.needs) - len(live)
        required = 0
        for need in live:
            required |= need & ~base.covers
        self._words = _undominated(fitting, required)
        self._step((base,), base.covers, base.opens, live, dead)

    def _step(
        self, chosen: tuple[Word, ...], covered: int, opened: int, live: list[int], dead: int
    ) -> None:
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
            self.best, self._cost = chosen, cost
            return
        if self.nodes > _MOST_NODES and self._cost is not None:
            return
        said: frozenset[tuple[str, str]] = frozenset().union(*(each.keys for each in chosen))
        half, options = self._hardest(missing, said)
        for each in options:
            self._step((*chosen, each), covered | each.covers, opened | each.opens, live, dead)
        # Or it stays uncovered: another word may set the same label, and be worth more.
        rest = [need for need in live if not need & half]
        self._step(chosen, covered, opened, rest, dead + len(live) - len(rest))

    def _hardest(self, missing: int, said: frozenset[tuple[str, str]]) -> tuple[int, list[Word]]:
        """The missing bit that the fewest words cover, and these, the most useful first."""
        open_words = [
            each for each in self._words if each.covers & missing and not each.keys & said
        ]
        best: tuple[int, list[Word]] | None = None
        rest = missing
        while rest:
            half = rest & -rest
            rest ^= half
            options = [each for each in open_words if each.covers & half]
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
