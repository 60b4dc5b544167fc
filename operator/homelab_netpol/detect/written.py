"""Settings as a file: each line with its evidence in a comment. Pure.

Names come from a cluster, and may be anything: no text ends a comment, and YAML quotes all values.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from homelab_netpol.detect.found import Detected, Entry, Setting
from homelab_netpol.printable import on_one_line

_WIDTH = 100
# What one sentence may take, whatever names it holds.
_LONGEST = 1000
CHECK = "Check:"


def as_file(detected: Detected) -> str:
    """The text of a settings file, which the operator takes as it is."""
    lines = list(_head(detected))
    section = ""
    for setting in _in_order(detected.settings):
        top = setting.path[0]
        if top != section:
            lines.append("")
            if len(setting.path) > 1:
                lines.append(f"{_inline(top)}:")
        section = top
        lines += _setting(setting)
    if detected.confirmed:
        lines += ["", *_comment("As the defaults have it:", "")]
        for sentence in detected.confirmed:
            lines += _comment(f"- {sentence}.", "")
    if detected.questions:
        lines += ["", *_comment("Not sure:", "")]
        for question in detected.questions:
            lines += _comment(f"{CHECK} {_ended(question)}", "")
    return "\n".join(lines) + "\n"


def clean(text: str) -> str:
    """Text on one line, of a length that one sentence may have, and safe in a comment."""
    shown = on_one_line(text[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _head(detected: Detected) -> Iterator[str]:
    yield from _comment(
        "Settings for homelab-netpol, by what stands in the cluster. Lines that begin with"
        f' "# {CHECK}" ask: answer them before you install.',
        "",
    )
    for gap in detected.gaps:
        yield from _comment(f"INCOMPLETE: {_ended(gap)}", "")
    if not detected.settings:
        yield from _comment("Nothing differs from the defaults.", "")


def _in_order(settings: Iterable[Setting]) -> list[Setting]:
    """One section after the other, each whole, as they were found first."""
    order = list(dict.fromkeys(each.path[0] for each in settings))
    return sorted(settings, key=lambda each: order.index(each.path[0]))


def _setting(setting: Setting) -> Iterator[str]:
    depth = len(setting.path) - 1
    indent = "  " * depth
    key = f"{indent}{_inline(setting.path[-1])}:"
    yield from _notes(setting.because, setting.checks, indent)
    if isinstance(setting.value, Entry):
        yield from _notes(setting.value.because, setting.value.checks, indent)
        yield f"{key} {_inline(setting.value.value)}"
    elif not setting.value:
        yield f"{key} []"
    else:
        yield key
        for entry in setting.value:
            yield from _notes(entry.because, entry.checks, f"{indent}  ")
            yield f"{indent}  - {_inline(entry.value)}"


def _notes(because: str, checks: Iterable[str], indent: str) -> Iterator[str]:
    if because:
        yield from _comment(_ended(because[0].upper() + because[1:]), indent)
    for check in checks:
        yield from _comment(f"{CHECK} {_ended(check)}", indent)


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        clean(text),
        _WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def _inline(value: Any) -> str:
    """A value on one line, in YAML's flow style."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=100_000, allow_unicode=False
    )
    return text.removesuffix("\n").removesuffix("\n...").strip()
