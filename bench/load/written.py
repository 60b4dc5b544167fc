"""What an operator writes for a Namespace, learned from one: the bare client writes it again.

Every policy says the same for every Namespace of its kind but the Namespace's name, so one example
of each is enough for any number of them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.load.api import (
    MANAGED,
    NAMESPACES,
    POLICIES,
    Access,
    Client,
    LoadError,
    connect,
    namespace_body,
    policies_of,
    side_by_side,
)
from bench.load.labels import COMPONENT, DOMAIN, GRANTED, HATCHED, PROFILE, PROFILES, TARGET

GRANT_NAME = "homelab-grant-postgres"
_EXAMPLE = "example-{}"
_GRANTED, _HATCHED = _EXAMPLE.format("granted"), _EXAMPLE.format("hatched")
_TIMEOUT_SECONDS = 30.0
_CLIENTS = 32


@dataclass(frozen=True, slots=True)
class Written:
    """Bodies of policies, each of an example Namespace.

    Attributes:
        profiles: by profile.
        access: of a grant, in the Namespace's own side.
        grant: of the same grant beside the shared resource: the list of who has it.
        hatch: of an open hatch.
    """

    profiles: Mapping[str, bytes]
    access: bytes
    grant: bytes
    hatch: bytes

    def profile(self, number: int, namespace: str) -> bytes:
        """The profile policy of the Namespace with this number, see `profile_of`."""
        profile = profile_of(number)
        return _renamed(self.profiles[profile], _EXAMPLE.format(profile), namespace)

    def access_of(self, namespace: str) -> bytes:
        """The policy of a grant in a Namespace."""
        return _renamed(self.access, _GRANTED, namespace)

    def hatch_of(self, namespace: str) -> bytes:
        """The policy of an open hatch in a Namespace."""
        return _renamed(self.hatch, _HATCHED, namespace)

    def grant_to(self, namespaces: Iterable[str]) -> bytes:
        """The policy beside the shared resource, for all who have the grant."""
        listed = ",".join(f'"{name}"' for name in sorted(namespaces)).encode()
        return self.grant.replace(f'"{_GRANTED}"'.encode(), listed)


def profile_of(number: int) -> str:
    """Namespaces take the profiles in turn."""
    return PROFILES[number % len(PROFILES)]


async def learn_written(access: Access) -> Written:
    """Has the operator that runs write one example of everything, and reads it.

    Raises:
        LoadError: something was not written in time.
    """
    labels: dict[str, dict[str, str]] = {
        _EXAMPLE.format(profile): {PROFILE: profile} for profile in PROFILES
    }
    labels[_GRANTED] = dict(GRANTED)
    async with connect(access, 1) as client:
        for name, each in labels.items():
            await client.send("POST", NAMESPACES, namespace_body(name, each))
        profiles = {
            profile: await _policy(client, _EXAMPLE.format(profile), "profile")
            for profile in PROFILES
        }
        own_side = await _policy(client, _GRANTED, "access")
        grant = await _policy(client, TARGET, "grant")
        # Only now: whose hatch is open is on the list of every grant.
        await client.send("POST", NAMESPACES, namespace_body(_HATCHED, HATCHED))
        return Written(profiles, own_side, grant, await _policy(client, _HATCHED, "hatch"))


async def populate(access: Access, names: Sequence[str], written: Written) -> None:
    """Creates Namespaces with a profile and its policy each, for an operator to find all right."""
    async with connect(access, _CLIENTS) as client:

        async def create(numbered: tuple[int, str]) -> None:
            number, name = numbered
            body = namespace_body(name, {PROFILE: profile_of(number)})
            await client.send("POST", NAMESPACES, body)
            await client.send("POST", policies_of(name), written.profile(number, name))

        await side_by_side(enumerate(names), create, _CLIENTS)


async def count_different(access: Access, names: Sequence[str], written: Written) -> int:
    """How many of these Namespaces have another profile policy than the one that was learned."""
    async with connect(access, 1) as client:
        listed = (await client.list(POLICIES, f"{MANAGED},{COMPONENT}=profile"))["items"]
    found = {item["metadata"]["namespace"]: _body(item) for item in listed}
    return sum(
        found.get(name) != json.loads(written.profile(number, name))
        for number, name in enumerate(names)
    )


async def _policy(client: Client, namespace: str, component: str) -> bytes:
    """Waits for a policy that names a Namespace or stands in it."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    selector = f"{MANAGED},{COMPONENT}={component}"
    while time.monotonic() < deadline:
        for item in (await client.list(policies_of(namespace), selector))["items"]:
            return json.dumps(_body(item), separators=(",", ":")).encode()
        await asyncio.sleep(0.1)
    raise LoadError(f"no {component} policy in {namespace} after {_TIMEOUT_SECONDS:g} s")


def _body(item: Mapping[str, Any]) -> dict[str, Any]:
    """What creates the same object again, without the notes that some framework made on it."""
    kept = {"name", "namespace", "labels"}
    metadata = {key: value for key, value in item["metadata"].items() if key in kept}
    notes = item["metadata"].get("annotations", {})
    ours = {key: value for key, value in notes.items() if key.startswith(DOMAIN)}
    metadata |= {"annotations": ours} if ours else {}
    content = {key: item[key] for key in ("spec", "specs") if key in item}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
    return {**kind, "metadata": metadata, **content}


def _renamed(body: bytes, example: str, namespace: str) -> bytes:
    return body.replace(f'"{example}"'.encode(), f'"{namespace}"'.encode())
