"""What the labels of a world amount to, by the mission's vocabulary: profiles, grants, hatches.

Written from the documented rules alone; the operator's reading of labels is what it is to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.worlds.annotations import DEADLINES, PORT_LISTS, RANGE_LISTS
from tests.worlds.peers import EntityPeer
from tests.worlds.ports import PortItem
from tests.worlds.surroundings import GATEWAYS
from tests.worlds.world import (
    ENFORCEMENT,
    GATEWAY,
    GATEWAY_PORTS,
    INGRESS_USE_WAYPOINT,
    INTERNET_PORTS,
    INTRA,
    LAN_PORTS,
    MESH,
    PLATFORM_LABEL,
    PROFILE,
    UNTIL,
    USE_WAYPOINT,
    USE_WAYPOINT_NAMESPACE,
    WEBHOOKS,
    WORLD_PORTS,
    Resource,
    Rule,
    Space,
    World,
    access,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

PLATFORM = frozenset(
    {
        *("kube-system", "kube-public", "kube-node-lease", "monitoring", "database", "cache"),
        *("garage", "istio-system", "istio-gateway", "flux-system", "argocd", "longhorn-system"),
        *("cert-manager", "homelab-netpol", "external-secrets", "kube-tools", "network"),
        *("networking", "observability", "rook-ceph", "security", "spegel", "storage"),
        "system-upgrade",
    }
)
# The profiles' table: which gateways come in, and whether HTTPS goes out.
GATEWAYS_OF: Mapping[str, tuple[str, ...]] = {
    "isolated": (),
    "internal": ("internal",),
    "internal-egress": ("internal",),
    "standard": ("internal", "external"),
}
WITH_HTTPS = ("internal-egress", "standard")
# The shared resources' table.
BUILT_IN = {
    "postgres": Resource("postgres", (PortItem(5432),), "database"),
    "dragonfly": Resource("dragonfly", (PortItem(6379),), "cache"),
    "garage-s3": Resource("garage-s3", (PortItem(3900),), "garage"),
    "kube-api": Resource(
        "kube-api", (PortItem(6443), PortItem(443)), peers=(EntityPeer("kube-apiserver"),)
    ),
}


@dataclass(frozen=True)
class Resolved:
    """What a profile amounts to: the built-in one beneath it, and the rules of a chain."""

    built_in: str
    intra: bool
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What one Namespace's labels amount to.

    Attributes:
        platform: it keeps its hand-written policies.
        denies: what nothing allows is denied to its pods, by the setting defaultDeny.
        hatch: enforcement is off.
        meshed: it is in the ambient mesh.
        profile: in force; None: none.
        intra: its pods reach each other.
        gateway_ports: ports that narrow the gateways; () any TCP port; None: none at all.
        internet_ports: ports of the profile's rule for the internet, if it has one.
        lan_ports: ports that the home network reaches.
        world_ports: ports that everything outside the cluster reaches.
        webhooks: the API server reaches any TCP port.
        gateways: those that it may call from inside.
        grants: the shared resources that it has, each with the value of its label.
        waypoint: namespace and name of the one that calls go by; None: none.
        ingress_by_waypoint: those of gateways as well.
    """

    platform: bool
    denies: bool
    hatch: bool
    meshed: bool
    profile: Resolved | None
    intra: bool
    gateway_ports: tuple[int, ...] | None
    internet_ports: tuple[PortItem, ...]
    lan_ports: tuple[PortItem, ...]
    world_ports: tuple[PortItem, ...]
    webhooks: bool
    gateways: tuple[str, ...]
    grants: Mapping[str, str]
    waypoint: tuple[str, str] | None
    ingress_by_waypoint: bool


def resources_of(world: World) -> dict[str, Resource]:
    """The shared resources that can be granted; one of the cluster replaces a built-in one."""
    found = BUILT_IN | dict(world.resources)
    return {name: resource for name, resource in found.items() if not resource.mistake}


