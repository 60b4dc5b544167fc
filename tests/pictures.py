"""SVG pictures, as the tests look into them."""

from __future__ import annotations

from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    """The root of a picture that the code under test has just drawn."""
    return ElementTree.fromstring(svg)  # noqa: S314 - drawn by our own code, not from outside
