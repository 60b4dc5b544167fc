"""What the owner of a platform Namespace is told: what is dropped, by whom, and what to add.

Which packets are dropped is compared with Cilium's engine in tests/models and tests/truth.
"""

from __future__ import annotations

import pytest

from homelab_netpol.findings import Finding, check_platform
from homelab_netpol.findings.finding import LONGEST
from homelab_netpol.settings import Settings, parse_settings
from tests.inspected import Json, Labels
from tests.models.model import Model
from tests.models.writing import (
    ccnp,
    cnp,
    from_prometheus,
    np,
    pods_of,
    ports,
    taken_baselines,
    to_dns,
)

MESH = {"istio.io/dataplane-mode": "ambient"}
# Without Prometheus, each test can ask for it.
PODS: dict[str, list[Labels]] = {
    "kube-system": [{"k8s-app": "kube-dns"}],
    "database": [{"app": "pg"}, {"app": "backup"}],
}
NOBODY: list[Json] = [{}]


def told(
    *policies: Json,
    pods: dict[str, list[Labels]] | None = None,
    meshed: tuple[str, ...] = (),
    settings: Settings | None = None,
) -> list[str]:
    """The messages to `database`, where others have taken the names of the operator's baselines."""
    there = {**PODS, **(pods or {})}
    model = Model(
        "unit",
        {name: MESH if name in meshed else {} for name in there},
        there,
        (*taken_baselines(), *policies),
        settings or Settings(),
    )
    return [each.message for each in found(model) if each.subject == "database"]


def found(model: Model) -> list[Finding]:
    return model.findings(check_platform.check)


def test_a_finding_names_what_is_dropped_by_whom_and_the_rule_to_add() -> None:
    assert told(cnp("closed", "database", egress=NOBODY)) == [
        "DNS to kube-system k8s-app=kube-dns (UDP 53 and TCP 53) is dropped: CiliumNetworkPolicy"
        " closed in database lets out only what a rule allows, and none allows it. Add egress to"
        " kube-system k8s-app=kube-dns on UDP 53 and TCP 53."
    ]


def test_a_deny_rule_is_named_as_one_and_no_rule_is_asked_for() -> None:
    deny = [{"toEntities": ["all"], "toPorts": ports(53, protocol="UDP")}]
    assert told(cnp("shut", "database", egress=[to_dns()], egressDeny=deny)) == [
        "DNS to kube-system k8s-app=kube-dns (UDP 53) is dropped: a deny rule of"
        " CiliumNetworkPolicy shut in database hits it, and no rule that allows wins over it."
        " Narrow that rule."
    ]


def test_only_the_ports_that_are_dropped_are_named() -> None:
    half = {**to_dns(), "toPorts": ports(53, protocol="UDP")}
    [message] = told(cnp("half", "database", egress=[half]))
    assert "(TCP 53)" in message
    assert "UDP" not in message


def test_where_only_some_pods_are_concerned_they_are_named() -> None:
    [message] = told(cnp("closed", "database", {"app": "pg"}, egress=NOBODY))
    assert "for pods app=pg, is dropped" in message


def test_several_policies_are_named_and_the_namespaces_own_first() -> None:
    everywhere = ccnp("everywhere", {}, egress=NOBODY)
    [message] = told(everywhere, cnp("closed", "database", egress=NOBODY))
    named = "CiliumNetworkPolicy closed in database and CiliumClusterwideNetworkPolicy everywhere"
    assert f"{named} let out only" in message


def test_one_finding_for_each_need_whatever_the_number_of_policies() -> None:
    by_pod = [cnp(app, "database", {"app": app}, egress=NOBODY) for app in ("pg", "backup")]
    [message] = told(*by_pod)
    assert "CiliumNetworkPolicy backup in database and CiliumNetworkPolicy pg" in message


def test_a_policy_of_anybody_may_supply_what_is_missing() -> None:
    closed = cnp("closed", "database", egress=NOBODY)
    assert told(closed, ccnp("dns-for-all", {}, egress=[to_dns()])) == []
    assert told(closed, np("all", "database", egress=[{}])) == []


def test_what_does_not_exist_misses_nothing() -> None:
    closed = cnp("closed", "database", ingress=NOBODY, egress=NOBODY)
    assert told(closed, pods={"database": []}) == []
    assert told(closed, pods={"kube-system": []}) == [], "no DNS, no Prometheus, no proxy"


def test_nodes_reach_their_own_pods_without_a_rule() -> None:
    assert told(cnp("closed", "database", ingress=NOBODY)) == []
    denied = cnp("closed", "database", ingressDeny=[{"fromEntities": ["host"]}])
    [message] = told(denied)
    assert message.startswith("Probing from the node (entity host) is dropped: a deny rule of ")
    some = cnp("ssh", "database", ingressDeny=[{"fromEntities": ["host"], "toPorts": ports(22)}])
    assert told(some) == [], "which port is probed is not known"


