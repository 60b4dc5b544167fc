"""`homelab-netpol lint`: what it reads, which rules count, and its exit statuses."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from homelab_netpol.lint import RULES
from tests.cli.linting import PLEX, lint

GIT = shutil.which("git") or "git"


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
