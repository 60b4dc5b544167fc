"""A target behind a waypoint: told while the way by it is denied, and no longer."""

from __future__ import annotations

import pytest

from lab.control_plane import Flow, Identity
from tests.cluster.judged import Setup, all_is_well
from tests.cluster.kube import Manifest, cnp_path
from tests.cluster.spaces import PROFILE, Space, access
from tests.cluster.watched import shows, shows_none
from tests.cluster.workloads import USE_WAYPOINT

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"inspectionSeconds": 1}
MESH = {"istio.io/dataplane-mode": "ambient"}
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


def test_a_target_behind_a_waypoint_is_told_until_policies_lead_by_way_of_it(setup: Setup) -> None:
    spaces, operator = setup.spaces, setup.operator
    home = spaces({**MESH, USE_WAYPOINT: "waypoint", PROFILE: "isolated"})
    setup.workloads.pod(home.name, {"app": "ollama"}, {"containerPort": 11434})
    service = setup.workloads.service(home.name, "ollama", [{"port": 11434}])
    port = [{"port": 11434}]
    ollama = setup.definitions.resource(
        namespace=home.name, podLabels={"app": "ollama"}, ports=port
    )
    app = spaces({access(ollama.name): "true", PROFILE: "isolated", **MESH})
    plain = spaces({access(ollama.name): "true", PROFILE: "isolated"})
    # A waypoint that does not run is not led to.
    all_is_well(operator, spaces, setup.definitions, app.name, plain.name)
    labels = {GATEWAY_LABEL: "waypoint", "istio.io/waypoint-for": "service"}
    setup.workloads.pod(home.name, labels, {"containerPort": 15008})
    app.told("TargetBehindWaypoint", ollama.name, "waypoint waypoint", home.name, "15008")
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
    setup.kube.patch(service, {"metadata": {"labels": {USE_WAYPOINT: None}}})
    shows(operator, 1, "findings", namespace=app.name, reason="TargetBehindWaypoint")
    for where, name, spec in waypoint_rules(app, home):
        body = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "spec": spec}
        setup.kube.create(cnp_path(where), {**body, "metadata": {"name": name}})
    shows_none(operator, "findings", namespace=app.name, reason="TargetBehindWaypoint")
    assert setup.allowed([app, home], ends, *hops) == [True, True]
