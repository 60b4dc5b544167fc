"""`homelab-netpol test`: what CI sees of policy tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from tests.pictures import parsed

TREE = """\
apiVersion: v1
kind: Namespace
metadata: {name: batch, labels: {network-policy.homelab/profile: isolated}}
---
apiVersion: v1
kind: Pod
metadata: {name: "job", namespace: batch}
spec: {containers: []}
"""
PASSES = "{name: calls nothing, from: batch, to: 203.0.113.7, port: 443, expect: denied}"
FAILS = "{name: 'a <b> & \"c\" [red]', from: batch, to: 203.0.113.7, port: 443, expect: allowed}"
ERRS = "{name: no such, from: nowhere, to: batch, port: 443, expect: denied}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "batch.yaml").write_text(TREE, encoding="utf-8")
    return tmp_path


def run(folder: Path, *tests: str, output: str = "table") -> Result:
    file = folder / "batch.netpol-test.yaml"
    file.write_text("\n- ".join(["tests:", *tests]), encoding="utf-8")
    return CliRunner().invoke(
        main, ["test", str(file), "-f", str(folder / "tree"), "-o", output], prog_name="x"
    )


@pytest.mark.parametrize(
    ("tests", "status"), [([PASSES], 0), ([PASSES, FAILS], 1), ([PASSES, ERRS], 1), ([], 2)]
)
def test_the_exit_status_is_a_gate(tests: list[str], status: int, folder: Path) -> None:
    assert run(folder, *tests).exit_code == status


def test_the_table_says_where_a_failing_test_stands_and_what_decides(folder: Path) -> None:
    done = run(folder, PASSES, FAILS)
    assert "batch.netpol-test.yaml:3: a <b>" in done.output
    assert "[red]" in done.output
    assert "CiliumNetworkPolicy homelab-profile in batch" in done.output
    assert "1 passed, 1 failed, 0 could not be answered" in done.output


def test_json_has_every_test_with_its_answer(folder: Path) -> None:
    data = json.loads(run(folder, PASSES, FAILS, ERRS, output="json").stdout)
    assert data["summary"] == {"passed": 1, "failed": 1, "error": 1}
    assert data["incomplete"] == []
    assert [each["result"] for each in data["tests"]] == ["passed", "failed", "error"]
    assert [each["found"] for each in data["tests"]] == ["denied", "denied", "unknown"]
    assert [each["line"] for each in data["tests"]] == [2, 3, 4]


def test_junit_is_well_formed_and_counts_what_it_holds(folder: Path) -> None:
    """The elements and attributes that the schemas of Jenkins and Ant have in common."""
    root = parsed(run(folder, PASSES, FAILS, ERRS, output="junit").stdout)
    assert root.tag == "testsuites"
    [suite] = root
    assert suite.tag == "testsuite"
    for counted in (root, suite):
        counts = {key: counted.get(key) for key in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "3", "failures": "1", "errors": "1", "skipped": "0"}
        assert float(counted.get("time", "none")) >= 0
    cases = list(suite)
    assert [case.tag for case in cases] == ["testcase"] * 3
    assert [case.get("name") for case in cases] == ["calls nothing", 'a <b> & "c" [red]', "no such"]
    for case in cases:
        assert case.get("classname") == case.get("file") == suite.get("name")
        assert set(case.attrib) == {"name", "classname", "file", "line", "time"}
    assert [[inner.tag for inner in case] for case in cases] == [[], ["failure"], ["error"]]
    for case in cases[1:]:
        [inner] = case
        assert set(inner.attrib) == {"message", "type"}
        assert inner.get("message", "") in (inner.text or "")


def test_what_xml_cannot_hold_does_not_break_the_report(folder: Path) -> None:
    """A name in a manifest may be anything; it is named where a test fails."""
    hostile = TREE.replace('"job"', r'"job\e[31m\x01"')
    (folder / "tree" / "batch.yaml").write_text(hostile, encoding="utf-8")
    done = run(folder, FAILS, output="junit")
    assert done.exit_code in (1, 2)
    if done.exit_code == 1:
        parsed(done.stdout)
    assert "\x1b" not in run(folder, FAILS).output


def test_a_broken_file_answers_nothing(folder: Path) -> None:
    done = run(folder, PASSES, "{name: x}")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "batch.netpol-test.yaml:3: tests[1].from: is missing" in done.stderr
