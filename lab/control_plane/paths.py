"""The lab's folders on a user's machine.

A cache that may be deleted at any time, and the state of what runs in the background.
"""

import os
import sys
from pathlib import Path

APPLICATION = "homelab-netpol"


def cache_directory() -> Path:
    """The folder for what can be built again: `XDG_CACHE_HOME`, or the platform's default."""
    return _directory("XDG_CACHE_HOME", Path(".cache"), Path("Library/Caches"))


def state_directory() -> Path:
    """The folder for what describes running things: `XDG_STATE_HOME`, or the platform's default."""
    return _directory("XDG_STATE_HOME", Path(".local/state"), Path("Library/Application Support"))


def _directory(variable: str, default: Path, macos: Path) -> Path:
    configured = Path(os.environ.get(variable, ""))
    # The XDG specification: a relative path is to be ignored.
    if configured.is_absolute():
        return configured / APPLICATION
    return Path.home() / (macos if sys.platform == "darwin" else default) / APPLICATION
