"""Ways by waypoints: opened where Namespaces' labels name them, told where only a Service does."""

from __future__ import annotations

from typing import Any

import pytest

from lab.control_plane import Flow, Identity
from tests.cluster.judged import Setup, all_is_well
from tests.cluster.kube import Manifest, cnp_path, eventually
from tests.cluster.spaces import PROFILE, Space, access
from tests.cluster.watched import shows, shows_none
from tests.cluster.workloads import USE_WAYPOINT

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"inspectionSeconds": 1}
MESH = {"istio.io/dataplane-mode": "ambient"}
USE_WAYPOINT_IN = "istio.io/use-waypoint-namespace"
OLLAMA: dict[str, Any] = {"podLabels": {"app": "ollama"}, "ports": [{"port": 11434}]}
GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"


def waypoint_rules(app: Space, home: Space) -> list[tuple[str, str, Manifest]]:
    """What lets calls pass by way of the waypoint: where, name, and spec of each policy."""
    tunnel = [{"ports": [{"port": "15008", "protocol": "TCP"}]}]
    own = {GATEWAY_LABEL: "waypoint"}
    key = "k8s:io.kubernetes.pod.namespace"
    waypoint = {"matchLabels": {key: home.name, **own}}
    to_waypoint = {"toEndpoints": [waypoint], "toPorts": tunnel}
    callers = [{"matchLabels": {key: app.name}}]
    onward = {"toEndpoints": [{"matchLabels": {"app": "ollama"}}], "toPorts": tunnel}
    return [
        (app.name, "to-waypoint", {"endpointSelector": {}, "egress": [to_waypoint]}),
        (
            home.name,
            "waypoint",
            {
                "endpointSelector": {"matchLabels": own},
                "ingress": [{"fromEndpoints": callers, "toPorts": tunnel}],
                "egress": [onward],
            },
        ),
        (
            home.name,
            "from-waypoint",
            {
                "endpointSelector": {"matchLabels": {"app": "ollama"}},
                "ingress": [{"fromEndpoints": [waypoint], "toPorts": tunnel}],
            },
        ),
    ]


def test_a_waypoint_by_the_services_own_label_is_told_until_policies_lead_by_way_of_it(
    setup: Setup,
) -> None:
    """The operator watches no Services: the finding says what to set, or what to write."""
    spaces, operator = setup.spaces, setup.operator
    home = spaces({**MESH, PROFILE: "isolated"})
    setup.workloads.pod(home.name, {"app": "ollama"}, {"containerPort": 11434})
    service = setup.workloads.service(home.name, "ollama", [{"port": 11434}])
    setup.kube.patch(service, {"metadata": {"labels": {USE_WAYPOINT: "waypoint"}}})
    ollama = setup.definitions.resource(namespace=home.name, **OLLAMA)
    app = spaces({access(ollama.name): "true", PROFILE: "isolated", **MESH})
    plain = spaces({access(ollama.name): "true", PROFILE: "isolated"})
    # A waypoint that does not run is not led to.
    all_is_well(operator, spaces, setup.definitions, app.name, plain.name)
    labels = {GATEWAY_LABEL: "waypoint", "istio.io/waypoint-for": "service"}
    setup.workloads.pod(home.name, labels, {"containerPort": 15008})
    app.told("TargetBehindWaypoint", ollama.name, "waypoint waypoint", "mesh.waypoints", "15008")
    shows(operator, 1, "findings", namespace=app.name)
    shows_none(operator, "findings", namespace=plain.name)
    ends = {
        "app": Identity.pod(app.name, {}, MESH),
        "waypoint": Identity.pod(home.name, labels, MESH),
        "ollama": Identity.pod(home.name, {"app": "ollama"}, MESH),
    }
    hops = (Flow("app", "waypoint", 15008), Flow("waypoint", "ollama", 15008))
    assert setup.allowed([app, home], ends, *hops) == [False, False]
    # Taken off for the Service, or led by way of it: either ends the finding.
    setup.kube.patch(service, {"metadata": {"labels": {USE_WAYPOINT: "none"}}})
    shows_none(operator, "findings", namespace=app.name)
    setup.kube.patch(service, {"metadata": {"labels": {USE_WAYPOINT: "waypoint"}}})
    shows(operator, 1, "findings", namespace=app.name, reason="TargetBehindWaypoint")
    for where, name, spec in waypoint_rules(app, home):
        body = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "spec": spec}
        setup.kube.create(cnp_path(where), {**body, "metadata": {"name": name}})
    shows_none(operator, "findings", namespace=app.name, reason="TargetBehindWaypoint")
    assert setup.allowed([app, home], ends, *hops) == [True, True]


