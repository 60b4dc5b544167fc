"""`python -m tests.tools`: builds all programs that are not built yet, and says where they are."""

from __future__ import annotations

from tests.tools.binaries import PROGRAMS, tool


def main() -> None:
    """Builds what is missing."""
    for names in PROGRAMS.values():
        for name in names:
            print(f"{name}: {tool(name)}")


if __name__ == "__main__":
    main()