def test_probes_come_from_istios_address_in_the_mesh_only() -> None:
    closed = cnp("closed", "database", ingress=[{"fromEntities": ["health"]}])
    assert told(closed) == []
    [message] = told(closed, meshed=("database",))
    either = "CIDR 169.254.7.127/32 or fd16:9254:7127:1337:ffff::/80"
    assert message.startswith(f"Probing from {either} is dropped")
    assert message.endswith(f"Add ingress from {either} on the port that is probed.")
    opted_out: dict[str, list[Labels]] = {
        "database": [{"app": "pg", "istio.io/dataplane-mode": "none"}]
    }
    assert told(closed, meshed=("database",), pods=opted_out) == []


@pytest.mark.parametrize(
    ("listed", "opened", "fine"),
    [("", 9187, True), ("", None, False), ("[9187]", 9187, True), ("[9100]", 9187, False)],
)
def test_some_port_must_be_open_to_prometheus(listed: str, opened: int | None, fine: bool) -> None:
    pods: dict[str, list[Labels]] = {"monitoring": [{"app.kubernetes.io/name": "prometheus"}]}
    rules = NOBODY if opened is None else [from_prometheus("monitoring", opened)]
    scraper = "namespace: monitoring, podLabels: {app.kubernetes.io/name: prometheus}"
    settings = parse_settings(f"scrapers: [{{{scraper}, ports: {listed or []}}}]")
    messages = told(cnp("closed", "database", ingress=rules), pods=pods, settings=settings)
    assert bool(messages) is not fine
    port = "TCP 9100" if listed else "the port of the metrics"
    peer = "monitoring app.kubernetes.io/name=prometheus"
    assert all(one.endswith(f"Add ingress from {peer} on {port}.") for one in messages)


def test_what_is_not_certain_is_not_told() -> None:
    by_name = [{"ports": [{"port": "metrics", "protocol": "TCP"}]}]
    scraped = {**from_prometheus("monitoring"), "toPorts": by_name}
    pods: dict[str, list[Labels]] = {"monitoring": [{"app.kubernetes.io/name": "prometheus"}]}
    assert told(cnp("closed", "database", ingress=[scraped]), pods=pods) == []
    unread = cnp("unread", "database", egress=[{"toTheFuture": []}])
    assert told(cnp("closed", "database", egress=NOBODY), unread) == []


def test_the_proxies_of_the_mesh_must_be_reached_and_reach_both_ways() -> None:
    pods: dict[str, list[Labels]] = {"istio-system": [{"app": "ztunnel"}]}
    closed = cnp("closed", "database", ingress=[{"fromEntities": ["world"]}], egress=[to_dns()])
    messages = told(closed, pods=pods, meshed=("database",))
    assert {message.partition(" is dropped")[0] for message in messages} == {
        "HBONE to istio-system app=ztunnel (TCP 15008)",
        "HBONE from istio-system app=ztunnel (TCP 15008)",
    }


def test_a_rule_for_a_peer_in_the_mesh_is_void_without_the_tunnels_port() -> None:
    pods: dict[str, list[Labels]] = {"garage": [{"app": "garage"}], "cache": [{"app": "cache"}]}
    meshed = ("database", "garage", "cache")
    egress = [to_dns(), {"toEndpoints": [pods_of("garage")], "toPorts": ports(3900)}]
    backups = cnp("backups", "database", egress=egress)
    [message] = told(backups, pods=pods, meshed=meshed)
    assert message == (
        "CiliumNetworkPolicy backups opens TCP to namespace garage in vain: in the mesh it travels"
        " as HBONE (TCP 15008), which is dropped: CiliumNetworkPolicy backups in database lets out"
        " only what a rule allows, and none allows it. Add egress to namespace garage on TCP 15008."
    )
    assert told(backups, pods=pods, meshed=("database",)) == [], "garage is not in the mesh"
    tunnel = cnp(
        "tunnel", "database", egress=[{"toEntities": ["cluster"], "toPorts": ports(15008)}]
    )
    assert told(backups, tunnel, pods=pods, meshed=meshed) == []
    wide = cnp("wide", "database", egress=[to_dns(), {"toEntities": ["cluster"]}])
    assert told(wide, pods=pods, meshed=meshed) == [], "every port is open, and so is this one"
    both = [{"toEndpoints": [pods_of("garage"), pods_of("cache")], "toPorts": ports(3900)}]
    [message] = told(cnp("both", "database", egress=[to_dns(), *both]), pods=pods, meshed=meshed)
    assert "opens TCP to namespace cache and others in vain" in message


def test_the_same_facts_give_the_same_text() -> None:
    policies = [cnp(name, "database", egress=NOBODY) for name in ("a", "b", "c")]
    assert told(*policies) == told(*policies[::-1])


def test_all_that_can_be_said_fits_with_names_as_they_are_used() -> None:
    long = [cnp("n" * 30, "database", egress=NOBODY), ccnp("m" * 30, {}, egress=NOBODY)]
    [message] = told(*long)
    assert len(message) <= LONGEST
    assert message.endswith("Add egress to kube-system k8s-app=kube-dns on UDP 53 and TCP 53.")


def test_names_as_long_as_they_may_be_do_not_cost_the_rule_to_add() -> None:
    long = [cnp("n" * 253, "database", egress=NOBODY), ccnp("m" * 253, {}, egress=NOBODY)]
    [message] = told(*long)
    assert len(message) <= LONGEST
    assert message.endswith("Add egress to kube-system k8s-app=kube-dns on UDP 53 and TCP 53.")
