"""The policy beside a shared resource, which lets its consumers in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from homelab_netpol.intent import WHOLE
from homelab_netpol.policy.builder import PolicyBuilder, side_by_side
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.consumers import consumers_by_value
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name
from homelab_netpol.policy.objects import Policy
from homelab_netpol.settings import SharedResource, TargetSide


def target_policy(
    catalogue: Catalogue,
    builder: PolicyBuilder,
    name: str,
    consumers: Mapping[str, str],
    is_meshed: Callable[[str], bool],
    waypoints: Sequence[Mapping[str, Any]],
) -> Policy | None:
    """Cilium's policy in the resource's namespace; None: there is none.

    Args:
        catalogue: what is defined.
        builder: of policies.
        name: the shared resource.
        consumers: the namespaces that it lets in, each with the value of its grant.
        is_meshed: whether a namespace, by name, is part of the mesh.
        waypoints: selectors of those by way of which consumers in the mesh may come.

    Raises:
        RenderError: a template cannot be rendered.
    """
    resource = catalogue.resource(name)
    exclusive = resource.target is TargetSide.EXCLUSIVE
    if resource.home is None or resource.target is TargetSide.NONE:
        return None
    if not consumers and not exclusive:
        return None
    in_mesh = is_reached_by_tunnel(resource, is_meshed)
    by_value = consumers_by_value(consumers)
    # The holders of a grant on all of it are listed first; with them all of its pods deny the
    # rest, if any do. Who holds one on a part is listed beside that part's pods.
    if exclusive:
        by_value = {WHOLE: by_value.get(WHOLE, [])} | by_value
    rendered = []
    for value, names in by_value.items():
        part = catalogue.renderer.body(
            "grants/target",
            Kind.CNP,
            remember=False,
            name=name,
            value=value,
            resource=catalogue.resource_data(name, value),
            exclusive=exclusive and value == WHOLE,
            consumers=names,
            meshed_consumers=[each for each in names if is_meshed(each)] if in_mesh else [],
            waypoints=waypoints,
        )
        rendered.append(part)
    return builder.build(
        PolicyKey(Kind.CNP, resource.home, policy_name(Component.GRANT, name)),
        Component.GRANT,
        side_by_side(rendered),
        labels={builder.keys.resource: name},
        remember=False,
    )


def is_reached_by_tunnel(resource: SharedResource, is_meshed: Callable[[str], bool]) -> bool:
    """The tunnel carries TCP, and carries all of it: other protocols do not need it opened."""
    return resource.has_tcp and resource.home is not None and is_meshed(resource.home)
