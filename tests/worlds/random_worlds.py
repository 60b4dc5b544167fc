"""Random worlds: a few apps beside the platform, with labels as people set them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from tests.worlds.annotations import DEADLINES, PORT_LISTS, RANGE_LISTS
from tests.worlds.ends import Pod
from tests.worlds.peers import EntityPeer, Pods, Requirement
from tests.worlds.ports import PortItem
from tests.worlds.random_definitions import (
    APPS,
    BUILT_IN_PROFILES,
    CUSTOM,
    OFFERED,
    POD_LABELS,
    TEAMS,
    random_profile,
    random_resource,
)
from tests.worlds.random_surroundings import random_surroundings
from tests.worlds.readings import BUILT_IN
from tests.worlds.surroundings import GATEWAY_NAME
from tests.worlds.world import (
    ENFORCEMENT,
    ENGINES_CLUSTER,
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
    HandMade,
    Resource,
    Rule,
    Space,
    World,
    access,
)

# The pods of the platform; beside each that is meant, one that is not.
_PLATFORM_PODS: dict[str, dict[str, dict[str, str]]] = {
    "kube-system": {"kube-dns": {"k8s-app": "kube-dns"}, "other": {"app": "ztunnel"}},
    "monitoring": {
        "prometheus": {"app.kubernetes.io/name": "prometheus"},
        "grafana": {"k8s-app": "kube-dns"},
    },
    "istio-gateway": {
        "internal": {GATEWAY_NAME: "internal"},
        "external": {GATEWAY_NAME: "external"},
    },
    "istio-system": {"ztunnel": {"app": "ztunnel"}, "istiod": {"app": "istiod"}},
    "database": {"primary": {"role": "a", "app": "db"}, "replica": {"role": "b", "app": "db"}},
    "cache": {"dragonfly": {"app": "db"}},
    "garage": {"garage": {"app": "web"}},
    "network": {"proxy": {"app": "proxy"}, "prober": {"app": "prober", "role": "a"}},
}


WAYPOINT_NAMES = ("waypoint", "second")


def random_world(dice: Random) -> World:
    """One world."""
    profiles = {name: random_profile(dice, name) for name in CUSTOM if dice.random() < 0.7}
    resources = {name: random_resource(dice, name) for name in OFFERED if dice.random() < 0.6}
    if dice.random() < 0.15:
        name = dice.choice(tuple(BUILT_IN))
        resource = random_resource(dice, name)
        resources |= {} if resource.mistake else {name: resource}
    if dice.random() < 0.05:
        resources[GATEWAY] = random_resource(dice, GATEWAY)
    meshy = dice.choice((0.0, 0.5, 0.9))
    spaces = {
        name: random_app(dice, name, meshy) for name in APPS[: dice.randint(2, len(APPS))]
    } | {name: _platform(dice, name, meshy) for name in _PLATFORM_PODS}
    spaces = {
        name: replace(space, labels=_with_values(dice, space.labels, resources))
        for name, space in spaces.items()
    }
    return World(
        scope=dice.choices(("workload", "labelled", "cluster"), (6, 3, 3))[0],
        hbone=dice.choices(("permissions", "cluster"), (9, 1))[0],
        spaces=spaces,
        profiles=profiles,
        resources=resources,
        hand_made=tuple(_hand_made(dice, name) for name in _PLATFORM_PODS if dice.random() < 0.2),
        cluster=dice.choice(("", ENGINES_CLUSTER)),
        around=random_surroundings(dice),
    )


def _with_values(
    dice: Random, labels: Mapping[str, str], resources: Mapping[str, Resource]
) -> dict[str, str]:
    """The same labels, many of those on resources of several values with one of these."""
    found = dict(labels)
    for name, resource in resources.items():
        if resource.value_label and access(name) in found and dice.random() < 0.6:
            found[access(name)] = dice.choice(POD_LABELS[resource.value_label])
    return found


def random_app(dice: Random, name: str, meshy: float) -> Space:
    """An app's Namespace with its pods."""
    pods = tuple(
        Pod(f"{name}/{letter}", name, {key: dice.choice(of) for key, of in POD_LABELS.items()})
        for letter in ("x", "y")
    )
    if dice.random() < meshy / 2:
        pods += (Pod(f"{name}/waypoint", name, {GATEWAY_NAME: dice.choice(WAYPOINT_NAMES)}),)
    labels, annotations = random_labels(dice, meshy)
    return Space(name, labels, annotations, pods)


