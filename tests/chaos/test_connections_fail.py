"""The way to the API server fails in every manner that a connection can, while all are busy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.chaos.proxied import Spell, arranged, endure
from tests.chaos.scene import Scene
from tests.cluster import faults
from tests.cluster.faulty_proxy import FaultyProxy

WATCH = "watch=true"


@contextmanager
def refused(proxy: FaultyProxy) -> Iterator[None]:
    """Nobody is there."""
    with proxy.away():
        yield


@contextmanager
def cut(proxy: FaultyProxy) -> Iterator[None]:
    """All connections are reset, and so is every new one."""
    with proxy.fault(faults.reset):
        proxy.cut()
        yield


@contextmanager
def truncated(proxy: FaultyProxy) -> Iterator[None]:
    """Every answer ends in its middle, and every watch in the middle of its first line."""
    with proxy.fault(faults.truncate):
        proxy.cut()
        yield


@contextmanager
def watches_cut(proxy: FaultyProxy) -> Iterator[None]:
    """Watches are reset as soon as they are opened; all else works."""
    with proxy.fault(faults.reset, path=WATCH):
        proxy.cut()
        yield


@contextmanager
def watches_silent(proxy: FaultyProxy) -> Iterator[None]:
    """Watches open, and bring nothing."""
    with proxy.fault(faults.silence, path=WATCH):
        proxy.cut()
        yield


@contextmanager
def unanswered(proxy: FaultyProxy) -> Iterator[None]:
    """Nothing is answered."""
    with proxy.fault(faults.hang):
        proxy.cut()
        yield


@contextmanager
def answers_lost(proxy: FaultyProxy) -> Iterator[None]:
    """What is asked for is done, but nobody says so."""
    with proxy.fault(faults.carry_out_then_reset, methods=["POST", "PUT", "DELETE"]):
        yield


@contextmanager
def slow(proxy: FaultyProxy) -> Iterator[None]:
    """Every answer takes 300 ms longer."""
    with proxy.fault(faults.slow(0.3)):
        proxy.cut()
        yield


SPELLS: dict[str, Spell] = {
    "connections refused": refused,
    "connections cut": cut,
    "answers cut off": truncated,
    "watches cut": watches_cut,
    "watches silent": watches_silent,
    "no answers": unanswered,
    "answers lost": answers_lost,
    "slow answers": slow,
}


@pytest.mark.parametrize("spells", arranged(SPELLS), ids=" ".join)
def test_no_promise_is_broken_while_connections_fail(
    spells: Mapping[str, Spell], scene: Scene
) -> None:
    endure(scene, spells)
