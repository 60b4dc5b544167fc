"""What the validator of the local control plane promises: it says of policies what Cilium says.

It is a part of Cilium's operator, so its verdict must be that of Cilium's engine. These tests start
a plane of their own, so they run with the default `--cluster=local` only.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab.control_plane import ControlPlane, Engine, Lab

CNPS = "/apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies"
CCNPS = "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"

GOOD: dict[str, Any] = {"egress": [{"toEntities": ["world"]}]}
# The CRD's schema lets each of these through, and no agent puts it in force.
TWO_PEERS: dict[str, Any] = {"ingress": [{"fromEntities": ["all"], "fromCIDR": ["10.0.0.0/8"]}]}
NO_RULE: dict[str, Any] = {"ingress": [], "egress": []}
PORTS_AND_ICMP: dict[str, Any] = {
    "ingress": [
        {
            "toPorts": [{"ports": [{"port": "80"}]}],
            "icmps": [{"fields": [{"family": "IPv4", "type": 8}]}],
        }
    ]
}
HTTP_OVER_UDP: dict[str, Any] = {
    "ingress": [
        {"toPorts": [{"ports": [{"port": "80", "protocol": "UDP"}], "rules": {"http": [{}]}}]}
    ]
}


pytestmark = pytest.mark.usefixtures("only_with_local_clusters")


@pytest.fixture(scope="module")
def plane(lab: Lab) -> Iterator[ControlPlane]:
    with ControlPlane(lab=lab, validator=True) as plane:
        yield plane


def policy(name: str, spec: dict[str, Any], *, clusterwide: bool = False) -> dict[str, Any]:
    kind = "CiliumClusterwideNetworkPolicy" if clusterwide else "CiliumNetworkPolicy"
    metadata = {"name": name} if clusterwide else {"name": name, "namespace": "default"}
    spec = {"endpointSelector": {}, **spec}
    return {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec}


def create(plane: ControlPlane, path: str, body: dict[str, Any]) -> str:
    answer = plane.api.request("POST", path, body)
    assert answer.status == 201, answer.text
    return f"{path}/{body['metadata']['name']}"


def valid(plane: ControlPlane, path: str, *, not_yet: str = "") -> tuple[str, str]:
    """Status and message of the condition Valid, once it is there and its status not `not_yet`."""
    deadline = time.monotonic() + 20
    while True:
        status = plane.api.request("GET", path).json().get("status") or {}
        for condition in status.get("conditions", []):
            if condition["type"] == "Valid" and condition["status"] != not_yet:
                return condition["status"], condition["message"]
        assert time.monotonic() < deadline, f"{path} has status {status}"
        plane.check()
        time.sleep(0.02)


SPECS = {
    "good": GOOD,
    "two-peers": TWO_PEERS,
    "no-rule": NO_RULE,
    "ports-and-icmp": PORTS_AND_ICMP,
    "http-over-udp": HTTP_OVER_UDP,
}


@pytest.mark.parametrize("clusterwide", [False, True], ids=["namespaced", "clusterwide"])
@pytest.mark.parametrize("name", SPECS)
def test_a_policy_is_valid_exactly_if_the_engine_puts_it_in_force(
    plane: ControlPlane, engine: Engine, name: str, clusterwide: bool
) -> None:
    body = policy(name, SPECS[name], clusterwide=clusterwide)
    rejected = engine.policies([body])
    engine.policies([])
    status, message = valid(plane, create(plane, CCNPS if clusterwide else CNPS, body))
    if rejected:
        assert status == "False"
        # The engine says also where; and of two peers Cilium names now one first, now the other.
        assert set(message.split()) <= set(rejected[0].error.split())
    else:
        assert (status, message) == ("True", "Policy validation succeeded")


@pytest.mark.parametrize(
    ("name", "spec", "status", "taken"),
    [
        ("of-nodes", {"nodeSelector": {}, "ingress": [{}]}, "True", False),
        (
            "authenticated",
            {"endpointSelector": {}, "ingress": [{"authentication": {"mode": "required"}}]},
            "False",
            True,
        ),
    ],
)
def test_in_two_cases_valid_is_not_what_an_agent_makes_of_a_policy(
    plane: ControlPlane, engine: Engine, name: str, spec: dict[str, Any], status: str, taken: bool
) -> None:
    body = {**policy(name, {}), "spec": spec}
    rejected = engine.policies([body])
    engine.policies([])
    assert (valid(plane, create(plane, CNPS, body))[0], not rejected) == (status, taken)


def test_a_policy_that_is_mended_becomes_valid_and_one_that_is_broken_invalid(
    plane: ControlPlane,
) -> None:
    path = create(plane, CNPS, policy("mended", TWO_PEERS))
    assert valid(plane, path)[0] == "False"
    put(plane, path, GOOD)
    assert valid(plane, path, not_yet="False")[0] == "True"
    put(plane, path, NO_RULE)
    assert valid(plane, path, not_yet="True")[0] == "False"


def put(plane: ControlPlane, path: str, spec: dict[str, Any]) -> None:
    """Replaces a policy's spec, again if the validator wrote the status in between."""
    for _ in range(20):
        live = plane.api.request("GET", path).json()
        answer = plane.api.request("PUT", path, {**live, "spec": {"endpointSelector": {}, **spec}})
        if answer.status != 409:
            break
    assert answer.status == 200, answer.text


def test_it_goes_on_after_the_api_server_was_killed(plane: ControlPlane) -> None:
    plane.restart_apiserver()
    assert valid(plane, create(plane, CNPS, policy("later", TWO_PEERS)))[0] == "False"


def test_it_can_be_stopped_and_started_like_every_component(plane: ControlPlane) -> None:
    assert plane.validator is not None
    plane.validator.kill()
    path = create(plane, CNPS, policy("unseen", GOOD))
    assert "status" not in plane.api.request("GET", path).json()
    plane.validator.start()
    assert valid(plane, path)[0] == "True"