def test_the_namespaces_label_opens_the_way_and_moves_it(setup: Setup) -> None:
    """Into a namespace that does not exist yet, then into the resource's own, then away."""
    spaces, where = setup.spaces, setup.spaces.fresh_name()
    home = spaces({**MESH, PROFILE: "isolated", USE_WAYPOINT: "shared", USE_WAYPOINT_IN: where})
    setup.workloads.pod(home.name, {"app": "ollama"}, {"containerPort": 11434})
    setup.workloads.service(home.name, "ollama", [{"port": 11434}])
    ollama = setup.definitions.resource(namespace=home.name, **OLLAMA)
    app = spaces({access(ollama.name): "true", PROFILE: "isolated", **MESH})
    stranger = spaces({PROFILE: "isolated", **MESH})
    policy = f"homelab-waypoint-{ollama.name}"
    home.has(f"homelab-grant-{ollama.name}")
    waypoints = spaces(name=where)
    waypoints.has(policy)
    setup.workloads.pod(where, {GATEWAY_LABEL: "shared"}, {"containerPort": 15008})
    all_is_well(setup.operator, spaces, setup.definitions, app.name)
    ends = {
        "app": Identity.pod(app.name, {}, MESH),
        "stranger": Identity.pod(stranger.name, {}, MESH),
        "elsewhere": Identity.pod(where, {GATEWAY_LABEL: "shared"}, {}),
        "here": Identity.pod(home.name, {GATEWAY_LABEL: "shared"}, MESH),
        "ollama": Identity.pod(home.name, {"app": "ollama"}, MESH),
        "other": Identity.pod(home.name, {"app": "other"}, MESH),
    }
    involved = [app, stranger, home, waypoints]

    def ways(waypoint: str) -> list[bool]:
        pairs = (("app", waypoint), (waypoint, "ollama"), ("app", "ollama"))
        never = (("stranger", waypoint), (waypoint, "other"), ("stranger", "ollama"))
        flows = [Flow(one, other, 15008) for one, other in (*pairs, *never)]
        return setup.allowed(involved, ends, *flows)

    opened, closed = [True, True, True, False, False, False], [False, False, True] + [False] * 3
    assert ways("elsewhere") == opened
    assert ways("here") == closed
    home.label({USE_WAYPOINT_IN: None})
    home.has(policy)
    waypoints.lacks(policy)
    eventually(lambda: ways("here") == opened, "the way by the waypoint beside it")
    # Nobody governs the other namespace, but nothing of ours is left on the way by it.
    assert ways("elsewhere") == closed
    home.label({USE_WAYPOINT: None})
    home.lacks(policy)
    eventually(lambda: ways("here") == closed, "no way but straight")
    home.label({USE_WAYPOINT: "shared", USE_WAYPOINT_IN: where})
    waypoints.has(policy)
    waypoints.delete(wait=True)
    spaces(name=where).has(policy)


def test_a_namespaces_own_calls_go_by_way_of_a_waypoint_elsewhere(setup: Setup) -> None:
    spaces = setup.spaces
    waypoints = spaces()
    shared = {USE_WAYPOINT: "shared", USE_WAYPOINT_IN: waypoints.name}
    app = spaces({PROFILE: "internal", **MESH, **shared})
    app.has("homelab-by-waypoint")
    waypoints.has("homelab-waypoint")
    labels = {GATEWAY_LABEL: "shared"}
    ends = {
        "app": Identity.pod(app.name, {}, MESH),
        "waypoint": Identity.pod(waypoints.name, labels, {}),
    }
    both = (Flow("app", "waypoint", 15008), Flow("waypoint", "app", 15008))
    assert setup.allowed([app, waypoints], ends, *both) == [True, True]
    app.label({PROFILE: "isolated"})
    app.lacks("homelab-by-waypoint")
    waypoints.lacks("homelab-waypoint")
    assert setup.allowed([app, waypoints], ends, *both) == [False, False]
