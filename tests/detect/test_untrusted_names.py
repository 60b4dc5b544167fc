"""Whatever a cluster's objects are called, the file stays one that the operator takes."""

from __future__ import annotations

import contextlib
import copy
import string
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.detect import as_file, detect
from homelab_netpol.detect.written import clean
from homelab_netpol.manifests import Manifest, ManifestError, ManifestSet, Source
from homelab_netpol.settings import parse_settings
from tests.detect.dumps import CLUSTERS

_NASTY = (
    "x\nlabelDomain: evil",
    "x\u2028labelDomain: evil",
    "x\x85labelDomain: evil",
    "x\r# Check: nothing",
    "\x1b[2J\x1b[31mred",
    "a: {b}",
    "'\"",
    "- x",
    "true",
    "*-system",
    "\u202eneg",
    "x" * 3000,
)
_NAMES = st.one_of(
    st.sampled_from(_NASTY),
    st.text(min_size=1, max_size=20),
    st.text(string.ascii_lowercase + "-.", min_size=1, max_size=70),
)
# What its author calls things by, and no chart.
_SOUGHT = ("name", "namespace", "app.kubernetes.io/instance", "cnpg.io/cluster", "gatewayClassName")
_ALL = [
    document
    for name in ("base", "envoy-gateway", "ingress-nginx", "traefik", "companions", "homelab")
    for document in yaml.safe_load_all((CLUSTERS / f"{name}.yaml").read_text(encoding="utf-8"))
]


def places(value: Any, key: str = "", path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all names."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, name, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, key, (*path, index))
    elif isinstance(value, str) and key in _SOUGHT:
        yield path


_PLACES = list(places(_ALL))
_RENAMED = st.lists(st.tuples(st.sampled_from(_PLACES), _NAMES), min_size=1, max_size=6)


@settings(max_examples=50)
@given(_RENAMED)
def test_no_name_breaks_out_of_a_comment_or_a_value(renamed: list[Any]) -> None:
    documents = copy.deepcopy(_ALL)
    for path, name in renamed:
        place: Any = documents
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = name
    manifests = ManifestSet()
    for each in documents:
        with contextlib.suppress(ManifestError):  # two of one name
            manifests.add([Manifest(each, Source("cluster"))])
    found = detect(manifests)
    text = as_file(found)
    parse_settings(text)
    assert (yaml.safe_load(text) or {}) == found.data
    assert all(each.isprintable() for each in text.split("\n"))


def test_text_in_a_comment_stays_on_its_line_and_is_not_too_long() -> None:
    for name in _NASTY:
        shown = clean(name)
        assert len(shown.splitlines()) == 1
        assert shown.isprintable()
        assert len(shown) <= 1000