def random_labels(dice: Random, meshy: float) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations of an app's Namespace."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    kind = dice.choices(("none", "built-in", "custom", "mistyped"), (20, 35, 43, 2))[0]
    if kind == "built-in":
        labels[PROFILE] = dice.choice(BUILT_IN_PROFILES)
    elif kind == "custom":
        labels[PROFILE] = dice.choice(CUSTOM)
    elif kind == "mistyped":
        labels[PROFILE] = "standart"
    for name in (*BUILT_IN, *OFFERED):
        if dice.random() < 0.25:
            values = ("true", "false", "yes", "db", "web", "a")
            often = (90, 5, 5, 0, 0, 0) if name in BUILT_IN else (40, 5, 5, 17, 17, 16)
            labels[access(name)] = dice.choices(values, often)[0]
    if dice.random() < 0.1:
        labels[ENFORCEMENT] = dice.choices(("disabled", "enabled", "off"), (80, 10, 10))[0]
        if dice.random() < 0.4:
            annotations[UNTIL] = dice.choice(tuple(DEADLINES))
    if dice.random() < 0.2:
        labels[INTRA] = dice.choices(("allow", "deny", "maybe"), (45, 45, 10))[0]
    if dice.random() < 0.25:
        labels[access(GATEWAY)] = dice.choice((*("true", "internal", "external") * 3, "yes"))
    if dice.random() < 0.15:
        labels[WEBHOOKS] = dice.choices(("allow", "deny", "maybe"), (80, 10, 10))[0]
    if dice.random() < 0.2:
        annotations[GATEWAY_PORTS] = dice.choices(tuple(PORT_LISTS), (50, 40, 10))[0]
    for key in (INTERNET_PORTS, LAN_PORTS, WORLD_PORTS):
        if dice.random() < 0.2:
            annotations[key] = dice.choices(tuple(RANGE_LISTS), (30, 30, 30, 10))[0]
    if dice.random() < meshy:
        labels[MESH] = "ambient"
        if dice.random() < 0.5:
            labels[USE_WAYPOINT] = dice.choice((*WAYPOINT_NAMES, *WAYPOINT_NAMES, "none"))
        if dice.random() < 0.3:
            labels[USE_WAYPOINT_NAMESPACE] = dice.choice((*APPS[:3], "elsewhere"))
        if dice.random() < 0.3:
            labels[INGRESS_USE_WAYPOINT] = dice.choice(("true", "true", "false"))
    if dice.random() < 0.1:
        labels[PLATFORM_LABEL] = dice.choices(("true", "false", "yes"), (80, 10, 10))[0]
    if dice.random() < 0.6:
        labels["team"] = dice.choice(TEAMS)
    return labels, annotations


def _platform(dice: Random, name: str, meshy: float) -> Space:
    pods = tuple(Pod(f"{name}/{pod}", name, labels) for pod, labels in _PLATFORM_PODS[name].items())
    labels = {MESH: "ambient"} if name != "istio-system" and dice.random() < meshy else {}
    labels |= {ENFORCEMENT: "disabled"} if dice.random() < 0.03 else {}
    labels |= {PROFILE: "standard"} if dice.random() < 0.03 else {}  # to be refused
    labels |= {WEBHOOKS: "allow"} if dice.random() < 0.1 else {}
    notes = {LAN_PORTS: "8000-8100"} if dice.random() < 0.05 else {}  # no profile: to be refused
    if dice.random() < 0.2:
        labels[access(dice.choice((*BUILT_IN, *OFFERED, GATEWAY)))] = "true"
    return Space(name, labels, notes, pods)


def _hand_made(dice: Random, name: str) -> HandMade:
    own = Rule((Pods(own=True),))
    team = Pods(space_labels=(Requirement("team", "In", (dice.choice(TEAMS),)),))
    extra = dice.choice((own, Rule((team,), (PortItem(5432),)), Rule((EntityPeer("world"),))))
    both = dice.random() < 0.7
    return HandMade("by-hand", name, (own, extra), (own,) if both else ())
