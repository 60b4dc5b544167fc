"""A port that is a Service's, and none of its pods', is told with the one that is meant."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.pods import ObservedPod, read_pod
from homelab_netpol.cluster.services import ObservedService
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings import GrantedPort, check_service_ports
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.rule_ports import opened_by, peers_elsewhere
from homelab_netpol.findings.service_ports import describe, service_ports_opened
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import Settings
from lab.control_plane import Engine, Flow, Identity
from tests.inspected import DOMAIN, NOON
from tests.unit.hand_made import namespaces, pod, policy, ports, service


def meant(
    opened: Iterable[GrantedPort],
    services: Iterable[ObservedService],
    pods: Iterable[ObservedPod] = (),
) -> list[tuple[int, ...]]:
    found = service_ports_opened(list(opened), services, pods or [pod("api", 8080)])
    return [each.meant for each in found]


EIGHTY = [GrantedPort(80)]


def test_the_port_of_a_service_is_told_with_that_of_its_pods() -> None:
    assert meant(EIGHTY, [service()]) == [(8080,)]


def test_the_words_name_the_service_and_the_port_to_write() -> None:
    found = service_ports_opened(EIGHTY, [service()], [pod("api", 8080)])
    text = describe(found, "The grant api", "jobs", "in the shared resource api")
    assert "The grant api opens TCP 80, the port of the Service api in jobs" in text
    assert "Write TCP 8080 in the shared resource api." in text


@pytest.mark.parametrize("opened", [80, 8080])
def test_the_engine_denies_the_pods_port_unless_that_one_is_opened(
    engine: Engine, opened: int
) -> None:
    engine.identities({"app": Identity.pod("my-app"), "api": Identity.pod("jobs", {"app": "api"})})
    rule = {"toEndpoints": namespaces("jobs"), "toPorts": ports(opened)}
    engine.policies([policy("access", "my-app", egress=[rule])])
    [verdict] = engine.verdicts([Flow("app", "api", 8080)])
    told = bool(meant([GrantedPort(opened)], [service()]))
    assert verdict.allowed is not told


def test_a_port_that_pods_declare_or_a_service_leads_to_is_right() -> None:
    assert meant(EIGHTY, [service()], [pod("api", 8080, 80)]) == []
    assert meant(EIGHTY, [service(), service("plain", selector={}, ports=((80, 80),))]) == [(8080,)]
    assert (
        meant(EIGHTY, [service(), service("b", selector={"app": "api"}, ports=((81, 80),))]) == []
    )
    assert meant([GrantedPort(5432)], [service(ports=((5432, 5432),))]) == []


def test_a_sidecar_and_an_init_container_declare_ports_too() -> None:
    container = {"name": "main", "ports": [{"containerPort": 8080}]}
    sidecar = {"name": "proxy", "restartPolicy": "Always", "ports": [{"containerPort": 80}]}
    metadata = {"metadata": {"labels": {"app": "api"}}}
    beside = read_pod({**metadata, "spec": {"containers": [container, sidecar]}})
    before = read_pod(
        {**metadata, "spec": {"containers": [container], "initContainers": [sidecar]}}
    )
    assert beside is not None
    assert before is not None
    assert meant(EIGHTY, [service()], [beside]) == []
    assert meant(EIGHTY, [service()], [before]) == []


def test_what_is_opened_as_well_needs_no_finding() -> None:
    assert meant([*EIGHTY, GrantedPort(8080)], [service()]) == []
    assert meant([*EIGHTY, GrantedPort(8000, 9000)], [service()]) == []


def test_a_port_by_name_is_resolved_by_the_containers() -> None:
    named = service(ports=((80, "http"),))
    assert meant(EIGHTY, [named], [pod("api", (8081, "http"))]) == [(8081,)]
    assert meant(EIGHTY, [named], [pod("api", (80, "http"))]) == []
    assert meant(EIGHTY, [named], [pod("api", 8081)]) == []


def test_pods_that_give_one_name_to_different_ports_are_all_named() -> None:
    pods = [pod("api", (8081, "http")), pod("api", (8082, "http"))]
    assert meant(EIGHTY, [service(ports=((80, "http"),))], pods) == [(8081, 8082)]


def test_a_headless_service_translates_nothing() -> None:
    assert meant(EIGHTY, [service(headless=True)]) == []
    assert meant(EIGHTY, [service(), service("h", selector={"app": "api"}, headless=True)]) == []


@pytest.mark.parametrize("protocol", ["UDP", "SCTP"])
def test_other_protocols_are_kept_apart(protocol: str) -> None:
    opened = [GrantedPort(53, protocol=protocol)]
    dns = service(ports=((53, 5353),), protocol=protocol)
    assert meant(opened, [dns]) == [(5353,)]
    assert meant([GrantedPort(53)], [dns]) == []
    # A TCP port of the same number is another one.
    assert meant(opened, [dns], [pod("api", 53)]) == [(5353,)]


def test_of_a_range_all_must_lead_to_nothing() -> None:
    assert meant([GrantedPort(80, 90)], [service()]) == [(8080,)]
    assert meant([GrantedPort(80, 9000)], [service()]) == []
    assert meant([GrantedPort(80, 90)], [service()], [pod("api", 8080, 85)]) == []


def test_services_of_other_pods_and_pods_on_the_hosts_network_do_not_count() -> None:
    assert meant(EIGHTY, [service("other")]) == []
    on_host = ObservedPod({"app": "api"}, host_network=True)
    assert meant(EIGHTY, [service()], [on_host]) == []


def test_several_services_of_a_namespace_are_named_together() -> None:
    both = [service(), service("web", ports=((80, 3000),))]
    found = service_ports_opened(EIGHTY, both, [pod("api", 8080), pod("web", 3000)])
    text = describe(found, "The grant it", "jobs", "there")
    assert "the Services api and web in jobs" in text
    assert "TCP 3000 and TCP 8080" in text


def test_a_rule_opens_what_it_lists_by_number() -> None:
    rule = {"fromEntities": ["cluster"], "toPorts": ports(80, 81)}
    assert opened_by([rule]) == (GrantedPort(80), GrantedPort(81))
    [any_protocol] = ports(53, protocol="ANY")
    assert [port.protocol for port in opened_by([{"toPorts": [any_protocol]}])] == [
        "TCP",
        "UDP",
        "SCTP",
    ]


def test_rules_that_open_every_port_or_name_one_are_left_alone() -> None:
    listed = {"toPorts": ports(80)}
    assert opened_by([listed, {"fromEntities": ["all"]}]) == ()
    assert opened_by([{"toPorts": ports(0)}]) == ()
    assert opened_by([{"toPorts": [{"ports": [{"port": "http"}]}]}]) == ()
    assert opened_by([listed, {"icmps": [{"fields": [{"type": 8}]}]}]) == (GrantedPort(80),)


def test_an_egress_rule_is_about_the_one_namespace_that_it_names() -> None:
    [jobs] = namespaces("jobs")
    jobs["matchLabels"]["app"] = "api"
    [peers] = peers_elsewhere([{"toEndpoints": [jobs], "toPorts": ports(80)}])
    assert peers.namespace == "jobs"
    assert peers.selects({"app": "api"})
    assert not peers.selects({"app": "other"})
    assert not list(peers_elsewhere([{"toEndpoints": namespaces("a", "b"), "toPorts": ports(80)}]))
    assert not list(peers_elsewhere([{"toEndpoints": [{}], "toPorts": ports(80)}]))


@pytest.mark.parametrize("said", ["lan-ports", "world-ports", "gateway-ports"])
@pytest.mark.parametrize("listed", ["80", "8080"])
def test_an_annotation_with_a_services_port_is_told(said: str, listed: str) -> None:
    catalogue = Catalogue(Settings())
    cache = ClusterCache(catalogue)
    metadata = {
        **{"name": "jobs", "uid": "jobs", "resourceVersion": "1"},
        "labels": {f"{DOMAIN}/profile": "standard"},
        "annotations": {f"{DOMAIN}/{said}": listed},
    }
    triggers = Triggers(cache, lambda: NOON)
    triggers.namespace_observed(cache.namespaces.read({"metadata": metadata}))
    seen = Snapshot(targets={"jobs": [pod("api", 8080)]}, services={"jobs": [service()]})
    found = [each for each in check_service_ports.check(Inspection(cache, seen)) if each]
    messages = [each.message for each in found]
    assert bool(messages) is (listed == "80")
    assert all(f"{DOMAIN}/{said}" in text and "Write TCP 8080" in text for text in messages)
