"""`homelab-netpol diff`: what is compared, how it is shown, and the status it ends with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from homelab_netpol.cli.main import main
from tests.cli.trees import DOMAIN, Trees, namespace, policy
from tests.programs import program


def test_equal_trees_say_nothing_whatever_their_order_form_and_comments(trees: Trees) -> None:
    trees.write([namespace("a", "profile=internal"), namespace("b", "postgres")], [])
    (trees.after / "b.json").write_text(namespace("b", "postgres"), encoding="utf-8")
    (trees.after / "z.yaml").write_text(
        "# the same\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n"
        f"  labels: {{'{DOMAIN}/profile': internal}} # as before\n",
        encoding="utf-8",
    )
    ran = trees.run("--fail-on", "any")
    assert (ran.exit_code, ran.stdout) == (0, "No access changes.\n")


def test_a_namespace_that_gains_and_loses_is_counted_once(trees: Trees) -> None:
    trees.write(
        [namespace(name, "profile=internal") for name in "ab"],
        [namespace("a", "postgres", "profile=isolated"), namespace("b", "profile=standard")],
    )
    summary = trees.run().stdout.splitlines()[-1]
    assert summary.startswith("1 Namespace gains access, 1 Namespace gains and loses access.")


def test_new_and_deleted_namespaces_are_shown_and_count_as_without_labels(trees: Trees) -> None:
    trees.write([namespace("old", "profile=standard")], [namespace("new", "profile=isolated")])
    found = json.loads(trees.run("-o", "json").stdout)
    fates = {each["namespace"]: each["change"] for each in found["namespaces"]}
    assert fates == {"new": "created", "old": "deleted"}
    assert found["widens"] is False
    by_name = {each["namespace"]: each for each in found["namespaces"]}
    assert by_name["new"]["gains"] == []
    assert "the internet" in {each["peer"] for each in by_name["old"]["losses"]}


def test_a_namespace_that_is_only_named_is_neither_new_nor_deleted(trees: Trees) -> None:
    spec = {"endpointSelector": {}, "ingress": [{"fromEntities": ["cluster"]}]}
    trees.write([namespace("a")], [namespace("a"), policy("open", "b", spec)])
    [found] = json.loads(trees.run("-o", "json").stdout)["namespaces"]
    assert (found["namespace"], found["change"]) == ("b", "changed")


@pytest.mark.parametrize(
    ("before", "after", "gate", "status"),
    [
        ("internal", "standard", "widen", 1),
        ("internal", "standard", "any", 1),
        ("internal", "standard", "none", 0),
        ("standard", "internal", "widen", 0),
        ("standard", "internal", "any", 1),
        ("standard", "standard", "any", 0),
    ],
)
def test_the_gate_holds_up_what_it_says(
    trees: Trees, before: str, after: str, gate: str, status: int
) -> None:
    trees.write([namespace("a", f"profile={before}")], [namespace("a", f"profile={after}")])
    assert trees.run("--fail-on", gate).exit_code == status


def test_two_revisions_and_settings_in_git_are_compared(
    trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run([program("git"), *who, *arguments], cwd=trees.folder, check=True)

    monkeypatch.chdir(trees.folder)
    git("init", "-q")
    config = trees.folder / "settings.yaml"
    for ports, profile in ((80, "internal"), (8443, "internal-egress")):
        config.write_text(f"internet: {{ports: [{{port: {ports}}}]}}", encoding="utf-8")
        trees.write([namespace("a", f"profile={profile}")], [])
        git("add", "-A")
        git("commit", "-q", "-m", profile)
    revisions = ("diff", "git:HEAD^:before", "git:HEAD:before")
    for settings, port in (("git:HEAD^:settings.yaml", 80), ("git:HEAD:settings.yaml", 8443)):
        ran = CliRunner().invoke(main, [*revisions, "--config", settings])
        assert f"gains egress to the internet on TCP {port} (profile)" in ran.stdout, ran.output
    for wrong in ("git:HEAD:nothing.yaml", "git:HEAD", "git:nowhere:settings.yaml"):
        ran = CliRunner().invoke(main, [*revisions, "--config", wrong])
        assert ran.exit_code == 2
        assert wrong.removeprefix("git:HEAD") in ran.stderr


def test_the_policies_are_shown_as_a_unified_diff_on_demand(trees: Trees) -> None:
    trees.write([namespace("a", "profile=internal")], [namespace("a", "profile=standard")])
    lines = trees.run("--objects").stdout.splitlines()
    assert "--- CiliumNetworkPolicy homelab-profile in a" in lines
    assert any(line.startswith("+") and "external" in line for line in lines)
    assert "--- CiliumNetworkPolicy" not in trees.run().stdout


def test_a_comment_or_terminal_shows_what_a_tree_names_and_does_nothing_by_it(trees: Trees) -> None:
    evil = "web\x1b[2J```\n<img src=x>@all"
    spec = {"endpointSelector": {}, "egress": [{"toEntities": ["world"]}]}
    own = namespace("a", "profile=isolated")
    trees.write([own], [own, policy(evil, "a", spec)])
    for options in ((), ("-o", "markdown"), ("-o", "markdown", "--objects"), ("--objects",)):
        shown = trees.run(*options).stdout
        assert "\x1b" not in shown
        if "markdown" in options:
            # All of it is within fences, which it does not end.
            assert "<img" not in "".join(shown.split("```")[::2])
            assert shown.count("```") == 2 * shown.count("```diff")


def test_a_cluster_that_cannot_be_read_ends_with_status_3(tmp_path: Path) -> None:
    options = ["--kubeconfig", str(tmp_path / "none")]
    ran = CliRunner().invoke(main, ["diff", "cluster", str(tmp_path), *options])
    assert (ran.exit_code, ran.stdout) == (3, "")
    assert "does not exist" in ran.stderr


def test_the_help_has_an_example_a_line() -> None:
    lines = CliRunner().invoke(main, ["diff", "--help"]).stdout.splitlines()
    assert "    homelab-netpol diff cluster clusters/home --objects" in lines


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["cluster", "cluster"], "the same cluster"),
        (["nowhere", "nowhere"], "cannot be read"),
        (["kustomize:nowhere", "."], "no such folder"),
        (["git:-x:a", "."], "not a revision"),
    ],
)
def test_what_cannot_be_compared_ends_with_status_2_and_says_why(
    words: list[str], text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(main, ["diff", *words])
    assert ran.exit_code == 2
    assert text in ran.stderr
    assert ran.stdout == ""
