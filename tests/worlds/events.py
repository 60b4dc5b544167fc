"""What may happen to a world: one thing at a time, as a person or a GitOps tool would do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from tests.worlds.annotations import UNREADABLE
from tests.worlds.random_definitions import (
    APPS,
    CUSTOM,
    OFFERED,
    random_profile,
    random_resource,
)
from tests.worlds.random_worlds import random_labels
from tests.worlds.readings import PLATFORM, grants_gateways, is_value, resolve, resources_of
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
    World,
    access,
)

_CHOICES: Mapping[str, tuple[str, ...]] = {
    ENFORCEMENT: ("disabled",),
    INTRA: ("allow", "deny"),
    PLATFORM_LABEL: ("true", "false"),
    WEBHOOKS: ("allow", "deny"),
}
_PORTS = (GATEWAY_PORTS, INTERNET_PORTS, LAN_PORTS, WORLD_PORTS)
# Of these one changes by itself.
_KEYS = (
    PROFILE,
    PROFILE,
    INTRA,
    MESH,
    "team",
    WEBHOOKS,
    USE_WAYPOINT,
    USE_WAYPOINT_NAMESPACE,
    INGRESS_USE_WAYPOINT,
    *_PORTS,
    *map(access, (GATEWAY, *OFFERED)),
)


@dataclass(frozen=True)
class Event:
    """What happened, and the world after it.

    Attributes:
        what: in words.
        after: the world.
        space: the Namespace that it happened to, or
        profile: the NetworkProfile, or
        resource: the SharedResource; the other two are empty.
    """

    what: str
    after: World
    space: str = ""
    profile: str = ""
    resource: str = ""


def random_event(dice: Random, world: World) -> Event:
    """Something happens to a Namespace, a NetworkProfile or a SharedResource."""
    apps = [name for name in world.spaces if name in APPS]
    kinds = {"label": 5, "labels": 3, "hatch": 3, "platform": 1, "profile": 3, "resource": 3}
    match dice.choices(tuple(kinds), tuple(kinds.values()))[0]:
        case "platform":
            return _platform(dice, world, dice.choice(apps))
        case "label":
            return _one_label(dice, world, dice.choice(apps))
        case "labels":
            return _all_labels(dice, world, dice.choice(apps))
        case "hatch":
            return _hatch(dice, world, dice.choice(apps))
        case "profile":
            return _profile(dice, world)
        case _:
            return _resource(dice, world)


def relabelled(
    world: World, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> World:
    """The world with other labels and annotations on one Namespace."""
    space = replace(world.spaces[name], labels=dict(labels), annotations=dict(annotations))
    return replace(world, spaces={**world.spaces, name: space})


def understood(world: World) -> World:
    """The world without the labels that cannot be followed, for which history would matter."""
    usable = resources_of(world)
    for name, space in world.spaces.items():
        labels = dict(space.labels)
        if PROFILE in labels and (name in PLATFORM or resolve(world, labels[PROFILE]) is None):
            del labels[PROFILE]
        for key, values in _CHOICES.items():
            if key in labels and labels[key] not in values:
                del labels[key]
        granted = {access(resource): resource for resource in usable}
        for key in [key for key in labels if key.startswith(access(""))]:
            if key == access(GATEWAY) and grants_gateways(world):
                known = labels[key] in ("true", *GATEWAYS)
            else:
                known = key in granted and is_value(usable[granted[key]], labels[key])
            if not known:
                del labels[key]
        notes = {
            key: value
            for key, value in space.annotations.items()
            if (key, value) != (UNTIL, "soon") and not (key in _PORTS and value == UNREADABLE)
        }
        world = relabelled(world, name, labels, notes)
    return world


def _one_label(dice: Random, world: World, name: str) -> Event:
    space = world.spaces[name]
    drawn, notes = random_labels(dice, 0.5)
    key = dice.choice(_KEYS)
    before: Mapping[str, str] = space.annotations if key in _PORTS else space.labels
    after = {each: value for each, value in before.items() if each != key}
    value = (notes if key in _PORTS else drawn).get(key)
    after |= {key: value} if value is not None else {}
    if key in _PORTS:
        changed = relabelled(world, name, space.labels, after)
    else:
        changed = relabelled(world, name, after, space.annotations)
    return Event(f"{name}: {key} becomes {value}", changed, name)


def _all_labels(dice: Random, world: World, name: str) -> Event:
    labels, notes = random_labels(dice, 0.5)
    return Event(f"{name}: labels become {labels}", relabelled(world, name, labels, notes), name)


def _hatch(dice: Random, world: World, name: str) -> Event:
    space = world.spaces[name]
    labels, notes = dict(space.labels), dict(space.annotations)
    if ENFORCEMENT not in labels:
        what = "opens"
        labels[ENFORCEMENT] = "disabled"
        notes.pop(UNTIL, None)
    elif dice.random() < 0.5:
        what = "expires"
        notes[UNTIL] = "2026-03-01T11:00:00Z"
    else:
        what = "is closed"
        del labels[ENFORCEMENT]
    return Event(f"{name}: the hatch {what}", relabelled(world, name, labels, notes), name)


def _platform(dice: Random, world: World, name: str) -> Event:
    space, labels = world.spaces[name], dict(world.spaces[name].labels)
    joins = labels.pop(PLATFORM_LABEL, None) is None
    labels |= {PLATFORM_LABEL: "true"} if joins else {}
    what = f"{name}: {'joins' if joins else 'leaves'} the platform"
    return Event(what, relabelled(world, name, labels, space.annotations), name)


def _profile(dice: Random, world: World) -> Event:
    name = dice.choice(CUSTOM)
    profiles = {key: value for key, value in world.profiles.items() if key != name}
    if name in world.profiles and dice.random() < 0.2:
        return Event(f"NetworkProfile {name} goes", replace(world, profiles=profiles), profile=name)
    profiles[name] = random_profile(dice, name)
    return Event(f"NetworkProfile {name} changes", replace(world, profiles=profiles), profile=name)


def _resource(dice: Random, world: World) -> Event:
    name = dice.choice((*OFFERED, GATEWAY))
    resources = {key: value for key, value in world.resources.items() if key != name}
    if name in world.resources and dice.random() < 0.3:
        return Event(
            f"SharedResource {name} goes", replace(world, resources=resources), resource=name
        )
    resources[name] = random_resource(dice, name)
    return Event(
        f"SharedResource {name} changes", replace(world, resources=resources), resource=name
    )
