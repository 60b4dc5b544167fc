"""When a process was busy, with readings made up by hand."""

from __future__ import annotations

import pytest

from bench.spells import Reading, Spell, spells

STEP = 0.1


def readings(*shares: float) -> list[Reading]:
    """A reading every tenth of a second, with that share of a core used since the last one."""
    found = [Reading(0.0, 0.0)]
    for share in shares:
        found.append(Reading(found[-1].at + STEP, found[-1].cpu + share * STEP))
    return found


def test_an_idle_process_was_never_busy() -> None:
    assert spells(readings(*[0.01] * 50)) == []
    assert spells([]) == []


def test_a_short_pause_does_not_end_a_spell_and_a_long_one_does() -> None:
    busy, pause = [1.0] * 3, [0.0] * 5
    found = spells(readings(*busy, *pause, *busy, *[0.0] * 20, *busy))
    expected = [Spell(0.0, 1.1, 0.6), Spell(3.1, 3.4, 0.3)]
    assert [tuple(spell) for spell in found] == [pytest.approx(tuple(each)) for each in expected]
    assert found[0].seconds == pytest.approx(1.1)


def test_what_hardly_costs_anything_is_no_spell() -> None:
    assert spells(readings(0.0, 0.06, 0.0)) == []
