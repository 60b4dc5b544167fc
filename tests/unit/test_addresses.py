"""What an address is to Cilium, by what is given of a cluster; odd manifests leave it open."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any

import pytest

from homelab_netpol.access.addresses import ResolvedAddress, resolve_address
from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.surroundings import own_addresses, surroundings_of
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.evaluation import Entity, Network, Pod
from homelab_netpol.manifests import Manifest, ManifestSet, Source
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import Settings

Json = dict[str, Any]

VERSIONS = {
    "EndpointSlice": "discovery.k8s.io/v1",
    "CiliumCIDRGroup": "cilium.io/v2",
    "Deployment": "apps/v1",
}
NAMED = {"kubernetes.io/service-name": "kubernetes"}
SLICE = {"ports": [{"port": 6443}], "endpoints": [{"addresses": ["192.0.2.1"]}]}


def made(kind: str, name: str, namespace: str = "", /, **fields: Any) -> Json:
    """An object."""
    labels = fields.pop("labels", {})
    metadata: Json = {"name": name, "labels": labels}
    if namespace:
        metadata["namespace"] = namespace
    version = VERSIONS.get(kind, "v1")
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def node(name: str, address: str) -> Json:
    """A Node."""
    addresses = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]
    return made("Node", name, status={"addresses": addresses})


def pod(name: str, address: str, **spec: Any) -> Json:
    """A pod of `data`."""
    containers = [{"ports": [{"name": "sql", "containerPort": 5432}]}]
    sidecars = [{"ports": [{"name": "metrics", "containerPort": 9187}]}]
    whole = {"containers": containers, "initContainers": sidecars, **spec}
    status = {"podIP": address}
    return made("Pod", name, "data", labels={"app": "db"}, spec=whole, status=status)


API = made("EndpointSlice", "kubernetes", "default", labels=NAMED, **SLICE)
CLUSTER = [
    *(node("one", "192.0.2.1"), node("two", "192.0.2.2"), API),
    pod("db-0", "10.1.0.7", serviceAccountName="db"),
    pod("agent", "192.0.2.2", hostNetwork=True),
    made("Service", "kubernetes", "default", spec={"clusterIP": "10.43.0.1"}),
    made("Service", "db", "data", spec={"clusterIP": "10.43.0.9", "selector": {"app": "db"}}),
    made("Service", "nas", "data", spec={"clusterIP": "10.43.0.8"}),
    made(
        "EndpointSlice",
        "nas-1",
        "data",
        labels={"kubernetes.io/service-name": "nas"},
        ports=[{"port": 443}],
        endpoints=[{"addresses": ["192.168.1.20"], "conditions": {"ready": False}}],
    ),
]


@functools.cache
def catalogue() -> Catalogue:
    """The settings as they come."""
    return Catalogue(Settings())


def model(
    objects: list[Json], config: Mapping[str, str] | None = MappingProxyType({})
) -> ClusterModel:
    """A cluster of which these objects are given, and its agents' configuration."""
    manifests = ManifestSet()
    manifests.add(Manifest(each, Source("cluster")) for each in objects)
    state = desired_state(catalogue(), manifests.namespaces(), datetime.now(UTC))
    return ClusterModel(manifests, state, read_agent_config(config) if config is not None else None)


def resolved(address: str, objects: list[Json] | None = None) -> ResolvedAddress:
    """What an address is."""
    return resolve_address(model(CLUSTER if objects is None else objects), address)


def test_a_node_is_itself_to_its_own_pods_and_another_node_to_all_others() -> None:
    found = resolved("192.0.2.2")
    assert found.words == "Node two"
    assert [each.name for each in found.endpoints if isinstance(each, Entity)] == [
        "host",
        "remote-node",
    ]
    alone = resolved("192.0.2.2", [node("two", "192.0.2.2")])
    assert [each.name for each in alone.endpoints if isinstance(each, Entity)] == ["host"]


@pytest.mark.parametrize("address", ["192.0.2.1", "10.43.0.1"])
def test_the_api_server_on_a_node_is_the_entity_there(address: str) -> None:
    found = resolved(address).endpoints
    assert [(each.name, each.place) for each in found if isinstance(each, Entity)] == [
        ("kube-apiserver", "host"),
        ("kube-apiserver", "remote-node"),
    ]
    for each in found:
        assert each.is_entity("kube-apiserver") is True
        assert each.is_within(ip_network("0.0.0.0/0")) is False, "no CIDR means a node"


