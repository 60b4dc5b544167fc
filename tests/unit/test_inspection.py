"""An inspection leaves the process as it was, and knows at once who holds which grant."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref

from homelab_netpol.cache.intents import IntentCache
from homelab_netpol.cluster.snapshot import Pause, young_garbage_only
from homelab_netpol.intent import Intent


class Node:
    """Something that can be part of a cycle."""

    def __init__(self) -> None:
        self.other: Node | None = None


def test_garbage_is_collected_again_after_an_inspection_that_failed() -> None:
    with contextlib.suppress(RuntimeError), young_garbage_only():
        assert not gc.isenabled()
        raise RuntimeError
    assert gc.isenabled()


def test_an_inspection_that_takes_long_does_not_keep_the_garbage_of_others() -> None:
    async def others_make_cycles() -> weakref.ref[Node]:
        one, other = Node(), Node()
        one.other, other.other = other, one
        many = [[number] for number in range(20_000)]
        gone = weakref.ref(one)
        del one, other
        seconds = iter(range(0, 100, 10))
        pause = Pause(clock=lambda: float(next(seconds)))
        await pause.between_steps()
        assert many
        return gone

    with young_garbage_only():
        assert asyncio.run(others_make_cycles())() is None


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
