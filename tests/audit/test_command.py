"""`homelab-netpol audit` as people and pipelines call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families

from homelab_netpol.cli.main import main
from tests.audit.test_namespaces import HOME
from tests.explained import deployment, namespace

_QUIET = namespace("photos", profile="standard") + deployment("photos", "web")


def run(*arguments: str) -> Result:
    """What the command prints."""
    return CliRunner().invoke(main, ["audit", *arguments])


@pytest.fixture
def tree(tmp_path: Path) -> str:
    """A tree with something of each risk."""
    path = tmp_path / "home.yaml"
    path.write_text(HOME)
    return str(path)


@pytest.mark.parametrize(("level", "status"), [("high", 1), ("medium", 1), ("low", 1), ("none", 0)])
def test_the_gate_lets_pass_what_is_less_urgent(tree: str, level: str, status: int) -> None:
    assert run("-f", tree, "--fail-on", level).exit_code == status


def test_a_tree_in_order_passes_the_strictest_gate(tmp_path: Path) -> None:
    (tmp_path / "home.yaml").write_text(_QUIET)
    assert run("-f", str(tmp_path), "--fail-on", "low").exit_code == 0


def test_a_file_that_is_no_manifest_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kind: Namespace\nmetadata: [")
    done = run("-f", str(tmp_path))
    assert done.exit_code == 2
    assert "bad.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_table_names_what_to_do_and_every_namespace(tree: str) -> None:
    text = run("-f", tree).stdout
    assert "HatchOpen" in text
    for name in ("photos", "games", "old", "typo", "database"):
        assert name in text


@pytest.mark.parametrize("output", ["table", "markdown", "json", "junit"])
def test_a_saved_result_is_what_would_be_printed(tree: str, tmp_path: Path, output: str) -> None:
    saved = tmp_path / "result"
    done = run("-f", tree, "-o", output, "--save", str(saved))
    assert done.stdout == ""
    printed = run("-f", tree, "-o", output).stdout
    if output == "json":
        assert json.loads(saved.read_text()).keys() == json.loads(printed).keys()
    else:
        assert saved.read_text() == printed


def test_a_file_that_cannot_be_written_is_said(tree: str, tmp_path: Path) -> None:
    done = run("-f", tree, "--save", str(tmp_path / "missing" / "audit.json"))
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_junit_fails_for_the_namespaces_that_the_gate_is_about(tree: str) -> None:
    text = run("-f", tree, "-o", "junit", "--fail-on", "high").stdout
    cases = text.split("<testcase ")[1:]
    names = {case.split('"')[1] for case in cases}
    failed = {case.split('"')[1] for case in cases if "<failure " in case}
    assert failed == {"old", "open", "later", "typo"}
    assert names > {"the cluster", "photos"}


def test_the_counts_are_metrics_that_prometheus_reads(tree: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.prom"
    run("-f", tree, "--metrics", str(path))
    samples = {
        (sample.name.removeprefix("homelab_netpol_audit_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }
    # The hatch of `soon` has closed by itself since.
    assert samples["namespaces", "hatch"] == 2
    assert samples["namespaces", "unlabelled"] == 2
    assert samples["namespaces", "unknown"] == 0
    assert samples["pods_outside",] == 3
    # What is not known has no sample.
    assert ("enforcing",) not in samples
    assert ("may_change",) not in samples


def test_nothing_from_a_file_moves_the_cursor(tmp_path: Path) -> None:
    evil = namespace("photos", profile="standard", annotations={"gateway-ports": "\x1b[2J<b>"})
    (tmp_path / "evil.yaml").write_text(evil)
    for output in ("table", "markdown"):
        text = run("-f", str(tmp_path), "-o", output).stdout
        assert "\x1b" not in text
