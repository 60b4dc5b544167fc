"""SVG pictures and other XML, as the tests look into them."""

from __future__ import annotations

from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def parsed(text: str) -> ElementTree.Element:
    """The root of what the code under test has just drawn or written."""
    return ElementTree.fromstring(text)  # noqa: S314 - by our own code, not from outside
