"""Python's search for garbage, put off while much is made that stays. Pure."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER = 1_000_000_000
# Python's own.
_USUAL = (700, 10, 10)


@contextmanager
def young_garbage_only(objects: int) -> Iterator[None]:
    """Meanwhile garbage is collected among the youngest objects only.

    Hundreds of thousands of objects stay until the work is done. To look again and again through
    those that are still needed would cost pauses of a tenth of a second, and a third of the time.

    Args:
        objects: how many make it worth to look through them.
    """
    before = gc.get_threshold()
    gc.set_threshold(objects, _NEVER, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def what_stays_left_alone() -> Iterator[None]:
    """Meanwhile garbage is collected as usual, but not looked for in what there is already.

    For work without an end, within `young_garbage_only`: what outlives one look and then becomes
    garbage would stay for ever.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_USUAL)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
