"""`homelab-netpol audit` as people and pipelines call it."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families

from homelab_netpol.cli.main import main
from tests.audit.test_namespaces import HOME
from tests.explained import deployment, namespace
from tests.pictures import parsed

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


def test_a_saved_result_leaves_links_and_pipes_what_they_are(tree: str, tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(real)
    assert run("-f", tree, "-o", "junit", "--save", str(link)).exit_code == 1
    assert link.is_symlink()
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    run("-f", tree, "--save", str(pipe), "-o", "junit")
    assert os.read(reading, 5) == b"<?xml"
    os.close(reading)
    assert pipe.is_fifo()
    assert real.read_text().startswith("<?xml")


@pytest.mark.parametrize("level", ["high", "medium", "low", "none"])
def test_junit_counts_and_fails_what_the_table_names(tree: str, level: str) -> None:
    levels = ["high", "medium", "low"]
    urgent = set(levels[: levels.index(level) + 1]) if level != "none" else set()
    found = json.loads(run("-f", tree, "-o", "json").stdout)
    text = run("-f", tree, "-o", "junit", "--fail-on", level).stdout
    root = parsed(text)
    cases = {each.attrib["name"]: each for each in root.iter("testcase")}
    failed = {name for name, each in cases.items() if each.find("failure") is not None}
    assert failed == {
        each["namespace"] or "the cluster" for each in found["first"] if each["risk"] in urgent
    }
    assert cases.keys() == {"the cluster", *_rows(run("-f", tree, "-o", "markdown").stdout)}
    for counted in (root, *root.iter("testsuite")):
        assert int(counted.attrib["tests"]) == len(cases)
        assert int(counted.attrib["failures"]) == len(failed)
    # Each thing to do is there once, whether it fails or not.
    texts = [part.text or "" for each in cases.values() for part in each]
    assert len("\n".join(texts).splitlines()) == len(found["first"])


def test_the_counts_are_metrics_that_prometheus_reads(tree: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.prom"
    done = run("-f", tree, "--metrics", str(path), "-o", "markdown")
    samples = {
        (sample.name.removeprefix("homelab_netpol_audit_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }
    # The hatch of `soon` has closed by itself since.
    assert samples["namespaces", "hatch"] == 2
    assert samples["pods_outside",] == 3
    rows = _rows(done.stdout)
    states = Counter(row["State"] for row in rows.values())
    assert {key[1]: n for key, n in samples.items() if key[0] == "namespaces" and n} == states
    ways = {"ingress": "in", "egress": "out"}
    assert {way: samples["namespaces_open", way] for way in ways} == {
        way: sum(word not in row["Closed"] for row in rows.values()) for way, word in ways.items()
    }
    assert samples["pods",] == sum(int(row["Pods"]) for row in rows.values())
    assert samples["pods_outside",] == sum(int(row["Outside"] or 0) for row in rows.values())
    assert samples["wider_rules",] == sum(int(row["Wider"] or 0) for row in rows.values())
    assert samples["policy_map_entries",] == max(int(row["Map"]) for row in rows.values())
    said = ", ".join(f"{samples['tasks', risk]:.0f} {risk}" for risk in ("high", "medium"))
    assert f"To do: {said} and {samples['tasks', 'low']:.0f} low." in done.stdout
    # What is not known has no sample.
    assert ("enforcing",) not in samples
    assert ("may_change",) not in samples


def _rows(markdown: str) -> dict[str, dict[str, str]]:
    """The table of Namespaces, by name."""
    lines = markdown.partition("## Namespaces\n\n")[2].partition("\n\n")[0].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def test_nothing_from_a_file_moves_the_cursor(tmp_path: Path) -> None:
    evil = namespace("photos", profile="standard", annotations={"gateway-ports": "\x1b[2J<b>"})
    (tmp_path / "evil.yaml").write_text(evil)
    for output in ("table", "markdown"):
        text = run("-f", str(tmp_path), "-o", output).stdout
        assert "\x1b" not in text
