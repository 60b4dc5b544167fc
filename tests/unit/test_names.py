"""Rules of others by DNS name: told where no rule sends their lookups through Cilium's proxy."""

from __future__ import annotations

from typing import Any

import pytest

from homelab_netpol.findings import check_names
from homelab_netpol.findings.finding import FindingReason
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import parse_settings
from tests.inspected import Cluster, Json, Labels
from tests.models.writing import ccnp, cnp

NAMESPACES: dict[str, Labels] = {"kube-system": {}, "app": {}, "shop": {}}
PODS: dict[str, list[Labels]] = {
    "kube-system": [{"k8s-app": "kube-dns"}],
    "app": [{"app": "web"}, {"app": "worker"}],
    "shop": [{"app": "shop"}],
}
BY_NAME = cnp("mail", "app", {"app": "web"}, egress=[{"toFQDNs": [{"matchName": "example.org"}]}])


def to_dns(**rules: Any) -> Json:
    ports = [{"ports": [{"port": "53", "protocol": "ANY"}], **rules}]
    labels = {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}
    return {"toEndpoints": [{"matchLabels": labels}], "toPorts": ports}


SHOP = {"matchLabels": {"app": "shop"}}
PROXIED = to_dns(rules={"dns": [{"matchPattern": "*"}]})


def found(*policies: Json, settings: str = "") -> list[str]:
    cluster = Cluster(NAMESPACES, Catalogue(parse_settings(settings)))
    findings = cluster.findings(check_names.check, policies, PODS)
    assert {each.reason for each in findings} <= {FindingReason.NAMES_NOT_LEARNED}
    return [f"{each.subject}: {each.message}" for each in findings]


def test_a_rule_by_name_that_lived_on_anothers_dns_rule_is_told_with_what_to_set() -> None:
    [message] = found(BY_NAME)
    assert message.startswith("app: CiliumNetworkPolicy mail in app allows by name")
    assert "dns: {proxy: true}" in message


@pytest.mark.parametrize(
    "dns_rule",
    [
        cnp("dns", "app", {"app": "web"}, egress=[PROXIED]),
        ccnp("dns", {}, egress=[PROXIED]),
        cnp("dns", "app", {}, egress=[{**PROXIED, "toEndpoints": [{}, *PROXIED["toEndpoints"]]}]),
    ],
)
def test_where_some_rule_sends_lookups_through_the_proxy_nothing_is_told(dns_rule: Json) -> None:
    assert found(BY_NAME, dns_rule) == []


@pytest.mark.parametrize(
    "dns_rule",
    [
        cnp("dns", "app", {"app": "web"}, egress=[to_dns()]),
        cnp("dns", "app", {"app": "worker"}, egress=[PROXIED]),
        cnp("dns", "shop", {}, egress=[PROXIED]),
    ],
)
def test_a_dns_rule_without_the_proxy_or_of_other_pods_is_none(dns_rule: Json) -> None:
    assert len(found(BY_NAME, dns_rule)) == 1


def test_with_the_setting_every_lookup_passes_the_proxy() -> None:
    assert found(BY_NAME, settings="dns: {proxy: true}") == []


def test_a_clusterwide_rule_by_name_is_told_in_each_namespace_that_has_its_pods() -> None:
    rule = ccnp("mail", SHOP, egress=[{"toFQDNs": [{"matchName": "example.org"}]}])
    [message] = found(rule)
    assert message.startswith("shop: CiliumClusterwideNetworkPolicy mail allows by name")
