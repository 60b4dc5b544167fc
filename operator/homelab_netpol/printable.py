"""Text from elsewhere, without what would move a cursor, colour a terminal or turn a line. Pure."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with each such character as its number; its own lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else f"\\x{ord(each):02x}" for each in text
    )


def on_one_line(text: str) -> str:
    """Likewise, with a space for each line break and tab."""
    return printable(" ".join(text.replace("\t", " ").splitlines()))
