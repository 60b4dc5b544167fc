"""Reads the documentation: which pages there are, and what each shows, in order.

A page shows steps. A command stands in a block of the language `sh`, or after `$ ` in one of the
language `console`, where the lines after it are what it prints. A block whose first line is
`# NAME.yaml` is a file that the reader saves under this name.

Knows nothing of running commands.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The shell that the pages are written for.
BASH = shutil.which("bash") or "bash"

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)")
_FILE_NAME = re.compile(r"^# (?P<name>[\w./-]+\.ya?ml)$")
_OWN_OBJECT = "apiVersion: network-policy.homelab/"


@dataclass(frozen=True)
class Command:
    """Something to type.

    Attributes:
        text: the command, as it is typed.
        page: the page that shows it, from the repository's top.
        line: the line where it stands.
        printed: what the page shows of its output; None if it shows none.
    """

    text: str
    page: str
    line: int
    printed: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


@dataclass(frozen=True)
class SavedFile:
    """A file that the reader is to save.

    Attributes:
        name: under which name, in the folder where the commands run.
        content: what is in it.
    """

    name: str
    content: str


Step = Command | SavedFile


@dataclass(frozen=True)
class _Block:
    language: str
    line: int
    lines: tuple[str, ...]


def pages() -> list[str]:
    """Every page that is held to its word, from the repository's top."""
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    found += (ROOT / "manifests").rglob("README.md")
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@functools.cache
def steps(page: str) -> tuple[Step, ...]:
    """What a page shows, in order."""
    return tuple(steps_in((ROOT / page).read_text(encoding="utf-8"), page))


def steps_in(text: str, page: str) -> Iterator[Step]:
    """What a page with this text shows, in order."""
    for block in _blocks(text, page):
        yield from _steps_of(block, page)


@functools.cache
def commands(page: str) -> tuple[Command, ...]:
    """The commands that a page shows, in order."""
    return tuple(step for step in steps(page) if isinstance(step, Command))


def _steps_of(block: _Block, page: str) -> Iterator[Step]:
    if block.language == "sh":
        for line, text, _ in _shell_commands(block):
            yield Command(text, page, line)
    elif block.language == "console":
        for line, text, printed in _shell_commands(block, prompt="$ "):
            yield Command(text, page, line, printed)
    elif block.language in ("yaml", "json") and block.lines:
        named = _FILE_NAME.match(block.lines[0])
        if named:
            yield SavedFile(named["name"], "\n".join(block.lines) + "\n")
        elif block.lines[0].startswith(_OWN_OBJECT):
            text = "\n".join(("kubectl apply -f - <<'EOF'", *block.lines, "EOF"))
            yield Command(text, page, block.line)


def _blocks(text: str, page: str) -> Iterator[_Block]:
    language, indent, begin = "", "", 0
    inside: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if inside is None:
            if fence:
                language, indent = fence["language"], fence["indent"]
                inside, begin = [], number + 1
        elif fence and not fence["language"]:
            yield _Block(language, begin, tuple(inside))
            inside = None
        else:
            inside.append(line.removeprefix(indent))
    assert inside is None, f"{page}: the block that begins before line {begin} has no end"


def _shell_commands(
    block: _Block, prompt: str = ""
) -> Iterator[tuple[int, str, tuple[str, ...] | None]]:
    """Each command with its line and, where there is a prompt, the lines up to the next one."""
    lines = list(enumerate(block.lines, block.line))
    while lines:
        number, line = lines.pop(0)
        if prompt and not line.startswith(prompt):
            continue
        text = line.removeprefix(prompt)
        if not prompt and (not text.strip() or text.lstrip().startswith("#")):
            continue
        while lines and not _is_complete(text):
            text += "\n" + lines.pop(0)[1].removeprefix("> " if prompt else "")
        printed: list[str] = []
        while prompt and lines and not lines[0][1].startswith(prompt):
            printed.append(lines.pop(0)[1])
        yield number, text, tuple(printed) if prompt else None


@functools.cache
def _is_complete(text: str) -> bool:
    """Whether a shell would begin to work on it, or ask for another line."""
    if text.endswith("\\"):
        return False
    # Of a here-document without its end bash only warns.
    checked = subprocess.run([BASH, "-n", "-c", text], capture_output=True, check=False)
    return checked.returncode == 0 and not checked.stderr
