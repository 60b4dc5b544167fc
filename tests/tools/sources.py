"""Files of other projects, such as the definitions of their kinds, from their pinned Go modules."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from tests.tools.go_command import go_command, toolchain

_MODULE = Path(__file__).with_name("sources")


@functools.cache
def module_directory(path: str) -> Path:
    """The sources of a module that sources/go.mod requires; downloads them if need be.

    What was downloaded is held against the hash in go.sum, beside it.

    Raises:
        BuildError: go.mod does not require it, or it cannot be had, with what Go said.
    """
    said = go_command(toolchain(_MODULE), ["mod", "download", "-json", path], _MODULE)
    return Path(json.loads(said)["Dir"])
