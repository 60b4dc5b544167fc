"""What the table speaks about: namespaces, endpoints, ports and worlds.

Nothing here knows what is allowed; endpoints.yaml names everything, and this module reads it.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lab.control_plane import Identity

HERE = Path(__file__).parent
PREFIX = "truth-"
DOMAIN = "network-policy.homelab"
MESH_LABEL = "istio.io/dataplane-mode"
# What a Namespace may say beside its profile, grants and hatch: by which label or annotation.
WORDS = {
    **{
        word: f"{DOMAIN}/{word}"
        for word in (
            *("intra-namespace", "webhooks"),
            *("gateway-ports", "internet-ports", "lan-ports", "world-ports"),
        )
    },
    "gateway": f"access.{DOMAIN}/gateway",
}
ON_LABELS = frozenset({"intra-namespace", "webhooks", "gateway"})


class Port(NamedTuple):
    """A transport protocol and a port number."""

    protocol: str
    number: int

    @classmethod
    def parse(cls, text: str) -> Port:
        """Read `TCP/443`."""
        protocol, _, number = text.partition("/")
        return cls(protocol, int(number))

    def __str__(self) -> str:
        return f"{self.protocol}/{self.number}"


@dataclass(frozen=True)
class Namespace:
    """A Namespace, by what its labels and its annotation say.

    Attributes:
        name: its name.
        platform: one of the platform namespaces, which keep their hand-written policies.
        profile: the profile it asks for, or `none`.
        grants: the shared resources that it has an access label for; with a value other than
            "true" as `resource=value`.
        hatch: the escape hatch is open.
        mesh: it is in the ambient mesh.
        words: what else it says, by the names in `WORDS`.
    """

    name: str
    platform: bool = False
    profile: str = "none"
    grants: frozenset[str] = frozenset()
    hatch: bool = False
    mesh: bool = False
    words: tuple[tuple[str, str], ...] = ()

    def labels(self) -> dict[str, str]:
        """The labels that say all this, in the vocabulary of mission.md."""
        labels = {}
        for grant in sorted(self.grants):
            resource, _, value = grant.partition("=")
            labels[f"access.{DOMAIN}/{resource}"] = value or "true"
        if self.profile != "none":
            labels[f"{DOMAIN}/profile"] = self.profile
        if self.hatch:
            labels[f"{DOMAIN}/enforcement"] = "disabled"
        labels |= {WORDS[word]: value for word, value in self.words if word in ON_LABELS}
        if self.mesh:
            labels[MESH_LABEL] = "ambient"
        return labels

    def annotations(self) -> dict[str, str]:
        """The annotations that go with the labels."""
        return {WORDS[word]: value for word, value in self.words if word not in ON_LABELS}


@dataclass(frozen=True)
class Endpoint:
    """One end of a flow: a pod of a namespace, a Cilium entity, or an address."""

    name: str
    namespace: Namespace | None = None
    pod_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    outside: Mapping[str, str] = field(default_factory=dict, hash=False)

    def identity(self, namespace_labels: Mapping[str, Mapping[str, str]]) -> Identity:
        """What Cilium would know this endpoint by: for a pod, its labels and its namespace's."""
        if self.namespace is None:
            return Identity(self.outside)
        name = self.namespace.name
        return Identity.pod(name, self.pod_labels, namespace_labels[name])


@dataclass(frozen=True)
class World:
    """One run of the operator: the default-deny scope, and which platform namespaces are meshed."""

    name: str
    scope: str
    ambient: frozenset[str]


def worlds() -> list[World]:
    """The worlds in which everything is judged."""
    return [
        World(name, str(spec["scope"]), frozenset(spec["ambient"]))
        for name, spec in _data()["worlds"].items()
    ]


def shared_resources() -> dict[str, Any]:
    """The shared resources beside the built-in ones, as the settings say them."""
    resources: dict[str, Any] = copy.deepcopy(_data()["shared-resources"])
    return resources


