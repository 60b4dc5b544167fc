"""What others let through beside a profile: told with the policy's name, until it is over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.kube import CCNP, Kube, Manifest, cnp_path, eventually
from tests.cluster.spaces import DOMAIN, ENFORCEMENT, PROFILE, Space, Spaces
from tests.cluster.watched import shows, shows_none
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"inspectionSeconds": 1}
REASON = "ProfileWidened"
WIDENS = f"{DOMAIN}/widens"
ALLOW_ALL: dict[str, Any] = {
    "podSelector": {},
    "policyTypes": ["Ingress", "Egress"],
    "ingress": [{}],
    "egress": [{}],
}


def chart_policy(kube: Kube, space: Space, **spec: Any) -> str:
    """A NetworkPolicy as a chart brings it; its path."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{space.name}/networkpolicies"
    kube.create(path, {"metadata": {"name": "chart"}, "spec": {**ALLOW_ALL, **spec}})
    return f"{path}/chart"


def clusterwide(kube: Kube, name: str, spec: Manifest) -> str:
    """A clusterwide policy of somebody else's; its path."""
    path = f"/apis/cilium.io/v2/{CCNP}"
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy"}
    kube.create(path, {**kind, "metadata": {"name": name}, "spec": spec})
    return f"{path}/{name}"


def test_a_charts_policy_that_opens_what_the_profile_closes_is_told_until_it_goes(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    app = spaces({PROFILE: "isolated"})
    app.has_profile("isolated")
    path = chart_policy(kube, app)
    app.told(REASON, "NetworkPolicy chart", "profile isolated", "ingress from the internet")
    app.told(REASON, "egress to the internet (world)", "every Namespace", "every port", WIDENS)
    shows(operator, 1, "findings", namespace=app.name, reason=REASON)
    kube.delete(path)
    shows_none(operator, "findings", namespace=app.name)


def test_a_policy_that_is_meant_is_acknowledged_by_its_annotation(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    app = spaces({PROFILE: "internal"})
    path = chart_policy(kube, app)
    shows(operator, 1, "findings", namespace=app.name, reason=REASON)
    kube.patch(path, {"metadata": {"annotations": {WIDENS: "game server, reached by friends"}}})
    shows_none(operator, "findings", namespace=app.name)
    kube.patch(path, {"metadata": {"annotations": {WIDENS: ""}}})
    shows(operator, 1, "findings", namespace=app.name, reason=REASON)


def test_whoever_has_no_profile_or_an_open_hatch_is_not_told(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    by_hand, open_one = spaces(), spaces({PROFILE: "isolated", ENFORCEMENT: "disabled"})
    last = spaces({PROFILE: "isolated"})
    for space in (by_hand, open_one, last):
        chart_policy(kube, space)
    shows(operator, 1, "findings", namespace=last.name, reason=REASON)
    assert not by_hand.events(REASON)
    assert not open_one.events(REASON)
    open_one.label({ENFORCEMENT: None})
    open_one.told(REASON, "chart")


def test_what_the_profile_allows_anyway_is_not_told(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    web, last = spaces({PROFILE: "standard"}), spaces({PROFILE: "isolated"})
    https = {"toEntities": ["world"], "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}]}
    body = {"metadata": {"name": "narrow"}, "spec": {"endpointSelector": {}, "egress": [https]}}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
    kube.create(cnp_path(web.name), {**kind, **body})
    kube.create(cnp_path(last.name), {**kind, **body})
    last.told(REASON, "narrow", "egress to the internet (world) on TCP 443")
    assert not web.events(REASON)


def test_a_clusterwide_policy_is_told_in_each_namespace_or_of_many_once(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    some = [spaces({PROFILE: "isolated"}) for _ in range(2)]
    more = [spaces({PROFILE: "isolated"}) for _ in range(8)]
    for space in (*some, *more):
        space.has_profile("isolated")
    names = [space.name for space in some]
    few = {"key": "io.kubernetes.pod.namespace", "operator": "In", "values": names}
    world = [{"toEntities": ["world"]}]
    path = clusterwide(
        kube, "opens-some", {"endpointSelector": {"matchExpressions": [few]}, "egress": world}
    )
    try:
        for space in some:
            space.told(REASON, "CiliumClusterwideNetworkPolicy opens-some", "the internet")
    finally:
        kube.delete(path)
    few["values"] = [space.name for space in (*some, *more)]
    path = clusterwide(
        kube, "opens-many", {"endpointSelector": {"matchExpressions": [few]}, "egress": world}
    )
    try:
        shows(operator, 1, "findings", namespace="", reason=REASON)
        assert not any("opens-many" in each["message"] for each in some[0].events(REASON))
        eventually(
            lambda: any(
                event["involvedObject"]["name"] == "opens-many"
                and "of 10 Namespaces" in event["message"]
                for event in kube.items("/api/v1/namespaces/default/events")
                if event["reason"] == REASON
            ),
            "the Event on the policy",
        )
    finally:
        kube.delete(path)
    shows_none(operator, "findings", reason=REASON, namespace="")