def resolve(world: World, name: str | None) -> Resolved | None:
    """Follows `extends`; None where there is no such profile, or it cannot be used."""
    chain: list[str] = []
    rules_in: tuple[Rule, ...] = ()
    rules_out: tuple[Rule, ...] = ()
    intra: bool | None = None
    while name is not None and name not in GATEWAYS_OF:
        profile = world.profiles.get(name)
        if profile is None or profile.mistake or name in chain:
            return None
        chain.append(name)
        rules_in, rules_out = rules_in + profile.ingress, rules_out + profile.egress
        intra = profile.intra_namespace if intra is None else intra
        name = profile.extends
    if name is None:
        # On its own a NetworkProfile stands on DNS and probes, and its pods reach each other.
        if not chain:
            return None
        return Resolved("isolated", intra is not False, rules_in, rules_out)
    default = name != "isolated"
    return Resolved(name, default if intra is None else intra, rules_in, rules_out)


def read(world: World, space: Space) -> Reading:
    """Reads one Namespace, as it is when nothing was there before."""
    labels = space.labels
    platform = (
        space.name in PLATFORM
        or space.name.endswith("-system")
        or labels.get(PLATFORM_LABEL) == "true"
    )
    profile = None if platform else resolve(world, labels.get(PROFILE))
    intra = profile is not None and profile.intra
    if profile is not None and labels.get(INTRA) in ("allow", "deny"):
        intra = labels[INTRA] == "allow"
    hatch = labels.get(ENFORCEMENT) == "disabled"
    if UNTIL in space.annotations:
        hatch = hatch and DEADLINES[space.annotations[UNTIL]]
    ports: tuple[int, ...] | None = ()
    if GATEWAY_PORTS in space.annotations:
        ports = PORT_LISTS[space.annotations[GATEWAY_PORTS]]
    governed = {"workload": not platform, "labelled": profile is not None, "cluster": True}
    return Reading(
        platform=platform,
        denies=governed[world.scope],
        hatch=hatch,
        meshed=labels.get(MESH) == "ambient",
        profile=profile,
        intra=intra,
        gateway_ports=ports,
        internet_ports=_listed(space, INTERNET_PORTS, world.around.internet_ports),
        lan_ports=_listed(space, LAN_PORTS) if profile is not None else (),
        world_ports=_listed(space, WORLD_PORTS) if profile is not None else (),
        webhooks=labels.get(WEBHOOKS) == "allow",
        gateways=_gateways(world, labels.get(access(GATEWAY))),
        grants={
            name: labels[access(name)]
            for name, resource in resources_of(world).items()
            if is_value(resource, labels.get(access(name), "false"))
            and may_ask(world, resource, space.name)
        },
        waypoint=_waypoint(space),
        ingress_by_waypoint=labels.get(INGRESS_USE_WAYPOINT) == "true",
    )


def grants_gateways(world: World) -> bool:
    """Whether `gateway` means the gateways: no shared resource has the name, usable or not."""
    return GATEWAY not in world.resources


def _gateways(world: World, value: str | None) -> tuple[str, ...]:
    """The gateways that the grant opens: both, or the one that it names."""
    if not grants_gateways(world):
        return ()
    return GATEWAYS if value == "true" else tuple(each for each in GATEWAYS if each == value)


def _listed(space: Space, key: str, usual: tuple[PortItem, ...] = ()) -> tuple[PortItem, ...]:
    """The ports that an annotation lists, or the usual ones; none if it cannot be read."""
    if key not in space.annotations:
        return usual
    return RANGE_LISTS[space.annotations[key]] or ()


def _waypoint(space: Space) -> tuple[str, str] | None:
    """Istio: the label says which, `none` that there is none; in the same Namespace unless said."""
    name = space.labels.get(USE_WAYPOINT, "none")
    if name == "none" or space.labels.get(MESH) != "ambient":
        return None
    return space.labels.get(USE_WAYPOINT_NAMESPACE, space.name), name


def is_value(resource: Resource, value: str) -> bool:
    """Whether an access label of this value grants something of a resource.

    "true" grants all of it, unless it says otherwise; another value those of its pods whose label
    has it, where it names that label.
    """
    if value == "true":
        return resource.allow_all
    return bool(resource.value_label) and value not in ("false", "")


def may_ask(world: World, resource: Resource, space: str) -> bool:
    """Whether allowFrom of a shared resource lets a namespace ask for it."""
    wanted = resource.allow_from or ()
    return all(each.holds(world.labelled[space]) for each in wanted)
