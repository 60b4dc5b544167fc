"""Which clusterwide policies should stand for companions: both sides of each, which only allow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.keys import COMPANION_PREFIX, Component, Kind, PolicyKey
from homelab_netpol.policy.objects import Policy
from homelab_netpol.policy.peers import (
    EVERY_POD,
    in_mesh,
    peers_data,
    with_expressions,
    written_selector,
)
from homelab_netpol.settings import Companion, Mesh


def companion_policies(
    companions: Mapping[str, Companion],
    builder: PolicyBuilder,
    mesh: Mesh,
    outside: Collection[Mapping[str, Any]],
) -> list[Policy]:
    """One policy for each.

    Args:
        companions: by name.
        builder: of policies.
        mesh: says by which label a namespace is in the mesh.
        outside: what keeps a selector out of platform namespaces, as `matchExpressions`.

    Raises:
        RenderError: the template cannot be rendered.
    """
    policies = []
    for name, companion in companions.items():
        pods = with_expressions(written_selector(companion.pods), EVERY_POD, *outside)
        peers = peers_data(companion.peers)
        tunnels = [
            [in_mesh(pods, mesh), in_mesh(theirs, mesh)]
            for theirs in peers["endpoints"]
            if any(port.protocol == "TCP" for port in companion.ports)
        ]
        policies.append(
            builder.render(
                PolicyKey(Kind.CCNP, "", f"{COMPANION_PREFIX}{name}"),
                Component.BASELINE,
                "baselines/baseline-companion",
                name=name,
                inward=bool(companion.from_),
                pods=pods,
                peers=peers,
                ports=[port.model_dump(mode="json", by_alias=True) for port in companion.ports],
                tunnels=tunnels,
            )
        )
    return policies
