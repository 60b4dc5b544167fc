"""Garbage is put off for work that ends, and not for work that does not."""

from __future__ import annotations

import gc
import weakref

from homelab_netpol.garbage import what_stays_left_alone, young_garbage_only


class _Ring:
    """Garbage that only a search finds."""

    def __init__(self) -> None:
        self.itself: _Ring | None = self


def test_what_outlives_one_look_is_found_later_in_work_without_an_end() -> None:
    before = gc.get_threshold()
    with young_garbage_only(50_000), what_stays_left_alone():
        ring = _Ring()
        dead = weakref.ref(ring)
        gc.collect(1)  # it is old by now
        del ring
        kept: list[list[int]] = [[] for _ in range(700 * 11 * 12)]
        assert dead() is None, f"{len(kept)} objects later"
    assert gc.get_threshold() == before
