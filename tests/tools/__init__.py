"""Programs that are not Python's, for the tests: built once from pinned Go modules, and kept.

`tool("helm")` is the program, `module_directory("github.com/…")` the sources of a module of which
only files are read. Neither knows what is tested with them.
"""

from tests.tools.binaries import tool
from tests.tools.sources import module_directory

__all__ = ["module_directory", "tool"]
