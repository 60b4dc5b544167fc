"""`homelab-netpol lint`: its outputs, its exit statuses, and what `--fix` does to files."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from homelab_netpol.lint import RULES

GIT = shutil.which("git") or "git"
PLEX = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: plex, namespace: plex}
spec:
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.0/24]
"""
FIXABLE = """\
# By hand
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: to-nas, namespace: photos}
spec:
  podSelector: {}
  egress:
    - to: [{ipBlock: {cidr: 192.168.1.10/32}}]
      ports: [{port: 2049}]
"""
FIXED = FIXABLE.replace("  podSelector", "  policyTypes: [Ingress, Egress]\n  podSelector")


def lint(*arguments: str | Path, stdin: str | bytes = "") -> Result:
    """Runs the command."""
    raw = stdin.encode() if isinstance(stdin, str) else stdin
    return CliRunner().invoke(main, ["lint", *map(str, arguments)], input=io.BytesIO(raw))


@pytest.fixture
def plex(tmp_path: Path) -> Path:
    """A file with one warning."""
    path = tmp_path / "plex.yaml"
    path.write_text(PLEX)
    return path


def test_a_finding_is_a_line_with_its_place(plex: Path) -> None:
    result = lint(plex)
    assert result.stdout == (
        f"{plex}:7:7: warning NP008 CiliumNetworkPolicy plex/plex: spec.ingress[0]: lists no"
        " ports: it opens every one of them\n"
    )
    assert result.stderr == "1 warning\n"
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--fail-on", "warning"], 1),
        (["--fail-on", "error"], 0),
        (["--fail-on", "none"], 0),
        (["--ignore", "NP008"], 0),
        (["--ignore", "np0"], 0),
        (["--select", "NP1,NP2"], 0),
        (["--select", "NP1", "--select", "NP008"], 1),
        (["-n", "other"], 0),
        (["-n", "plex"], 1),
        (["--select", "NP999"], 2),
        (["--explain", "NP999"], 2),
        (["--config", "nothing.yaml"], 2),
    ],
)
def test_the_exit_status_says_whether_something_counts(
    plex: Path, arguments: list[str], status: int
) -> None:
    assert lint(plex, *arguments).exit_code == status


