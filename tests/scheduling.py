"""Which tests go to the same worker: those of a module, as they share an operator.

pytest-xdist's groups by mark do nothing with pytest 9.2, and its groups by file know nothing of
modules that share what is expensive.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

# These share the homelab, in which the operator has written for every combination of labels.
_HOMELAB = frozenset(f"tests/truth/test_{name}.py" for name in ("truth", "damage", "escape_hatch"))
# Each of its tests has a cluster of its own, so there is nothing to share.
_EACH_BY_ITSELF = frozenset({"tests/docs/test_stories.py"})
# They take longest, so they begin first.
_LONG = ("truth", "worlds", "cli", "image")


class ByModule(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """Gives whole modules to workers, but for those whose tests share nothing."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::", 1)[0]
        if module in _EACH_BY_ITSELF:
            return nodeid
        return "homelab" if module in _HOMELAB else module


def long_ones_first(items: list[pytest.Item]) -> None:
    """Puts the modules of long-running folders first; otherwise the order stays."""
    items.sort(key=lambda item: item.path.parent.name not in _LONG)
