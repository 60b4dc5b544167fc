"""What the operator would write in a world, by its pure half, and the world in Cilium's engine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache

from homelab_netpol.definitions import Definitions, read_profile, read_resource
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_policies
from homelab_netpol.policy.objects import Policy, as_object
from homelab_netpol.settings import Settings, parse_settings
from lab.control_plane import Engine
from tests.worlds.ends import ENTITIES, OUTSIDE, Entity, Outside, identity
from tests.worlds.readings import NOON
from tests.worlds.surroundings import Surroundings
from tests.worlds.world import World


@lru_cache(maxsize=64)
def _catalogue(scope: str, hbone: str, cluster: str, around: Surroundings) -> Catalogue:
    said = {"defaultDeny": scope, "mesh": {"hbone": hbone}, **around.settings()}
    said |= {"cluster": {"name": cluster}} if cluster else {}
    settings: Settings = parse_settings(json.dumps(said))
    return Catalogue(settings)


def catalogue_of(world: World) -> Catalogue:
    """The operator's catalogue; templates are read once for the same settings."""
    profiles = {name: read_profile(each.manifest()) for name, each in world.profiles.items()}
    resources = {name: read_resource(each.manifest()) for name, each in world.resources.items()}
    plain = _catalogue(world.scope, world.hbone, world.cluster, world.around)
    return Catalogue(plain.settings, Definitions(profiles, resources), renderer=plain.renderer)


def policies_of(world: World) -> list[Policy]:
    """What should stand."""
    namespaces = [space.manifest() for space in world.spaces.values()]
    return desired_policies(catalogue_of(world), namespaces, NOON)


def people(engine: Engine, world: World) -> None:
    """Gives the engine everything that flows begin or end at."""
    others: tuple[Entity | Outside, ...] = (*ENTITIES, *OUTSIDE)
    ends = {end.name: identity(end) for end in others}
    pods = {pod.name: pod.identity(world.spaces[pod.namespace].labels) for pod in world.pods}
    engine.identities({**ends, **pods})


def enforce(engine: Engine, world: World, policies: Iterable[Policy]) -> None:
    """Puts policies in force, beside those written by hand; none of them may be rejected."""
    objects = [as_object(policy) for policy in policies]
    rejected = engine.policies([*objects, *(each.manifest() for each in world.hand_made)])
    assert not rejected, f"Cilium rejects {rejected}"
