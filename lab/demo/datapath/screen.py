"""Prints what happens to packets, a line each, as it happens. Nothing is decided here.

Colours are as in the other demo: the terminal's own, and never the only sign of anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from lab.datapath.drops import Drop
from lab.datapath.packets import Outcome, Probe

_COLOURS = {Outcome.PASSED: "green", Outcome.DROPPED: "magenta", Outcome.LOST: "bold red"}
_PROBE_COLUMNS = 44
_OUTCOME_COLUMNS = 9


class Screen:
    """Prints on a console; lines are left unbroken, so that they can be copied."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self, versions: Mapping[str, str], options: Sequence[str]) -> None:
        """What runs, and with which settings of Cilium's agent."""
        ran = ", ".join(f"{name.capitalize()} {version}" for name, version in versions.items())
        self._say(Text.assemble(("homelab-netpol", "bold"), f" on real packets ({ran})"))
        self._say(
            Text(
                "Cilium's agent runs as docs/datapath.md recommends: the operator's labels left out"
                " of identities,\nand no delay before an identity changes:"
            )
        )
        for option in options:
            self._say(Text(f"  {option}", style="dim"))
        self._say(
            Text(
                "passed: an answer came. dropped: the agent says so of just this packet.\n"
                "ms: from sending the label until the first packet that passed, or was dropped, was"
                " sent.",
                style="dim",
            )
        )

    def section(self, title: str) -> None:
        """The heading of a step."""
        self._say(Text(f"\n{title}", style="bold"))

    def command(self, command: str) -> None:
        """What a person would type."""
        self._say(Text(f"$ {command}", style="cyan"))

    def packet(self, probe: Probe, outcome: Outcome, remark: str = "") -> None:
        """What became of a packet."""
        line = Text.assemble(
            f"{probe!s:{_PROBE_COLUMNS}}",
            (f"{outcome.value:{_OUTCOME_COLUMNS}}", _COLOURS[outcome]),
            remark,
        )
        line.rstrip()
        self._say(line)

    def drop(self, drop: Drop) -> None:
        """Hubble's own words for a drop."""
        flow = drop.flow["flow"]
        said = f"Hubble: {flow['verdict']} {drop.reason} {flow['traffic_direction']}"
        ends = " -> ".join(
            f"{flow[end]['namespace']}/{flow[end]['pod_name']}:{port} (ID:{flow[end]['identity']})"
            for end, (_, port) in (("source", drop.source), ("destination", drop.target))
        )
        self._say(Text(f"{said} {ends}"))

    def end(self, text: str) -> None:
        """The last line."""
        self._say(Text(f"\n{text}", style="bold green"))

    def _say(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)