def test_what_cannot_be_read_is_said_with_its_place_and_nothing_else(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(f"{PLEX}---\na: [1\n")
    result = lint(broken)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{broken}:" in result.stderr
    binary = lint("-", stdin=b"\x7fELF\x00\x01")
    assert (binary.exit_code, binary.stdout) == (2, "")


def test_pods_that_cannot_be_read_end_it_with_their_place(tmp_path: Path) -> None:
    pods = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: plex}\nspec: 7\n"
    result = lint("-", stdin=f"{PLEX}---\n{pods}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "-:9: Pod a: spec: must be a mapping" in result.stderr


def test_standard_input_and_git_are_read(plex: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lint("-", stdin=PLEX).stdout.startswith("-:7:7: warning NP008")
    monkeypatch.chdir(plex.parent)
    for command in ("init -q", "add .", "-c user.name=a -c user.email=b commit -qm c"):
        subprocess.run([GIT, *command.split()], check=True)
    assert lint("git:HEAD").stdout.startswith("git:HEAD:plex.yaml:7:7: warning NP008")


def test_json_has_every_finding(plex: Path) -> None:
    result = lint(plex, "-o", "json")
    [found] = json.loads(result.stdout)["findings"]
    assert (found["rule"], found["severity"], found["line"], found["column"]) == (
        *("NP008", "warning"),
        *(7, 7),
    )
    assert found["page"].endswith("docs/lint.md#np008-every-port")
    assert found["object"] == "CiliumNetworkPolicy plex/plex"
    assert found["fixable"] is False


# Of SARIF 2.1.0 (OASIS): which properties the objects may have that are written, and which they
# must have.
SARIF: dict[str, tuple[set[str], set[str]]] = {
    "log": ({"$schema", "version", "runs"}, {"version", "runs"}),
    "run": ({"tool", "invocations", "results", "columnKind"}, {"tool"}),
    "tool": ({"driver"}, {"driver"}),
    "driver": ({"name", "informationUri", "version", "rules"}, {"name"}),
    "rule": (
        {
            *("id", "name", "shortDescription", "fullDescription", "help", "helpUri"),
            "defaultConfiguration",
        },
        {"id"},
    ),
    "result": ({"ruleId", "ruleIndex", "level", "message", "locations"}, {"message"}),
    "location": ({"physicalLocation", "logicalLocations"}, set()),
    "region": ({"startLine", "startColumn"}, set()),
}


def conforms(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """The object, which has what it must have and nothing that it may not have."""
    known, required = SARIF[kind]
    assert required <= value.keys() <= known, (kind, value)
    return value


def test_sarif_is_as_the_standard_has_it(plex: Path) -> None:
    log = conforms("log", json.loads(lint(plex, "-o", "sarif").stdout))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    assert conforms("run", run)["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert [each["executionSuccessful"] for each in run["invocations"]] == [True]
    driver = conforms("driver", conforms("tool", run["tool"])["driver"])
    assert [conforms("rule", each)["id"] for each in driver["rules"]] == [r.id for r in RULES]
    for each in driver["rules"]:
        assert each["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        assert all(each[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
    [result] = run["results"]
    assert conforms("result", result)["level"] == "warning"
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "NP008"
    [location] = result["locations"]
    physical = conforms("location", location)["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == str(plex)
    assert conforms("region", physical["region"]) == {"startLine": 7, "startColumn": 7}


def test_sarif_without_findings_still_has_its_results() -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: plex}\n"
    log = json.loads(lint("-", "-o", "sarif", stdin=namespace).stdout)
    assert log["runs"][0]["results"] == []


def test_github_annotations_name_file_line_and_rule(plex: Path) -> None:
    [line] = lint(plex, "-o", "github").stdout.splitlines()
    assert line.startswith(f"::warning file={plex},line=7,col=7,title=NP008 every-port::")


def test_nothing_in_a_manifest_reaches_a_terminal_or_a_workflow_as_a_command() -> None:
    text = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        "metadata: {name: web, namespace: plex}\n"
        "spec:\n  podSelector: {}\n  ingress:\n"
        "  - from: [{namespaceSelector: {matchLabels: {team: %s}}}]\n"
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: plex}\n"
    )
    for output in ("text", "table", "github", "markdown"):
        shown = lint("-", "-o", output, stdin=text % '"a\\e[31m\\n::error::b"').stdout
        assert "NP008" in shown
        assert "\x1b" not in shown
        assert "\n::error::b" not in shown
    assert "[red]web[/red]" in lint("-", "-o", "table", stdin=text % '"[red]web[/red]"').stdout


def test_markdown_is_a_table_with_a_heading(plex: Path) -> None:
    first, _, columns, *_ = lint(plex, "-o", "markdown").stdout.splitlines()
    assert first == "### homelab-netpol lint: 1 warning"
    assert columns.startswith("| SEVERITY | RULE |")


def test_a_rule_is_explained_with_its_examples() -> None:
    shown = lint("--explain", "np106").stdout
    rule = next(each for each in RULES if each.id == "NP106")
    for part in (rule.summary, rule.why, rule.fix, rule.wrong, rule.right):
        assert part in shown
    listed = lint("--rules").stdout
    assert re.findall(r"NP\d{3}", listed) == [rule.id for rule in RULES]


def test_a_tree_with_variants_of_one_object_is_looked_at_all_the_same(tmp_path: Path) -> None:
    for folder, ports in (("base", ""), ("overlay", "      authentication: {mode: disabled}\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "plex.yaml").write_text(PLEX + ports)
    assert len(lint(tmp_path).stdout.splitlines()) == 2


def test_what_a_kustomization_deletes_by_a_patch_is_no_policy() -> None:
    patch = "$patch: delete\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
    result = lint("-", stdin=f"{patch}metadata: {{name: a, namespace: plex}}\n---\n{PLEX}")
    assert len(result.stdout.splitlines()) == 1
    assert "Note: not read" in result.stderr


# --fix


@pytest.fixture
def fixable(tmp_path: Path) -> Path:
    """A file that can be put right."""
    path = tmp_path / "to-nas.yaml"
    path.write_text(FIXABLE)
    return path


def test_fix_edits_the_file_says_how_and_is_done(fixable: Path) -> None:
    result = lint(fixable, "--fix")
    assert fixable.read_text() == FIXED
    assert "+  policyTypes: [Ingress, Egress]" in result.stderr
    assert (result.exit_code, result.stdout) == (0, "")
    again = lint(fixable, "--fix")
    assert "Fixed" not in again.stderr
    assert fixable.read_text() == FIXED


def test_fix_keeps_mode_mark_of_byte_order_and_ends_of_lines(fixable: Path) -> None:
    fixable.write_bytes(b"\xef\xbb\xbf" + FIXABLE.replace("\n", "\r\n").encode())
    fixable.chmod(0o640)
    lint(fixable, "--fix")
    assert fixable.read_bytes() == b"\xef\xbb\xbf" + FIXED.replace("\n", "\r\n").encode()
    assert stat.S_IMODE(fixable.stat().st_mode) == 0o640
    assert os.listdir(fixable.parent) == [fixable.name]


def test_fix_writes_where_a_link_leads_and_leaves_the_link(fixable: Path) -> None:
    link = fixable.parent / "link.yaml"
    link.symlink_to(fixable.name)
    lint(link, "--fix")
    assert link.is_symlink()
    assert fixable.read_text() == FIXED


def test_fix_leaves_a_read_only_file_and_says_so(fixable: Path) -> None:
    fixable.chmod(0o444)
    result = lint(fixable, "--fix")
    assert fixable.read_text() == FIXABLE
    assert result.exit_code == 2
    assert f"{fixable}: is read-only" in result.stderr


@pytest.mark.parametrize("where", [("-",), ("git:HEAD",), ("-k", "."), ()])
def test_fix_is_for_files_only(where: tuple[str, ...]) -> None:
    result = lint(*where, "--fix", stdin=FIXABLE)
    assert result.exit_code == 2
    assert "--fix edits files" in result.stderr


def test_fix_leaves_what_is_not_asked_for(fixable: Path) -> None:
    lint(fixable, "--fix", "--ignore", "NP202")
    assert fixable.read_text() == FIXABLE


def test_without_fix_nothing_is_written(fixable: Path) -> None:
    before = fixable.stat().st_mtime_ns
    assert lint(fixable).exit_code == 1
    assert fixable.stat().st_mtime_ns == before
