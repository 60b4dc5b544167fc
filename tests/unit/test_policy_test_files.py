"""A file of policy tests is understood as a whole, or refused with the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from homelab_netpol.access.ends import Ports
from homelab_netpol.policy_tests import BrokenTestFile, read_tests
from homelab_netpol.policy_tests.files import read_test_files

GOOD = """\
# Beside the labels.
apiVersion: network-policy.homelab/v1alpha1
kind: NetworkPolicyTest
metadata: {name: shop}
tests:
  - name: the shop reaches its database
    from: shop
    to: [postgres, dragonfly]
    port: 5432/TCP
    expect: allowed
  - {name: DNS, from: shop/web, to: dns, port: [53/udp, 53], expect: denied}
---
tests:
  - {name: another, from: a, to: b, port: 1, expect: denied}
"""
ONE = "tests:\n- {name: x, from: a, to: b, port: 1, expect: allowed}\n"


def test_a_test_says_who_reaches_whom_on_which_ports_and_where_it_stands() -> None:
    first, second, third = read_tests(GOOD.encode(), "shop.yaml")
    assert (first.name, first.file, first.line) == ("the shop reaches its database", "shop.yaml", 6)
    assert first.sources == ("shop",)
    assert first.targets == ("postgres", "dragonfly")
    assert first.ports == (Ports.one(5432, "TCP"),)
    assert first.allowed
    assert second.line == 11
    assert second.ports == (Ports.one(53, "UDP"), Ports.one(53, "TCP"))
    assert not second.allowed
    assert third.line == 14


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("", "", "holds no test"),
        ("tests: []\n", ":1", "empty"),
        ("tests:\n", ":1", "must be a list"),
        ("tests: {a: 1}\n", ":1", "must be a list"),
        ("- a\n", ":1", "must be a mapping"),
        ("kind: Pod\n" + ONE, ":1", "NetworkPolicyTest"),
        ("apiVersion: v1\n" + ONE, ":1", "v1alpha1"),
        (ONE + "spec: {}\n", ":3", "unknown field 'spec'"),
        ("tests: [7]\n", ":1", "must be a mapping"),
        (ONE.replace("expect: allowed", "allow: true"), ":2", "unknown field 'allow'"),
        (ONE.replace("expect: allowed", "expect: yes"), ":2", "allowed or denied"),
        (ONE.replace(", expect: allowed", ""), ":2", "expect: is missing"),
        (ONE.replace("port: 1,", ""), ":2", "port: is missing"),
        (ONE.replace("port: 1", "port: 0"), ":2", "no port"),
        (ONE.replace("port: 1", "port: 65536"), ":2", "no port"),
        (ONE.replace("port: 1", "port: http"), ":2", "no port"),
        (ONE.replace("port: 1", "port: 1/ICMP"), ":2", "no port"),
        (ONE.replace("port: 1", "port: []"), ":2", "must list"),
        (ONE.replace("from: a", "from: null"), ":2", "must be text"),
        (ONE.replace("from: a", "from: {a: b}"), ":2", "must be text"),
        (ONE.replace("name: x", "name: ''"), ":2", "must be text"),
        (ONE.replace("name: x", r'name: "\e[31mred"'), ":2", "printable"),
        (ONE.replace("to: b", "to: b, to: c"), ":2", "given twice"),
        (ONE + ONE.removeprefix("tests:\n"), ":3", "is the name of the test in line 2"),
        ("tests: [\n", ":2:1", "not valid YAML"),
        ("a: &a [*a]\ntests: *a\n", ":1", "unknown field"),
        ("tests: &a [*a]\n", ":1", "must be a mapping"),
        ("tests:\n- !!python/object:os.system {}\n", ":2", "is missing"),
    ],
)
def test_a_file_that_is_not_understood_names_its_line(text: str, place: str, word: str) -> None:
    with pytest.raises(BrokenTestFile) as failed:
        read_tests(text.encode(), "shop.yaml")
    assert str(failed.value).startswith(f"shop.yaml{place}: ")
    assert word in str(failed.value)


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"tests: \xc3\x28", b"\x00\x01"])
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    with pytest.raises(BrokenTestFile, match=r"^x: |^x:1"):
        read_tests(raw, "x")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(BrokenTestFile):
        read_tests(b"tests: " + b"[" * 100_000, "x")


def test_of_a_folder_the_files_that_are_named_as_tests_are_read(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "shop.netpol-test.yaml").write_text(ONE, encoding="utf-8")
    (tmp_path / "apps" / "shop.yaml").write_text("kind: [", encoding="utf-8")
    assert [each.file for each in read_test_files([tmp_path])] == [
        str(tmp_path / "apps" / "shop.netpol-test.yaml")
    ]


def test_a_folder_without_a_test_file_fails(tmp_path: Path) -> None:
    with pytest.raises(BrokenTestFile, match=r"no file below it ends in"):
        read_test_files([tmp_path])


def test_every_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.netpol-test.yaml"
    bad.write_text("tests: []", encoding="utf-8")
    with pytest.raises(BrokenTestFile) as failed:
        read_test_files([tmp_path / "missing.yaml", bad])
    first, second = str(failed.value).splitlines()
    assert "missing.yaml: cannot be read" in first
    assert second.startswith(f"{bad}:1: ")
