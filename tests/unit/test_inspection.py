"""An inspection leaves the process as it was, and knows at once who holds which grant."""

from __future__ import annotations

import contextlib
import gc

from homelab_netpol.cache.intents import IntentCache
from homelab_netpol.garbage import young_garbage_only
from homelab_netpol.intent import Intent


def test_an_inspection_leaves_the_collection_of_garbage_as_it_was() -> None:
    before = gc.get_threshold()
    with contextlib.suppress(RuntimeError), young_garbage_only(10_000):
        assert gc.isenabled(), "others make garbage meanwhile"
        raise RuntimeError
    assert gc.get_threshold() == before


def test_what_an_inspection_still_needs_is_not_looked_through_again_and_again() -> None:
    looked: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            looked.append(info["generation"])

    with young_garbage_only(10_000):
        gc.callbacks.append(note)
        try:
            kept = [[number] for number in range(1_000_000)]
        finally:
            gc.callbacks.remove(note)
    assert kept
    assert set(looked) == {0}


def test_who_holds_a_grant_follows_what_namespaces_want() -> None:
    intents = IntentCache([])
    for name in ("b", "a"):
        intents.put(Intent(name, grants=("postgres", "garage-s3")))
    assert intents.holding_grant("postgres") == ["a", "b"]
    intents.put(Intent("a", grants=("garage-s3",)))
    assert intents.holding_grant("postgres") == ["b"]
    assert intents.holding_grant("garage-s3") == ["a", "b"]
    intents.pop("b")
    intents.pop("never-there")
    assert intents.holding_grant("postgres") == []
    assert intents.holding_grant("unknown") == []
