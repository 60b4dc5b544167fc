"""`check platform` and `scaffold platform`, as they are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main

TREE = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: database}
---
apiVersion: v1
kind: Pod
metadata: {name: postgres, namespace: database, labels: {app: postgres}}
spec: {containers: [{name: main, ports: [{containerPort: 5432, name: "sql"}]}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: by-hand, namespace: database}
spec: {endpointSelector: {}, egress: [{toEndpoints: [{}]}]}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    file = tmp_path / "tree.yaml"
    file.write_text(TREE, encoding="utf-8")
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_what_is_missing_is_named_with_the_rule_to_add(tree: Path) -> None:
    done = run("check", "platform", "-f", tree)
    assert done.exit_code == 1
    assert "baseline-dns-egress: no policy of database itself allows it" in done.stdout
    added = yaml.safe_load(done.stdout.partition("To add to a policy of database:")[2])
    [rule] = added["spec"]["egress"]
    assert rule["toPorts"][0]["ports"][0] == {"port": "53", "protocol": "UDP"}
    assert run("check", "platform", "-f", tree, "--together").exit_code == 0


def test_minus_n_means_that_namespace_and_that_there_is_none_is_said(tree: Path) -> None:
    more = tree.with_name("more.yaml")
    more.write_text(TREE.replace("database", "cache"), encoding="utf-8")
    done = run("check", "platform", "-f", tree, "-f", more, "-n", "cache", "-o", "json")
    assert [each["namespace"] for each in json.loads(done.stdout)["namespaces"]] == ["cache"]
    none = tree.with_name("none.yaml")
    none.write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", encoding="utf-8")
    done = run("check", "platform", "-f", none)
    assert (done.exit_code, done.stderr) == (
        0,
        "Note: no platform namespace is among what is given\n",
    )


def test_markdown_has_the_table_and_the_rule(tree: Path) -> None:
    done = run("check", "platform", "-f", tree, "-o", "markdown")
    assert (
        "| database | DNS | to kube-system k8s-app=kube-dns | UDP 53 and TCP 53 | elsewhere |"
        in (done.stdout)
    )
    assert "```yaml\nspec:\n" in done.stdout


def test_a_platform_namespace_without_a_policy_is_found_where_one_is_required(tree: Path) -> None:
    tree.write_text(TREE.rpartition("---")[0], encoding="utf-8")
    assert run("check", "platform", "-f", tree).exit_code == 0
    done = run("check", "platform", "-f", tree, "--require-policy")
    assert done.exit_code == 1
    assert "homelab-netpol scaffold platform database" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "platform", "nowhere"], "nowhere is not among what is given"),
        (["check", "platform", "shop"], "network-policy.homelab/platform=true"),
        (["scaffold", "platform", "Database"], "cannot be the name of an object"),
        (["scaffold", "platform", "database", "--name", "a\nb: c"], "cannot be the name"),
        (["scaffold", "platform", "database", "-l", "app"], "is no label"),
        (["scaffold", "platform", "database", "--offline"], "--offline reads nothing"),
    ],
)
def test_what_cannot_be_asked_says_why(arguments: list[str], words: str, tree: Path) -> None:
    done = run(*arguments, "-f", tree)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_names_from_manifests_stay_within_their_comments(tree: Path) -> None:
    hostile = TREE.replace('name: "sql"', r'name: "sql\n  hostile: true\e[31m"')
    tree.write_text(hostile, encoding="utf-8")
    done = run("scaffold", "platform", "database", "-f", tree)
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert set(yaml.safe_load(done.stdout)["spec"]) == {
        *("description", "endpointSelector", "ingress", "egress"),
    }


def test_one_that_is_no_platform_namespace_yet_is_told_the_label(tree: Path) -> None:
    done = run("scaffold", "platform", "shop", "-f", tree)
    assert done.exit_code == 0
    assert "label it network-policy.homelab/platform=true" in done.stderr
