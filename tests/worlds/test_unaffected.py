"""What happens to one Namespace changes no policy of a Namespace that has nothing to do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from homelab_netpol.policy.objects import Policy
from tests.dice import seeded
from tests.worlds.events import Event, random_event
from tests.worlds.random_worlds import random_world
from tests.worlds.readings import GATEWAYS_OF, Reading, read, resources_of
from tests.worlds.rendered import policies_of
from tests.worlds.summary import WORLDS_PROPERTY
from tests.worlds.world import GATEWAY, PROFILE, World

EVENTS_PER_WORLD = 3

# A policy's name and its fingerprint.
Names = dict[str, str]


def test_no_event_changes_a_policy_of_a_namespace_that_has_nothing_to_do_with_it(
    world_seed: str, world_count: int, record_property: Callable[[str, object], None]
) -> None:
    events = others = 0
    for number in range(world_count):
        dice = seeded(f"unaffected {world_seed}/{number}")
        world = random_world(dice)
        before = _by_namespace(policies_of(world))
        for _ in range(EVENTS_PER_WORLD):
            event = random_event(dice, world)
            after = _by_namespace(policies_of(event.after))
            affected = _affected(world, event) | _affected(event.after, event)
            events += 1
            for name in world.spaces.keys() - affected:
                others += 1
                changed = before.get(name, {}).items() ^ after.get(name, {}).items()
                if changed:
                    pytest.fail(
                        f"seed {world_seed}, world {number}: {event.what} (defaultDeny:"
                        f" {world.scope}) changes {name}, which has nothing to do with it:"
                        f"\n    {', '.join(sorted({policy for policy, _ in changed}))}",
                        pytrace=False,
                    )
            world, before = event.after, after
    record_property(
        WORLDS_PROPERTY,
        f"seed {world_seed}: {events:,} events left the policies of {others:,} other namespaces"
        " as they were",
    )
    assert others > 2 * events


def _affected(world: World, event: Event) -> set[str]:
    """The namespaces that an event may reach, in the world before it or after it."""
    resources = resources_of(world)
    readings = {name: read(world, space) for name, space in world.spaces.items()}
    gateways = world.around.gateway_namespaces
    if event.space:
        reading = readings[event.space]
        # Its own; the homes of what it uses, all of them if it is hatched; its gateways; and who
        # uses what it offers, as the mesh's tunnel between the two may open or close; and the
        # waypoints on these ways.
        homes = {
            resource.namespace
            for name, resource in resources.items()
            if name in reading.grants or reading.hatch
        }
        offered = {name for name, each in resources.items() if each.namespace == event.space}
        consumers = {name for name, each in readings.items() if each.grants.keys() & offered}
        served = reading.profile is not None or reading.gateways or reading.hatch
        waypoints = _waypoints(readings, homes, event.space)
        return {event.space} | homes | consumers | waypoints | (gateways if served else set())
    if event.resource:
        resource = resources.get(event.resource)
        users = {space for space, each in readings.items() if event.resource in each.grants}
        if event.resource == GATEWAY and resource is None:
            # The grant on the gateways comes, or goes.
            users |= gateways | {space for space, each in readings.items() if each.gateways}
        home = {resource.namespace} if resource else set()
        return users | home | _waypoints(readings, home)
    users = {space for space in readings if event.profile in _chain(world, space)}
    return users | (gateways if users else set()) | _waypoints(readings, users)


def _waypoints(readings: Mapping[str, Reading], called: Iterable[str], *more: str) -> set[str]:
    """Where the waypoints are by way of which these namespaces are called."""
    found = (readings[name].waypoint for name in (*called, *more) if name in readings)
    return {waypoint[0] for waypoint in found if waypoint is not None}


def _chain(world: World, space: str) -> list[str]:
    """The NetworkProfiles beneath a Namespace's profile, as far as they are there."""
    chain: list[str] = []
    name = world.spaces[space].labels.get(PROFILE)
    while name is not None and name not in GATEWAYS_OF and name not in chain:
        chain.append(name)
        profile = world.profiles.get(name)
        name = profile.extends if profile is not None else None
    return chain


def _by_namespace(policies: list[Policy]) -> dict[str, Names]:
    found: dict[str, Names] = {}
    for policy in policies:
        if policy.key.namespace:
            found.setdefault(policy.key.namespace, {})[policy.key.name] = policy.digest
    return found
