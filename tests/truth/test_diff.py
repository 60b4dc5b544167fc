"""What `diff` says against Cilium's engine: it says that access widens if, and only if, it does.

Pairs of random trees: worlds of the operator's to which something happens, and policies that others
wrote. The engine judges many connections in both trees, at each end by itself.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from lab.control_plane import Engine
from tests.truth.trees import Move, Pair, is_so, pair_of_policies, pair_of_worlds

SEED = os.environ.get("DIFF_SEED", "1")
PAIRS = int(os.environ.get("DIFF_PAIRS", "20"))
# Where a mistake was found once.
FOUND = ("3/83", "11/357", "21/33")

Judged = list[tuple[Pair, list[Move]]]


@pytest.fixture(scope="module")
def judged(engine: Engine) -> Iterator[Judged]:
    """Each pair, and where the engine lets more or less through."""
    pairs = [pair_of_worlds(f"{SEED}/{number}") for number in range(PAIRS)]
    pairs += [pair_of_policies(f"{SEED}/{number}") for number in range(PAIRS * 2)]
    pairs += map(pair_of_policies, FOUND)
    yield [(pair, pair.judge(engine)) for pair in pairs]
    engine.policies([])


def test_whatever_passes_or_no_longer_passes_is_said(judged: Judged) -> None:
    seen: Counter[bool] = Counter()
    for pair, moves in judged:
        silent = [one for one in moves if not pair.is_said(one)]
        assert not silent, f"DIFF_SEED={SEED} {pair.about}: {silent[0]}\n  {pair.diff}"
        gains = {one.gain for one in moves}
        seen.update(gains)
        assert pair.diff.widens or True not in gains
    assert min(seen[True], seen[False]) > PAIRS // 4, seen


def test_whatever_is_said_for_certain_is_so(engine: Engine, judged: Judged) -> None:
    seen: Counter[bool] = Counter()
    for pair, _ in judged:
        for name, found in pair.differences():
            seen[found.gain] += 1
            assert is_so(engine, pair, name, found), (
                f"DIFF_SEED={SEED} {pair.about}: {name}: {found}"
            )
    assert min(seen[True], seen[False]) > PAIRS // 2, seen
