"""`homelab-netpol diff`: what others' policies open and close, and what of them is not judged."""

from __future__ import annotations

import json

from tests.cli.trees import Trees, namespace, policy

SHOP = "shop"


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
