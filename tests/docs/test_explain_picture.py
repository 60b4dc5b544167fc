"""The picture on the page of `explain` is what the command draws for the file of that page."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from homelab_netpol.cli.main import main
from tests.docs.pages import ROOT, SavedFile, steps_in

PAGE = "docs/explain.md"


def test_the_picture_is_up_to_date(tmp_path: Path) -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    [saved] = [step for step in steps_in(text, PAGE) if isinstance(step, SavedFile)]
    cluster = tmp_path / saved.name
    cluster.write_text(saved.content, encoding="utf-8")
    drawn = CliRunner().invoke(main, ["explain", "-f", str(cluster), "-n", "photos", "-o", "svg"])
    shown = (ROOT / "docs" / "explain.svg").read_text(encoding="utf-8")
    remedy = "homelab-netpol explain -f cluster.yaml -n photos -o svg > docs/explain.svg"
    assert drawn.stdout == shown, f"draw it again: {remedy}"
