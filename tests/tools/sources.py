"""Files of other projects, such as the definitions of their kinds, from their pinned Go modules."""

from __future__ import annotations

import functools
from pathlib import Path

from lab.control_plane import go_command

_MODULE = Path(__file__).with_name("sources")


@functools.cache
def module_directory(path: str) -> Path:
    """The sources of a module that sources/go.mod requires; see `go_command.module_directory`."""
    return go_command.module_directory(_MODULE, path, go_command.toolchain(_MODULE))
