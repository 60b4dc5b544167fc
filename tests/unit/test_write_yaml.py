"""What is written as YAML reads back as it was, and obeys nothing on a terminal."""

from __future__ import annotations

import re
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from homelab_netpol.manifests.write import to_yaml

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)
_DOCUMENTS = st.lists(st.dictionaries(_TEXT, _VALUES, max_size=4), max_size=3)


@given(_DOCUMENTS)
@example([{"a": "yes", "No": "null", "~": "1e3", "b": "0x1f", "c": "1:2", "": "="}])
@example([{"a": "k8s:app", "b": "a: b", "c": "a #b", "d": "- a", "e": "<<", "f": "2026-01-01"}])
@example([{"a": [[], [[1]], {}, [{"b": []}], [{"c": [1]}]], "d": {"e": {"f": {}}}}])
@example(
    [{"a": "\x1b[31m", "b": "\x85\u2028\ufeff", "c": "\U0001f600", "d": "a\nb\n", "e": "\x7f"}]
)
@example([{"a": 1e300, "b": -0.0, "c": 1e-7, "d": float("inf")}])
def test_it_reads_back_as_it_was(documents: list[dict[str, Any]]) -> None:
    text = to_yaml(documents)
    assert list(yaml.safe_load_all(text)) == documents
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u202a-\u202e]", text)


def test_what_documents_share_is_written_whole_in_each() -> None:
    shared = {"ingress": [{"fromEntities": ["world"]}]}
    text = to_yaml([{"spec": shared, "a": shared["ingress"]}, {"spec": shared}])
    assert "&" not in text
    assert "*" not in text
    assert text.count("world") == 3
