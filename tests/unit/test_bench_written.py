"""What the bare client writes is what the operator wrote, for another Namespace."""

from __future__ import annotations

import json

from bench.load.written import Written, profile_of


def policy(namespace: str, **spec: object) -> bytes:
    metadata = {"name": "homelab-profile", "namespace": namespace}
    return json.dumps({"metadata": metadata, "spec": spec}, separators=(",", ":")).encode()


WRITTEN = Written(
    profiles={
        profile: policy(f"example-{profile}", description=f"Profile {profile}.")
        for profile in ("isolated", "internal", "internal-egress", "standard")
    },
    access=policy("example-granted"),
    grant=policy("database", values=["example-granted"]),
    hatch=policy("example-hatched"),
)


def test_namespaces_take_the_profiles_in_turn() -> None:
    assert [profile_of(number) for number in range(5)] == [
        *("isolated", "internal", "internal-egress", "standard"),
        "isolated",
    ]


def test_only_the_namespace_is_another() -> None:
    body = WRITTEN.profile(1, "bench-00001")
    assert body == policy("bench-00001", description="Profile internal.")
    assert WRITTEN.access_of("a") == policy("a")
    assert WRITTEN.hatch_of("a") == policy("a")


def test_the_list_beside_the_resource_names_everybody_in_order() -> None:
    assert WRITTEN.grant_to(["b", "a"]) == policy("database", values=["a", "b"])
