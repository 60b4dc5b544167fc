"""A waypoint's label moves while no operator runs: the next one leads by way of the right one."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.conftest import QUICK
from tests.cluster.definitions import Definitions
from tests.cluster.spaces import PROFILE, Space, Spaces, access
from tests.cluster.workloads import USE_WAYPOINT
from tests.running_operator import running_operator

MESH = {"istio.io/dataplane-mode": "ambient"}
USE_WAYPOINT_IN = "istio.io/use-waypoint-namespace"


def by_way_of(space: Space) -> str:
    return f"pods of {space.name} with gateway.networking.k8s.io/gateway-name=shared on TCP/15008"


def test_what_led_by_the_old_waypoint_goes_and_the_new_way_is_opened(
    account: Path, spaces: Spaces, definitions: Definitions
) -> None:
    before, after = spaces(), spaces()
    home = spaces(
        {**MESH, PROFILE: "internal", USE_WAYPOINT: "shared", USE_WAYPOINT_IN: before.name}
    )
    ollama = definitions.resource(namespace=home.name, ports=[{"port": 11434}])
    app = spaces({access(ollama.name): "true", PROFILE: "isolated", **MESH})
    access_policy = f"homelab-access-{ollama.name}"
    grant = f"homelab-waypoint-{ollama.name}"
    with running_operator(account, QUICK):
        for name in (grant, "homelab-waypoint"):
            before.has(name)
        app.allows("egress", by_way_of(before), access_policy)
    home.label({USE_WAYPOINT_IN: after.name})
    with running_operator(account, QUICK):
        for name in (grant, "homelab-waypoint"):
            after.has(name)
            before.lacks(name)
        app.allows("egress", by_way_of(after), access_policy)
