"""`# netpol: ignore[...]`: what it keeps back, and what is wrong with one."""

from __future__ import annotations

import pytest

from tests.lint.linted import findings

HEAD = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: plex
  namespace: plex
spec:
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.0/24]
    - fromCIDR: [192.168.2.0/24]
"""
LINES = HEAD.splitlines()
COMMENT = "# netpol: ignore[NP008] discovery uses changing ports"


def with_comment(line: int, comment: str = COMMENT, *, behind: bool = False) -> str:
    """The policy with a comment behind a line, or above it at its indent."""
    lines = list(LINES)
    text = lines[line - 1]
    if behind:
        lines[line - 1] = f"{text}  {comment}"
    else:
        lines.insert(line - 1, " " * (len(text) - len(text.lstrip())) + comment)
    return "\n".join(lines) + "\n"


def found(text: str) -> list[tuple[str, int]]:
    return [(each.rule.id, each.line) for each in findings(text)]


def test_without_a_comment_both_rules_are_found() -> None:
    assert found(HEAD) == [("NP008", 9), ("NP008", 10)]


@pytest.mark.parametrize("line", [1, 2, 4, 5, 6])
def test_in_the_head_of_an_object_it_is_about_all_of_it(line: int) -> None:
    assert found(with_comment(line)) == []


def test_behind_a_field_it_is_about_its_line_only() -> None:
    assert found(with_comment(9, behind=True)) == [("NP008", 10)]


def test_above_a_field_it_is_about_the_next_line_only() -> None:
    assert found(with_comment(10)) == [("NP008", 9)]
    two = with_comment(10, f"{COMMENT}\n    # and this is more about it")
    assert found(two) == [("NP008", 9)]


def test_it_is_not_about_the_next_object() -> None:
    other = HEAD.replace("name: plex", "name: other")
    assert found(f"{with_comment(1)}---\n{other}") == [("NP008", 21), ("NP008", 22)]
    assert found(f"{HEAD}---\n{COMMENT}\n{other}") == [("NP008", 9), ("NP008", 10)]


def test_a_comment_at_the_end_of_a_file_is_about_nothing() -> None:
    assert found(f"{with_comment(1)}{COMMENT}\n") == [("NP903", 12)]


def test_several_rules_in_one_comment_are_used_or_not_each_by_itself() -> None:
    [unused] = findings(with_comment(1, "# netpol: ignore[NP008, NP007] a reason"))
    assert (unused.rule.id, unused.line, unused.column) == ("NP903", 1, 1)
    assert "NP007" in unused.message
    assert "NP008" not in unused.message


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# netpol: ignore", "NP901"),
        ("# netpol: ignore because", "NP901"),
        ("# netpol: ignore[NP008]", "NP901"),
        ("# netpol: ignore[] because", "NP901"),
        ("# netpol: ignore[NP8] because", "NP902"),
    ],
)
def test_a_comment_that_keeps_nothing_back_is_a_finding(comment: str, expected: str) -> None:
    assert found(with_comment(1, comment)) == [(expected, 1), ("NP008", 10), ("NP008", 11)]


def test_what_needs_more_than_is_given_is_not_called_unused() -> None:
    assert findings(with_comment(1, "# netpol: ignore[NP008, NP301] a chart makes the pods")) == []


def test_a_rule_that_is_left_out_of_a_run_is_not_called_unused() -> None:
    assert findings(with_comment(1), select=["NP001", "NP903"]) == []


def test_a_text_that_only_looks_like_a_comment_is_none() -> None:
    description = '  description: "see#netpol: ignore"\n'
    text = HEAD.replace("  endpointSelector", f"{description}  endpointSelector")
    assert found(text) == [("NP008", 10), ("NP008", 11)]


def test_a_comment_that_is_kept_back_by_another_one_is_not() -> None:
    text = with_comment(1, "# netpol: ignore[NP008, NP903] a reason")
    assert [rule for rule, _ in found(text)] == ["NP903"]
