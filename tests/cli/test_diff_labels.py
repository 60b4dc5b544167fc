"""`homelab-netpol diff`: what changed labels, settings and definitions open and close."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.trees import DOMAIN, Trees, definition, namespace, policy


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
