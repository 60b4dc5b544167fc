"""Makes a world smaller, for as long as what went wrong in it still goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from tests.worlds.surroundings import Surroundings
from tests.worlds.world import Profile, Resource, Rule, Space, World

V = TypeVar("V")


def shrink(world: World, goes_wrong: Callable[[World], bool]) -> World:
    """Takes away whatever is not needed, until nothing more can go.

    Args:
        world: in which it goes wrong.
        goes_wrong: whether it does in another one as well.
    """
    found: World | None = world
    while found is not None:
        world = found
        found = next((smaller for smaller in _smaller(world) if goes_wrong(smaller)), None)
    return world


def _smaller(world: World) -> Iterator[World]:
    """All worlds that lack one thing of this one, the biggest things first."""
    for index in range(len(world.hand_made)):
        kept = world.hand_made[:index] + world.hand_made[index + 1 :]
        yield replace(world, hand_made=kept)
    yield from (replace(world, around=less) for less in _plainer(world.around))
    for spaces in _without_one(world.spaces):
        yield replace(world, spaces=spaces)
    for profiles in _without_one(world.profiles):
        yield replace(world, profiles=profiles)
    for resources in _without_one(world.resources):
        yield replace(world, resources=resources)
    for name, space in world.spaces.items():
        for less in _smaller_spaces(space):
            yield replace(world, spaces={**world.spaces, name: less})
    for name, profile in world.profiles.items():
        for smaller in _smaller_profiles(profile):
            yield replace(world, profiles={**world.profiles, name: smaller})
    for name, resource in world.resources.items():
        for simpler in _smaller_resources(resource):
            yield replace(world, resources={**world.resources, name: simpler})


def _plainer(around: Surroundings) -> Iterator[Surroundings]:
    usual = Surroundings()
    for attribute, value in vars(usual).items():
        if getattr(around, attribute) != value:
            yield replace(around, **{attribute: value})
    for index in range(len(around.companions)):
        kept = around.companions[:index] + around.companions[index + 1 :]
        yield replace(around, companions=kept)


def _smaller_spaces(space: Space) -> Iterator[Space]:
    for index in range(len(space.pods)):
        yield replace(space, pods=space.pods[:index] + space.pods[index + 1 :])
    for labels in _without_one(space.labels):
        yield replace(space, labels=labels)
    for notes in _without_one(space.annotations):
        yield replace(space, annotations=notes)


def _smaller_profiles(profile: Profile) -> Iterator[Profile]:
    if profile.extends is not None:
        yield replace(profile, extends=None)
    if profile.intra_namespace is not None:
        yield replace(profile, intra_namespace=None)
    for rules in _smaller_rules(profile.ingress):
        yield replace(profile, ingress=rules)
    for rules in _smaller_rules(profile.egress):
        yield replace(profile, egress=rules)


def _smaller_rules(rules: tuple[Rule, ...]) -> Iterator[tuple[Rule, ...]]:
    for index, rule in enumerate(rules):
        before, after = rules[:index], rules[index + 1 :]
        yield before + after
        for peer in rule.peers if len(rule.peers) > 1 else ():
            yield (*before, replace(rule, peers=(peer,)), *after)
        for port in rule.ports if len(rule.ports) > 1 else ():
            yield (*before, replace(rule, ports=(port,)), *after)
        for icmp in rule.icmps if len(rule.icmps) > 1 else ():
            yield (*before, replace(rule, icmps=(icmp,)), *after)


def _smaller_resources(resource: Resource) -> Iterator[Resource]:
    if resource.allow_from is not None:
        yield replace(resource, allow_from=None)
    if resource.pod_labels:
        yield replace(resource, pod_labels={})
    if resource.value_label:
        yield replace(resource, value_label="", allow_all=True)
    if resource.target != "additive":
        yield replace(resource, target="additive")
    for port in resource.ports if len(resource.ports) > 1 else ():
        yield replace(resource, ports=(port,))
    for peer in resource.peers if len(resource.peers) > 1 else ():
        yield replace(resource, peers=(peer,))


def _without_one(items: Mapping[str, V]) -> Iterator[dict[str, V]]:
    for left_out in items:
        yield {key: value for key, value in items.items() if key != left_out}
