"""`homelab-netpol diff`: what it says of labels, settings, definitions and others' policies."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from tests.programs import program

DOMAIN = "network-policy.homelab"
SHOP = "shop"


def namespace(name: str, *words: str) -> str:
    """A Namespace's manifest; words: `profile=standard`, `postgres`, `enforcement=disabled`."""
    labels = {
        f"{DOMAIN}/{word.partition('=')[0]}" if "=" in word else f"access.{DOMAIN}/{word}": (
            word.partition("=")[2] or "true"
        )
        for word in words
    }
    metadata = {"name": name, "labels": labels}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def policy(name: str, where: str, spec: dict[str, Any], kind: str = "CiliumNetworkPolicy") -> str:
    """A policy of others."""
    version = "networking.k8s.io/v1" if kind == "NetworkPolicy" else "cilium.io/v2"
    metadata = {"name": name, "namespace": where}
    return json.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


def definition(kind: str, name: str, spec: dict[str, Any]) -> str:
    """A custom resource of the operator's."""
    metadata = {"name": name}
    version = f"{DOMAIN}/v1alpha1"
    return json.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


class Trees:
    """Two folders that are compared."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before, self.after = folder / "before", folder / "after"
        self.before.mkdir()
        self.after.mkdir()

    def write(self, before: list[str], after: list[str]) -> None:
        """Fills them."""
        for path, objects in ((self.before, before), (self.after, after)):
            (path / "all.yaml").write_text("\n---\n".join(objects), encoding="utf-8")

    def run(self, *options: str) -> Result:
        """Runs the command."""
        command = ["diff", str(self.before), str(self.after), *options]
        return CliRunner().invoke(main, command, catch_exceptions=False)

    def says(self, before: list[str], after: list[str], *options: str) -> dict[str, list[str]]:
        """What is said of each Namespace: its lines, with their signs."""
        self.write(before, after)
        ran = self.run(*options)
        assert ran.exit_code == 0, ran.stderr
        found: dict[str, list[str]] = {}
        names: list[str] = []
        for line in ran.stdout.splitlines():
            if line.startswith("  "):
                for name in names:
                    found[name].append(line.strip())
            elif line and not line.endswith("."):
                names = line.partition(":")[0].split(", ")
                found |= {name: [] for name in names}
        return found


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    """Two empty folders."""
    return Trees(tmp_path)


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


def test_a_change_of_profile_is_what_the_vocabulary_says_of_the_two(trees: Trees) -> None:
    said = trees.says([namespace("a", "profile=isolated")], [namespace("a", "profile=standard")])
    assert said == {
        "a": [
            "+ gains egress to its own Namespace (profile)",
            "+ gains egress to the internet on TCP 443 (profile)",
            "+ gains ingress from its own Namespace (profile)",
            "+ gains ingress from the external gateway on every TCP port (profile)",
            "+ gains ingress from the internal gateway on every TCP port (profile)",
        ]
    }


@pytest.mark.parametrize("closed", [False, True])
def test_both_ends_of_a_grant_are_said_and_whether_the_other_one_matters(
    trees: Trees, closed: bool
) -> None:
    spec = {"podSelector": {}, "policyTypes": ["Ingress"]}
    others = [namespace("database")]
    others += [policy("closed", "database", spec, "NetworkPolicy")] if closed else []
    said = trees.says(
        [namespace("photos", "profile=internal"), *others],
        [namespace("photos", "profile=internal", "postgres"), *others],
    )
    assert said["photos"] == [
        "+ gains egress to postgres (Namespace database) on TCP 5432 (grant postgres)"
    ]
    assert said["database"] == (
        ["+ gains ingress from Namespace photos on TCP 5432 (grant postgres)"]
        if closed
        else ["= postgres lets in Namespace photos on TCP 5432, which changes no connection"]
    )


def test_a_grant_on_more_ports_does_not_go_from_those_that_it_had(trees: Trees) -> None:
    def tree(end: int) -> list[str]:
        ports = [{"port": 5432, "endPort": end}]
        spec = {"namespace": "database", "podLabels": {"app": "pg"}, "ports": ports}
        closed = policy("closed", "database", {"podSelector": {}}, "NetworkPolicy")
        return [definition("SharedResource", "pg", spec), namespace("photos", "pg"), closed]

    said = trees.says(tree(5432), tree(5433))
    assert said["database"] == [
        "+ gains ingress from Namespace photos on TCP 5433, for pods app=pg (grant pg)"
    ]
    assert trees.says(tree(5433), tree(5432))["database"] == [
        "- loses ingress from Namespace photos on TCP 5433, for pods app=pg (grant pg)"
    ]


def test_an_open_hatch_opens_everything_and_is_lost_when_it_closes(trees: Trees) -> None:
    shut, open_ = (namespace("a", *words) for words in ([], ["enforcement=disabled"]))
    everything = ["egress to everything (escape hatch)", "ingress from everything (escape hatch)"]
    assert trees.says([shut], [open_])["a"] == [f"+ gains {each}" for each in everything]
    assert trees.says([open_], [shut])["a"] == [f"- loses {each}" for each in everything]


def test_a_changed_network_profile_shows_every_namespace_that_it_moves(trees: Trees) -> None:
    def tree(port: str) -> list[str]:
        ports = [{"ports": [{"port": port, "protocol": "TCP"}]}]
        rule = {"toEntities": ["world"], "toPorts": ports}
        profile = {
            "apiVersion": f"{DOMAIN}/v1alpha1",
            "kind": "NetworkProfile",
            "metadata": {"name": "mail"},
            "spec": {"egress": [rule]},
        }
        users = [namespace(name, "profile=mail") for name in ("a", "b")]
        return [json.dumps(profile), *users, namespace("c", "profile=internal")]

    lines = [
        "+ gains egress to the internet on TCP 465 (profile)",
        "- loses egress to the internet on TCP 25 (profile)",
    ]
    assert trees.says(tree("25"), tree("465")) == {"a": lines, "b": lines}


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (
            "internet: {exceptCidrs: [192.168.0.0/16]}",
            {
                "web": [
                    "- loses egress to a part of the internet (such as 192.168.0.0) on TCP 443"
                    " (profile)"
                ]
            },
        ),
        (
            "gateways: {internal: [{entities: [ingress]}]}",
            {
                "web": [
                    "+ gains ingress from Cilium's gateway (entity ingress) on every TCP port"
                    " (profile)",
                    "- loses ingress from the internal gateway on every TCP port (profile)",
                ]
            },
        ),
        (
            "defaultDeny: labelled",
            {
                "bare": [
                    "+ gains egress to everything, as nothing is denied there"
                    " (baseline-dns-egress)",
                    "+ gains ingress from everything, as nothing is denied there"
                    " (baseline-health-probes, baseline-prometheus-scrape)",
                ]
            },
        ),
        ("scrapers: [{namespace: monitoring, podLabels: {app: vm}}]", {"bare", "web"}),
        ("platformNamespaces: [bare, database]", {"bare"}),
        ("workers: 3", {}),
    ],
)
def test_a_changed_setting_shows_every_namespace_that_it_moves(
    trees: Trees, setting: str, expected: Any
) -> None:
    config = trees.folder / "settings.yaml"
    config.write_text(setting, encoding="utf-8")
    tree = [namespace("web", "profile=internal-egress"), namespace("bare"), namespace("database")]
    said = trees.says(tree, tree, "--new-config", str(config))
    assert said == expected if isinstance(expected, dict) else set(said) == expected
    assert trees.says(tree, tree, "--config", str(config)) == {}


def test_a_policy_of_others_counts_for_the_pods_that_it_selects(trees: Trees) -> None:
    spec = {
        "endpointSelector": {"matchLabels": {"app": "web"}},
        "egress": [
            {
                "toFQDNs": [{"matchName": "api.stripe.com"}],
                "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
            }
        ],
        "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "cron"}}]}],
    }
    own = namespace("photos", "profile=isolated")
    said = trees.says([own], [own, policy("web", "photos", spec)])
    assert said["photos"] == [
        "+ gains egress to api.stripe.com on TCP 443, for pods app=web (CiliumNetworkPolicy web)",
        "+ gains ingress from pods app=cron of its own Namespace, for pods app=web"
        " (CiliumNetworkPolicy web)",
    ]


def test_what_comes_with_a_policy_is_said_once_and_of_no_other_peer(trees: Trees) -> None:
    rules = [{"fromCIDR": ["192.168.1.0/24"], "toPorts": [{"ports": [{"port": "8080"}]}]}]
    spec = {"endpointSelector": {"matchLabels": {"app": "web"}}, "ingress": rules}
    own = namespace("photos", "profile=isolated")
    said = trees.says([own], [own, policy("web", "photos", spec)])
    assert said["photos"] == [
        "+ gains ingress from 192.168.1.0/24 on TCP/UDP/SCTP 8080, for pods app=web"
        " (CiliumNetworkPolicy web)"
    ]


def test_a_deny_rule_that_goes_gives_back_what_another_rule_allows(trees: Trees) -> None:
    web = {"matchLabels": {"app": "web"}}
    allow = policy("let", "a", {"endpointSelector": {}, "ingress": [{"fromEndpoints": [web]}]})
    deny = policy("deny", "a", {"endpointSelector": {}, "ingressDeny": [{"fromEndpoints": [{}]}]})
    own = [namespace("a", "profile=isolated"), allow]
    line = "ingress from its own Namespace (CiliumNetworkPolicy deny)"
    assert trees.says([*own, deny], own)["a"] == [f"+ gains {line}"]
    assert trees.says(own, [*own, deny])["a"] == [f"- loses {line}"]


def test_a_policy_that_only_repeats_what_is_allowed_changes_no_access(trees: Trees) -> None:
    ports = [{"ports": [{"port": "443", "protocol": "TCP"}]}]
    rules = [{"toCIDR": ["203.0.113.0/24"], "toPorts": ports}]
    own = namespace("photos", "profile=internal-egress")
    trees.write([own], [own, policy("same", "photos", {"endpointSelector": {}, "egress": rules})])
    ran = trees.run("--fail-on", "any")
    assert (ran.exit_code, ran.stdout) == (0, "No access changes. 1 policy differs.\n")


def test_what_switches_on_default_deny_loses_everything_but_what_is_listed(trees: Trees) -> None:
    own = namespace("database")
    spec = {
        "podSelector": {"matchLabels": {"app": "db"}},
        "ingress": [{"from": [{"podSelector": {}}]}],
    }
    said = trees.says([own], [own, policy("db", "database", spec, "NetworkPolicy")])
    [line] = said["database"]
    head = "- loses ingress from everything else, for pods app=db (NetworkPolicy db); allowed from"
    assert line.startswith(head)
    assert "its own Namespace" in line


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


def test_a_label_that_is_not_understood_changes_nothing_and_is_said(trees: Trees) -> None:
    before = namespace("a", "profile=internal")
    said = trees.says([before], [namespace("a", "profile=standart")])
    [line] = said["a"]
    assert line.startswith("! There is no profile 'standart'; the profile 'internal' stays")
    assert trees.run("--fail-on", "widen").exit_code == 0
    assert trees.run("--fail-on", "any").exit_code == 1
    both = [namespace("a", "profile=standart")]
    assert trees.says(both, both) == {}


def test_the_policy_of_a_profile_that_goes_while_in_use_stays(trees: Trees) -> None:
    profile = {
        "apiVersion": f"{DOMAIN}/v1alpha1",
        "kind": "NetworkProfile",
        "metadata": {"name": "mail"},
        "spec": {"egress": [{"toEntities": ["world"]}]},
    }
    user = namespace("a", "profile=mail")
    [line] = trees.says([json.dumps(profile), user], [user])["a"]
    assert line.startswith("! There is no profile 'mail'")


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


def test_what_is_not_judged_is_said_and_held_up(trees: Trees) -> None:
    def tree(path: str) -> list[str]:
        http = {"http": [{"path": path}]}
        ports = [{"ports": [{"port": "80", "protocol": "TCP"}], "rules": http}]
        spec = {"endpointSelector": {}, "ingress": [{"fromEntities": ["world"], "toPorts": ports}]}
        return [namespace("a", "profile=isolated"), policy("http", "a", spec)]

    assert trees.says(tree("/a"), tree("/b"))["a"] == [
        "? rules about requests (HTTP, DNS, TLS), ingress: changed"
    ]
    assert trees.run("--fail-on", "widen").exit_code == 1
    assert trees.says(tree("/a"), tree("/a")) == {}


def test_a_host_firewall_that_goes_is_said_and_held_up(trees: Trees) -> None:
    spec = {"nodeSelector": {}, "ingressDeny": [{"fromEntities": ["world"]}]}
    firewall = policy("nodes", "", spec, kind="CiliumClusterwideNetworkPolicy")
    trees.write([namespace(SHOP), firewall], [namespace(SHOP)])
    ran = trees.run("--fail-on", "widen")
    assert ran.exit_code == 1
    assert "? CiliumClusterwideNetworkPolicy nodes is for nodes (nodeSelector)" in ran.stdout


def test_istio_s_policies_that_go_alone_are_said_and_held_up(trees: Trees) -> None:
    meshed = json.loads(namespace("photos", "profile=internal"))
    meshed["metadata"]["labels"]["istio.io/dataplane-mode"] = "ambient"
    trees.write([json.dumps(meshed)], [json.dumps(meshed)])
    config = trees.folder / "settings.yaml"
    config.write_text("mesh: {authorizationPolicies: true}", encoding="utf-8")
    ran = trees.run("--old-config", str(config), "--fail-on", "widen")
    assert ran.exit_code == 1
    assert "? AuthorizationPolicy homelab-mesh, which Istio enforces, goes" in ran.stdout


def test_what_may_widen_is_held_up_as_well(trees: Trees) -> None:
    service = {"k8sService": {"serviceName": "db", "namespace": "b"}}
    spec = {"endpointSelector": {}, "egress": [{"toServices": [service]}]}
    own = namespace("a", "profile=isolated")
    said = trees.says([own], [own, policy("service", "a", spec)])
    assert said["a"][0].startswith("+ may gain egress to")
    assert trees.run("--fail-on", "widen").exit_code == 1


def test_a_namespace_whose_labels_let_it_into_a_rule_of_another_is_seen_there(trees: Trees) -> None:
    key = "k8s:io.cilium.k8s.namespace.labels.network-policy.homelab/profile"
    peers = [{"fromEndpoints": [{"matchLabels": {key: "standard"}}]}]
    own = [
        namespace("a", "profile=isolated"),
        policy("team", "a", {"endpointSelector": {}, "ingress": peers}),
    ]
    said = trees.says(
        [*own, namespace("b", "profile=internal")], [*own, namespace("b", "profile=standard")]
    )
    assert said["a"] == ["+ gains ingress from Namespace b (CiliumNetworkPolicy team)"]


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