def test_an_api_server_that_is_no_node_is_its_address_too() -> None:
    [found] = resolved("192.0.2.1", [node("two", "192.0.2.2"), API]).endpoints
    assert found.is_entity("world") is True
    assert found.is_entity("remote-node") is False
    assert found.is_within(ip_network("192.0.2.0/24")) is True
    assert found.is_within(ip_network("10.0.0.0/8")) is False


def test_where_the_api_server_is_stays_open_if_no_node_is_given() -> None:
    entity = model([API]).entity("kube-apiserver")
    assert entity.is_entity("remote-node") not in (True, False)
    assert entity.is_within(ip_network("10.0.0.0/8")) is False


def test_a_pod_has_its_service_account_and_the_ports_that_cilium_knows_by_name() -> None:
    found = resolved("10.1.0.7")
    assert found.words == "Pod data/db-0"
    [pod] = found.endpoints
    assert isinstance(pod, Pod)
    assert pod.service_account == "db"
    assert [(each.name, each.number) for each in pod.ports or ()] == [("sql", 5432)]


def test_the_address_of_a_service_is_what_is_behind_it() -> None:
    found = resolved("10.43.0.9")
    assert found.service is not None
    assert found.words == "Service data/db"
    # The second of the pods is in its node's network.
    kinds = [type(each) for each in found.endpoints]
    assert kinds == [Entity, Entity, Pod]
    assert resolved("10.43.0.8").endpoints == (Network(ip_network("192.168.1.20/32")),)


def test_any_other_address_is_outside_the_cluster() -> None:
    found = resolved("203.0.113.7")
    assert found.endpoints == (Network(ip_network("203.0.113.7/32")),)
    assert found.service is None


@pytest.mark.parametrize("text", ["", "web", "10.0.0.0/8", "10.0.0.256", "fe80::1%eth0x/64"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="IPv4 or IPv6"):
        resolved(text)


def test_without_the_agents_configuration_a_cidr_may_mean_a_node() -> None:
    for config in (None, {"policy-cidr-match-mode": "nodes"}):
        entity = model(CLUSTER, config).entity("host")
        assert entity.is_within(ip_network("0.0.0.0/0")) not in (True, False)


@pytest.mark.parametrize(("mode", "settled"), [("", True), ("nodes", True), ("nodes,pods", False)])
def test_a_pod_is_in_no_cidr_unless_the_agents_are_configured_for_it(
    mode: str, settled: bool
) -> None:
    [pod] = model(CLUSTER, {"policy-cidr-match-mode": mode}).pods("data")
    assert (pod.is_within(ip_network("10.0.0.0/8")) is False) is settled


def test_in_a_cluster_of_one_node_the_node_is_the_api_server_too() -> None:
    alone = model([node("one", "192.0.2.1"), API])
    assert alone.entity("host").is_entity("kube-apiserver") is True
    assert alone.entity("kube-apiserver").is_entity("host") is True
    assert model(CLUSTER).entity("host").is_entity("kube-apiserver") is False


ODD: tuple[Any, ...] = (None, 7, "x", True, [], {}, [None], [7], ["x"], [{}], {"x": 7})
KINDS = {
    "CiliumCIDRGroup": ("spec", {"externalCIDRs": ["10.0.0.0/8"]}),
    "Service": ("spec", {"selector": {"app": "db"}, "clusterIP": "10.43.0.9"}),
    "EndpointSlice": ("endpoints", [{"addresses": ["192.0.2.1"]}]),
    "Endpoints": ("subsets", [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 1}]}]),
    "Node": ("status", {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}),
}


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_an_odd_shape_anywhere_is_left_out(kind: str, odd: Any) -> None:
    field, sound = KINDS[kind]
    for value in (odd, *_spoilt(sound, odd)):
        labels = {"kubernetes.io/service-name": "db"}
        namespace = "" if kind in ("CiliumCIDRGroup", "Node") else "data"
        fields: Json = {field: value, "ports": [{"port": 1}]}
        one = made(kind, "db", namespace, labels=labels, **fields)
        cluster = model([one])
        surroundings_of(cluster.manifests, None)
        own_addresses(cluster.manifests)
        resolve_address(cluster, "192.0.2.1")
        resolve_address(cluster, "10.43.0.9")


def _spoilt(value: Any, odd: Any) -> list[Any]:
    """The value with something odd in the place of each of its parts."""
    if isinstance(value, dict):
        return [
            {**value, key: new} for key, old in value.items() for new in (odd, *_spoilt(old, odd))
        ]
    if isinstance(value, list):
        return [[new] for new in (odd, *_spoilt(value[0], odd))]
    return []
