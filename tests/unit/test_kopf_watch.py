"""How far one of Kopf's watches is behind: nothing that is only on its way counts."""

from __future__ import annotations

import pytest

from homelab_netpol.watch.kopf_watch import KopfWatch, WatchBehind


class Clock:
    """Monotonic time that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Time that stands still until it is moved."""
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> KopfWatch:
    """A watch of Namespaces, of which a list has shown that `app` is at version 20."""
    watch = KopfWatch("namespaces", clock)
    watch.compare({"app": 20}, {"app", "shop"})
    return watch


def event(name: str, version: int, kind: str | None = "MODIFIED") -> dict[str, object]:
    return {
        "type": kind,
        "object": {"metadata": {"name": name, "resourceVersion": str(version)}},
    }


def test_a_watch_is_behind_from_the_first_list_that_shows_more(
    watch: KopfWatch, clock: Clock
) -> None:
    clock.now += 7
    watch.compare({"app": 25}, {"app", "shop"})
    assert watch.behind_seconds == 7
    assert watch.stale_because() is None, "it may be on its way"
    clock.now += 4
    assert watch.stale_because() == (
        "the watch of namespaces is behind: for 11 s it has not delivered what lists show"
    )


def test_what_the_watch_delivers_later_makes_it_current(watch: KopfWatch, clock: Clock) -> None:
    clock.now += 60
    watch.delivered(event("shop", 30))
    watch.delivered(event("app", 19))
    assert watch.behind_seconds == 60, "an older state of it is not it"
    watch.delivered(event("app", 21))
    assert watch.behind_seconds == 0


def test_a_deletion_that_a_gap_swallowed_does_not_count(watch: KopfWatch, clock: Clock) -> None:
    clock.now += 60
    watch.compare({}, {"shop"})
    assert watch.behind_seconds == 0


def test_a_watch_that_stays_behind_ends_the_operator(watch: KopfWatch, clock: Clock) -> None:
    clock.now += 119
    watch.check()
    clock.now += 2
    with pytest.raises(WatchBehind, match="for 121 s it has not delivered"):
        watch.check()


def test_only_an_event_of_the_watch_itself_is_a_sign_of_life(
    watch: KopfWatch, clock: Clock
) -> None:
    watch.delivered(event("app", 20, kind=None))
    assert watch.heard_at < 0
    watch.delivered(event("app", 20))
    assert watch.heard_at == clock.now
