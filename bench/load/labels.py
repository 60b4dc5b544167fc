"""The vocabulary, as far as the load generator uses it."""

from __future__ import annotations

DOMAIN = "network-policy.homelab"
PROFILE = f"{DOMAIN}/profile"
PROFILES = ("isolated", "internal", "internal-egress", "standard")
ENFORCEMENT = f"{DOMAIN}/enforcement"
COMPONENT = f"{DOMAIN}/component"
UNTIL = f"{DOMAIN}/disabled-until"
HATCHED = {ENFORCEMENT: "disabled"}
# The grant that is measured, and where its other side stands.
ACCESS = f"access.{DOMAIN}/postgres"
GRANTED = {ACCESS: "true"}
TARGET = "database"


def namespace_names(count: int) -> list[str]:
    """The names of so many Namespaces: the same in every round."""
    return [f"bench-{number:05d}" for number in range(count)]