@functools.cache
def ports() -> tuple[Port, ...]:
    """The ports that are tried between any two endpoints."""
    return tuple(Port.parse(text) for text in _data()["ports"])


def own_policy(namespace: str) -> dict[str, Any]:
    """The hand-written policy that a platform namespace may have beside the operator's."""
    policy: dict[str, Any] = copy.deepcopy(_data()["own-policy"])
    policy["metadata"]["namespace"] = namespace
    return policy


def combinations() -> Iterator[Namespace]:
    """A workload namespace for every profile x grants x hatch x mesh."""
    spec = _data()["combinations"]
    known = spec["grants"]
    subsets = [
        subset for size in range(len(known) + 1) for subset in itertools.combinations(known, size)
    ]
    for profile, grants, hatch, mesh in itertools.product(
        spec["profile"], subsets, spec["hatch"], spec["mesh"]
    ):
        marks = [profile, *grants, "open" if hatch == "open" else "", mesh]
        yield Namespace(
            name=_name(*marks),
            profile=profile,
            grants=frozenset(grants),
            hatch=hatch == "open",
            mesh=mesh == "ambient",
        )


def overrides() -> Iterator[Namespace]:
    """Workload namespaces that say one thing more beside their profile."""
    spec = _data()["overrides"]
    for profile, mesh, setting in itertools.product(
        spec["profile"], spec["mesh"], spec["settings"]
    ):
        [(key, value)] = setting.items()
        marked = value.lower().replace(",", "-").replace("/", "")
        yield Namespace(
            name=_name("override", profile, key, marked, mesh),
            profile=profile,
            mesh=mesh == "ambient",
            words=((key, value),),
        )


def neighbours() -> Iterator[Namespace]:
    """Other apps' namespaces, the peers of every workload namespace."""
    for name, spec in _data()["neighbours"].items():
        yield _namespace(PREFIX + name, spec, platform=False)


def workload_namespaces() -> list[Namespace]:
    """Every namespace that an app could live in."""
    return [*combinations(), *overrides(), *neighbours()]


def platform_namespaces(world: World) -> list[Namespace]:
    """The platform namespaces, meshed or not as the world has it."""
    return [
        _namespace(name, {**spec, "mesh": "ambient" if name in world.ambient else "none"}, True)
        for name, spec in _data()["platform"].items()
    ]


def workload_pods(namespace: Namespace) -> tuple[Endpoint, Endpoint]:
    """The pod that sends, and the one that receives."""
    labels = _data()["workload-pods"]
    impostor = _data()["impostor-pod"] if namespace.name.endswith("impostor") else {}
    sender, receiver = (
        Endpoint(f"{namespace.name}/{pod}", namespace, {**labels[pod], **impostor})
        for pod in ("sender", "receiver")
    )
    return sender, receiver


def platform_pods(world: World) -> list[Endpoint]:
    """The representative pods of the platform namespaces."""
    data = _data()["platform"]
    return [
        Endpoint(name, namespace, labels)
        for namespace in platform_namespaces(world)
        for name, labels in data[namespace.name]["pods"].items()
    ]


def outside() -> list[Endpoint]:
    """Cilium's entities, and addresses that belong to no pod."""
    return [Endpoint(name, outside=spec) for name, spec in _data()["outside"].items()]


def _namespace(name: str, spec: Mapping[str, Any], platform: bool) -> Namespace:
    return Namespace(
        name=name,
        platform=platform,
        profile=spec.get("profile", "none"),
        grants=frozenset(spec.get("grants", ())),
        hatch=spec.get("hatch") == "open",
        mesh=spec.get("mesh") == "ambient",
    )


def _name(*marks: str) -> str:
    """A name that tells the labels; `none` only where it is the profile."""
    short = {"postgres": "pg", "dragonfly": "df", "garage-s3": "s3", "kube-api": "api"}
    first, *others = (short.get(mark, mark) for mark in marks)
    return PREFIX + "-".join([first, *(mark for mark in others if mark not in ("", "none"))])


@functools.cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((HERE / "endpoints.yaml").read_text(encoding="utf-8"))
    return data
