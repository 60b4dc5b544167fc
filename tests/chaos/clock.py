"""The clock of an operator's node, which a test can set wrong; see `clocked`."""

from __future__ import annotations

from pathlib import Path

# Names the file in which the operator finds by how much its clock is wrong.
VARIABLE = "CHAOS_CLOCK"


class Clock:
    """One clock.

    Attributes:
        environment: the variables that lead an operator to it.
    """

    def __init__(self, folder: Path, offset: float = 0.0) -> None:
        self._file = folder / "clock"
        self.environment = {VARIABLE: str(self._file)}
        self.set(offset)

    def set(self, offset: float) -> None:
        """Sets the clock wrong by so many seconds from now on."""
        partial = self._file.with_suffix(".partial")
        partial.write_text(f"{offset}", encoding="utf-8")
        partial.replace(self._file)
