"""Python's search for garbage, put off while a command reads much that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG_OBJECTS = 50_000
_NEVER = 1_000_000


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Only the youngest objects are gone through, and seldom.

    Thousands of manifests stay until a command ends. To go through all of them again and again
    takes a third of its time.
    """
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG_OBJECTS, _NEVER, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
