"""The demo's screen as an SVG, for a README: no fonts or anything else from elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import TerminalTheme

from lab.demo.errors import DemoError

_TITLE = "homelab-netpol demo"
_COLUMNS = 96

# Background, foreground, and the eight named colours; light enough to be read when scaled down.
_THEME = TerminalTheme(
    (24, 28, 36),
    (222, 226, 232),
    [
        (24, 28, 36),
        (255, 107, 107),
        (126, 208, 126),
        (229, 192, 123),
        (110, 168, 254),
        (232, 140, 200),
        (104, 204, 222),
        (222, 226, 232),
    ],
)

# Rich's own frame loads its font from a server; a picture in a README must not.
_FRAME = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>homelab-netpol demo</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def save_picture(content: RenderableType, path: Path) -> None:
    """Writes a picture of what a terminal of a fixed width would show.

    Raises:
        DemoError: the file cannot be written.
    """
    # Independent of the terminal at hand, so that the same screen gives the same picture.
    console = Console(
        record=True,
        file=io.StringIO(),
        width=_COLUMNS,
        force_terminal=True,
        color_system="truecolor",
        no_color=False,
        legacy_windows=False,
    )
    console.print(content)
    svg = console.export_svg(title=_TITLE, theme=_THEME, code_format=_FRAME, unique_id="demo")
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise DemoError(f"cannot write the picture {path}: {error}") from error
