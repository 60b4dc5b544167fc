"""Tables of Markdown, with text from elsewhere in them."""

from __future__ import annotations

from homelab_netpol.cli.output import markdown_table


def test_nothing_from_elsewhere_is_html_ends_a_row_or_moves_the_cursor() -> None:
    cells = ["<script>", "a|b", "a\nb", "\x1b[2J"]
    head, line, *rows = markdown_table(["A", "B", "C", "D"], [cells]).splitlines()
    assert (head, line) == ("| A | B | C | D |", "| --- | --- | --- | --- |")
    assert rows == [r"| &lt;script> | a\|b | a<br>b | \x1b[2J |"]
