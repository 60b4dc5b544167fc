"""The page docs/cli.md: every command with its usage, options, examples and exit statuses.

    python -m tools.cli_reference > docs/cli.md

Made from the commands themselves.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from homelab_netpol.cli.main import main

_PROGRAM = "homelab-netpol"
# click's mark of a paragraph that is not wrapped.
_AS_IT_IS = "\b"
_HEAD = """# The command line

`homelab-netpol`, or `kubectl netpol` where `kubectl-netpol` is on the PATH: the package installs
both (`uv tool install .` in a checkout). No command writes to a cluster, but for `run`, and
`cleanup --yes`. This page is generated: `python -m tools.cli_reference > docs/cli.md`.

## Exit statuses

The same for all commands, unless one says otherwise.

| Status | Meaning |
|---|---|
| 0 | yes; nothing was found |
| 1 | the answer is no: something was found, is denied or would get wider; or the work failed |
| 2 | the command line, the settings or the input cannot be used; nothing was answered |
| 3 | the cluster could not be read, or only in part; an answer, if there is one, is of that part |

## Completion

`homelab-netpol completion bash|zsh|fish` prints the script for a shell. kubectl (1.26 or newer)
completes `kubectl netpol` by `kubectl_complete-netpol`, which is installed as well.

## Commands
"""


def reference() -> str:
    """Renders the page, in Markdown."""
    found = list(commands(main, _PROGRAM))
    index = [f"| [`{path}`](#{_anchor(path)}) | {command.short_help} |" for path, command in found]
    parts = [_HEAD, "| Command | |", "|---|---|", *index, ""]
    for path, command in found:
        parts += _command(path, command)
    return "\n".join(parts)


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """All commands below a group, in the order of their names; a group before what is in it."""
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def _command(path: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    yield f"### {path}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```\n{path} {usage}\n```\n"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield from _paragraph(paragraph)
    options = [each for each in command.params if isinstance(each, click.Option)]
    if options:
        yield "| Option | Default | Meaning |\n|---|---|---|"
        for option in options:
            yield f"| {_cell(_names(option))} | {_default(option)} | {_cell(option.help or '')} |"
        yield ""


def _paragraph(text: str) -> Iterator[str]:
    if not text.startswith(_AS_IT_IS):
        yield f"{' '.join(text.split())}\n"
        return
    rest = text.removeprefix(_AS_IT_IS).strip("\n").splitlines()
    if rest[0].endswith(":"):
        yield f"{rest.pop(0)}\n"
    yield "\n".join(["```", *inspect.cleandoc("\n".join(rest)).splitlines(), "```\n"])


def _names(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if option.is_flag:
        return names
    context = click.Context(main)
    return f"{names} {option.make_metavar(context).replace('|', ', ')}"


def _default(option: click.Option) -> str:
    if not option.show_default or option.default in (None, ()):
        return ""
    return f"`{option.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(path: str) -> str:
    return path.replace(" ", "-")


if __name__ == "__main__":
    print(reference(), end="")
