"""Whatever a custom resource says, reading it never fails: what is wrong becomes its problem."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.definitions import read_profile, read_resource

_WORDS = st.sampled_from(
    [
        *("ingress", "egress", "extends", "intraNamespace", "fromEndpoints", "fromEntities"),
        *("fromCIDRSet", "toFQDNs", "toPorts", "icmps", "ports", "port", "endPort", "protocol"),
        *("rules", "http", "path", "matchLabels", "matchExpressions", "key", "operator", "values"),
        *("fields", "type", "namespace", "podLabels", "entities", "fqdns", "cidrs", "target"),
        *("allowFrom", "matchName", "description"),
    ]
)
_TEXTS = st.sampled_from(["", "80", "TCP", "all", "a.b", "10.0.0.0/8", "In", "(", "web"])
_LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 70000), st.floats(allow_nan=False), _TEXTS, st.text()
)
_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=25,
)
# Half of the way it looks as it should, so that what lies deeper is reached.
_RULE = st.dictionaries(
    _WORDS, _ANYTHING | st.lists(st.dictionaries(_WORDS, _ANYTHING), max_size=2)
)
_SPEC = st.fixed_dictionaries(
    {}, optional={"ingress": st.lists(_RULE, max_size=2), "egress": st.lists(_RULE, max_size=2)}
)


@settings(max_examples=400)
@given(_ANYTHING | _SPEC)
def test_reading_a_custom_resource_never_fails(spec: Any) -> None:
    manifest = {"metadata": {"name": "own", "generation": 1}, "spec": spec}
    read_profile(manifest)
    assert read_resource(manifest).name == "own"
