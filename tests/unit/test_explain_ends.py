"""What people write for an end of a connection, and what it is in the cluster that is given."""

from __future__ import annotations

import re

import pytest

from homelab_netpol.access.ends import EndError
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.cilium.evaluation import Entity, Name, Network, Pod
from tests.explained import deployment, model_of, namespace

CLUSTER = (
    namespace("photos", profile="internal")
    + deployment("photos", "web")
    + deployment("photos", "worker")
    + """---
apiVersion: v1
kind: Pod
metadata:
  name: pg-5c9d7-x2x4
  namespace: database
  labels: {app: pg, pod-template-hash: 5c9d7}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: pg-5c9d7, uid: u}]
spec: {containers: [{name: pg, ports: [{containerPort: 5432, name: pg}]}]}
status: {podIP: 10.1.0.7, podIPs: [{ip: 10.1.0.7}]}
---
apiVersion: v1
kind: Pod
metadata: {name: backup, namespace: database, labels: {app: backup}}
spec: {containers: [{name: backup}]}
status: {phase: Succeeded, podIP: 10.1.0.7}
---
apiVersion: v1
kind: Service
metadata: {name: pg, namespace: database}
spec: {clusterIP: 10.96.0.7, selector: {app: pg}, ports: [{port: 15432, targetPort: pg}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: database}
spec: {type: ExternalName, externalName: db.example.org}
---
apiVersion: v1
kind: Service
metadata: {name: node, namespace: monitoring}
spec: {ports: [{port: 9100}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: node-a, namespace: monitoring, labels: {kubernetes.io/service-name: node}}
ports: [{port: 9100}]
endpoints: [{addresses: [192.168.1.2]}, {addresses: [192.0.2.7]}]
---
apiVersion: v1
kind: Node
metadata: {name: one}
status: {addresses: [{type: InternalIP, address: 192.168.1.2}]}
---
apiVersion: v1
kind: Node
metadata: {name: two}
status: {addresses: [{type: InternalIP, address: 192.168.1.3}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: login, namespace: identity}
spec: {hostnames: [login.example.org, "*.apps.example.org"], parentRefs: [{name: external}]}
"""
)


@pytest.fixture(scope="module")
def finder() -> EndFinder:
    return EndFinder(model_of(CLUSTER))


@pytest.mark.parametrize(
    "text",
    ["database/pg", "database/pg-5c9d7-x2x4", "10.1.0.7", "database/app=pg", "database:app=pg"],
)
def test_a_pod_goes_by_its_makers_name_its_own_its_address_and_its_labels(
    finder: EndFinder, text: str
) -> None:
    end = finder.find(text)
    [member] = end.members
    assert isinstance(member.endpoint, Pod)
    assert member.endpoint.labels["app"] == "pg"
    assert [str(each) for each in end.ports] == ["5432/TCP"]


@pytest.mark.parametrize(
    "text", ["svc/database/pg", "10.96.0.7", "pg.database.svc", "pg.database.svc.cluster.local."]
)
def test_a_service_is_the_pods_behind_it_on_their_ports(finder: EndFinder, text: str) -> None:
    end = finder.find(text)
    assert [each.words for each in end.members] == ["database/pg"]
    assert [str(each) for each in end.ports] == ["5432/TCP"]
    assert any("Service database/pg leads to database/pg on 5432/TCP" in n for n in end.notes)


def test_a_service_for_a_name_outside_is_that_name(finder: EndFinder) -> None:
    assert [each.endpoint for each in finder.find("svc/database/outside").members] == [
        Name("db.example.org")
    ]


def test_an_address_of_a_node_is_the_node_as_its_pods_and_others_meet_it(
    finder: EndFinder,
) -> None:
    ends = [each.endpoint for each in finder.find("192.168.1.3").members]
    assert {each.name for each in ends if isinstance(each, Entity)} == {"host", "remote-node"}


def test_another_address_is_outside(finder: EndFinder) -> None:
    [member] = finder.find("192.168.1.10").members
    assert isinstance(member.endpoint, Network)


@pytest.mark.parametrize("name", ["login.example.org", "Login.example.org.", "a.apps.example.org"])
def test_a_name_that_the_own_gateway_serves_is_that_gateway(finder: EndFinder, name: str) -> None:
    end = finder.find(name)
    [member] = end.members
    assert isinstance(member.endpoint, Pod)
    assert member.endpoint.namespace == "istio-gateway"
    assert any("own external gateway" in note for note in end.notes)
    for outside in ("api.example.org", "apps.example.org"):
        assert [each.endpoint for each in finder.find(outside).members] == [Name(outside)]


def test_a_name_that_looks_like_a_service_s_is_said_to_be_none(finder: EndFinder) -> None:
    [note] = finder.find("pgg.database").notes
    assert "no Service pgg of the Namespace database is given" in note


def test_a_namespace_is_all_of_its_workloads(finder: EndFinder) -> None:
    assert [each.words for each in finder.find("photos").members] == ["photos/web", "photos/worker"]


def test_pods_that_are_not_given_may_be_any(finder: EndFinder) -> None:
    for text in ("identity", "photos/app=cron"):
        end = finder.find(text)
        [member] = end.members
        assert isinstance(member.endpoint, Pod)
        assert not member.endpoint.complete
        assert any("the answer is for any pod" in note for note in end.notes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("photos/wbe", "there are web, worker"),
        ("app=web", "say in which Namespace"),
        ("photos/a b=c", "no label"),
        ("svc/database", "write svc/NAMESPACE/SERVICE"),
        ("svc/database/nothing", "there are outside, pg"),
        ("resource/nothing", "there is no resource nothing"),
        ("photo", "did you mean photos?"),
        ("", "nothing of the name"),
        ("pgg.database.svc.cluster.local", "no such Service is given"),
        ("pg-0.pg.database.svc", "no such Service is given"),
        ("settings/nothing", "there is no word of the settings nothing"),
        ("a..b", "no DNS name"),
    ],
)
def test_what_means_nothing_is_an_error_that_says_what_there_is(
    finder: EndFinder, text: str, says: str
) -> None:
    with pytest.raises(EndError, match=re.escape(says)):
        finder.find(text)


@pytest.mark.parametrize("word", ["internet", "lan", "dns", "prometheus", "internal", "host"])
def test_each_way_out_that_an_ambiguous_word_is_given_is_understood(word: str) -> None:
    finder = EndFinder(model_of(CLUSTER + namespace(word)))
    with pytest.raises(EndError, match="more than one thing: write") as raised:
        finder.find(word)
    ways = str(raised.value).partition("write ")[2].split(" or ")
    one, other = [finder.find(way).members for way in ways]
    assert one != other


def test_what_a_service_leads_to_by_address_is_what_the_address_is(finder: EndFinder) -> None:
    """A node is none of the networks outside, whichever name leads to it."""
    found = [each.endpoint for each in finder.find("svc/monitoring/node").members]
    assert [each.name for each in found if isinstance(each, Entity)] == ["host", "remote-node"]
    assert [str(each.network) for each in found if isinstance(each, Network)] == ["192.0.2.7/32"]
