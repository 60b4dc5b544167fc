"""Renders every template once, before the operator starts."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from homelab_netpol.intent import GATEWAYS, WHOLE, Intent, PortRange, Waypoint
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import GATEWAY_KEYS
from homelab_netpol.policy.notes import ExpiredHatch
from homelab_netpol.policy.plan import Planner

_EXAMPLE_PORTS = (PortRange("TCP", 8080),)


def check_templates(catalogue: Catalogue) -> None:
    """Renders everything once, so that a wrong template ends the start, and not a later run.

    It also leaves the templates compiled and the usual renderings remembered, so that the first
    label is followed as quickly as the rest.

    Raises:
        RenderError: a template cannot be rendered, with and without its options.
    """
    planner = Planner(catalogue)
    always, never = (lambda _: True), (lambda _: False)
    planner.clusterwide({"example": ExpiredHatch(datetime.now(UTC), "")})
    planner.clusterwide({})
    resources = tuple(sorted(catalogue.vocabulary.resources))
    for profile in catalogue.vocabulary.profiles:
        catalogue.profiles.gateways_of(profile)
        for intra, ports, meshed in itertools.product(
            (False, True), (None, (), (8080,)), (False, True)
        ):
            intent = Intent(
                namespace="example",
                profile=profile,
                intra_namespace=intra,
                gateway_ports=ports,
                internet_ports=ports and _EXAMPLE_PORTS,
                lan_ports=_EXAMPLE_PORTS,
                world_ports=_EXAMPLE_PORTS,
                webhooks=True,
                grants=resources,
                gateway_access=GATEWAYS,
                hatch_open=True,
                meshed=meshed,
            )
            plan = planner.namespace(intent, always if meshed else never)
            for error in plan.failed.values():
                raise error
    waypoint = Waypoint("waypoints", "example")
    owner = Intent(
        namespace="example",
        profile="standard",
        intra_namespace=True,
        meshed=True,
        waypoint=waypoint,
        ingress_by_waypoint=True,
    )
    for resource in resources:
        planner.beside(resource, {"example": WHOLE}, owner, always, lambda _: waypoint)
    planner.namespace(owner, always)
    planner.waypoints.serving([owner], always)
    for key in GATEWAY_KEYS:
        planner.gateways.beside(key, {"example": WHOLE}, always, always)
