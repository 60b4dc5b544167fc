"""Where surroundings decide what is found: the operator, the cluster, Cilium's settings."""

from __future__ import annotations

from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.lint import BY_ID
from tests.lint.linted import findings, ids
from tests.lint.policies import FAR, NODE, PHOTOS, WEB, cnp


def test_with_the_operator_there_its_baseline_lets_every_pod_ask_dns() -> None:
    text = cnp("egress: [{toEntities: [world], PORT}]")
    assert ids(text) == {"NP109"}
    assert ids(text, with_operator=True) == set()
    labelled = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: photos\n"
    profile = "  labels: {network-policy.homelab/profile: internal}\n"
    assert ids(text + labelled + profile) == set()


def test_names_are_looked_up_through_the_operators_proxy_if_the_settings_say_so() -> None:
    text = cnp("egress: [{toFQDNs: [{matchName: a.example.org}], PORT}]")
    assert ids(text, with_operator=True) == {"NP108"}
    assert ids(text, with_operator=True, settings="dns: {proxy: true}") == set()


def test_a_dns_rule_may_be_in_another_tree_but_not_in_another_cluster() -> None:
    text = BY_ID["NP108"].wrong
    assert [each.severity for each in findings(text)] == ["warning"]
    assert [each.severity for each in findings(text, from_cluster=True)] == ["error"]


def test_a_name_that_no_dns_rule_lets_be_looked_up_is_found() -> None:
    dns = (
        '{toEntities: [cluster], toPorts: [{ports: [{port: "53", protocol: ANY}],'
        ' rules: {dns: [{matchPattern: "*.example.org"}]}}]}'
    )
    names = "{matchName: a.example.org}, {matchName: example.com}"
    [found] = findings(cnp(f"egress: [{{toFQDNs: [{names}], PORT}}, {dns}]"))
    assert (found.rule.id, found.path) == ("NP108", "spec.egress[0].toFQDNs[1]")


def test_a_label_that_this_clusters_filter_leaves_out_is_found() -> None:
    text = cnp("ingress: [{fromEndpoints: [{matchLabels: {team: a}}], PORT}]")
    assert ids(text) == set()
    config = read_agent_config({"labels": "k8s:app k8s:io.kubernetes.pod.namespace"})
    assert ids(text, config=config) == {"NP112"}


def test_a_nodes_address_counts_unless_cilium_matches_nodes_by_address() -> None:
    status = "status: {addresses: [{type: InternalIP, address: 192.168.1.2}]}\n"
    text = cnp("egress: [{toCIDR: [192.168.1.2/32], PORT}]") + NODE + status
    assert ids(text) == {"NP306"}
    assert ids(text, config=read_agent_config({})) == {"NP306"}
    assert ids(text, config=read_agent_config({"policy-cidr-match-mode": "nodes"})) == set()


def test_an_api_server_is_certain_where_it_is_on_a_node_only() -> None:
    slices = (
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
        "metadata:\n  name: a\n  namespace: default\n"
        "  labels: {kubernetes.io/service-name: kubernetes}\n"
        "endpoints: [{addresses: [192.168.1.2]}]\n"
    )
    text = cnp("egress: [{toCIDR: [192.168.1.2/32], PORT}]") + slices
    assert ids(text) == set()
    status = "status: {addresses: [{type: InternalIP, address: 192.168.1.2}]}\n"
    [found] = findings(text + NODE + status)
    assert "kube-apiserver" in found.message


def test_in_a_cluster_a_namespace_that_is_not_there_is_certain() -> None:
    text = cnp(f"ingress: [{{{FAR}, PORT}}]") + PHOTOS
    assert "NP303" in ids(text, from_cluster=True)
    assert "NP303" in ids(text.replace("far", "photo"))  # mistyped


def test_a_profile_that_may_be_defined_elsewhere_is_only_a_warning() -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: photos\n  labels:\n"
    [found] = findings(f"{text}    network-policy.homelab/profile: games\n")
    assert (found.rule.id, found.severity, found.line) == ("NP003", "warning", 6)


def test_variants_of_an_object_are_both_looked_at_and_make_nothing_certain() -> None:
    other = WEB.replace("app: web", "app: other")
    policy = cnp("ingress: [{}]").replace("app: web", "app: third")
    assert "NP301" in ids(policy + WEB)
    assert "NP301" not in ids(policy + WEB + other)
    wrong = cnp("ingress: [{fromEntities: [world]}]")
    assert ids(f"{cnp('ingress: [{}]')}---\n{wrong}") == {"NP008"}
