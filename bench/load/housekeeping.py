"""What is done to the control plane before and after what is measured."""

from __future__ import annotations

import json

from bench.load.api import (
    BASELINES,
    MANAGED,
    NAMESPACES,
    POLICIES,
    Access,
    connect,
    namespace_body,
    policies_of,
    side_by_side,
)

# The shared resources' own namespaces: a homelab has them, and grants are written there as well.
_PLATFORM = ("database", "cache", "garage")
_WARM_UP = 30


async def prepare(access: Access) -> None:
    """Creates the namespaces that are there before anything is measured.

    Besides the platform's, some without a label of ours, each with a policy written by hand: an API
    server is slower the first time it does something, which is not what is to be measured.
    """
    rule = {"endpointSelector": {}, "ingress": [{"fromEntities": ["host"]}]}
    policy = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "by-hand"},
        "spec": rule,
    }
    seen = {"metadata": {"annotations": {"seen": "true"}}}
    async with connect(access, 4) as client:

        async def warm_up(number: int) -> None:
            name = f"other-{number}"
            await client.send("POST", NAMESPACES, namespace_body(name, {}))
            await client.send("POST", policies_of(name), json.dumps(policy).encode())
            await client.patch(f"{NAMESPACES}/{name}", seen)
            await client.patch(f"{policies_of(name)}/by-hand", seen)

        await side_by_side(range(_WARM_UP), warm_up, 4)
        for name in _PLATFORM:
            await client.send("POST", NAMESPACES, namespace_body(name, {}))


async def versions(access: Access) -> dict[str, str]:
    """The resourceVersion of every managed policy, by namespace/name: any write changes it."""
    found = {}
    async with connect(access, 1) as client:
        for path in (POLICIES, BASELINES):
            for item in (await client.list(path, MANAGED))["items"]:
                metadata = item["metadata"]
                key = f"{metadata.get('namespace', '')}/{metadata['name']}"
                found[key] = metadata["resourceVersion"]
    return found
