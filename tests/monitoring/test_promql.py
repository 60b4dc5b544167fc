"""The reader of expressions finds what is mentioned, and nothing else: other tests rely on it."""

from __future__ import annotations

import pytest

from tests.monitoring.promql import Selector, mentioned


@pytest.mark.parametrize(
    ("expression", "selectors", "lists"),
    [
        ("up", {"up": set()}, set()),
        ('up{job="a, by (x)", pod!~"b"} == 1', {"up": {"job", "pod"}}, set()),
        ("sum by (le) (rate(x_bucket[5m]))", {"x_bucket": set()}, {"le"}),
        ("sum(rate(x_total{a='1'}[$__rate_interval])) by (b)", {"x_total": {"a"}}, {"b"}),
        ("a and ignoring (w) b unless on () c", {"a": set(), "b": set(), "c": set()}, {"w"}),
        ("a * on (i) group_left (v) b", {"a": set(), "b": set()}, {"i", "v"}),
        ("ns:x:kept offset 5m > bool 1e3 or vector(0)", {"ns:x:kept": set()}, set()),
        ("max(time() - t) # up\n > 3 * r", {"t": set(), "r": set()}, set()),
    ],
)
def test_what_is_mentioned_is_found(
    expression: str, selectors: dict[str, set[str]], lists: set[str]
) -> None:
    found = mentioned(expression)
    expected = [Selector(metric, frozenset(labels)) for metric, labels in selectors.items()]
    assert list(found.selectors) == expected
    assert found.lists == lists


def test_what_is_no_promql_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="not PromQL from here on"):
        mentioned("up ; down")
