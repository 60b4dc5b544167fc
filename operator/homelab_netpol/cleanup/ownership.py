"""Tells the operator's policies from everybody else's, as the operator itself does. Pure.

See docs/decisions/0006: ours has a name that we give, and our label or our field manager.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from homelab_netpol.cleanup import mesh_rules
from homelab_netpol.cleanup.default_deny import denies, forbids, rule_sets
from homelab_netpol.policy.keys import (
    CILIUM_KINDS,
    Component,
    Kind,
    PolicyKey,
    owner_of,
    parse_policy_name,
)
from homelab_netpol.policy.objects import (
    LabelKeys,
    LivePolicy,
    is_managed,
    read_live,
    written_by_us,
)


class Why(StrEnum):
    """Why a policy that looks like ours is not."""

    NAME = "its name is one that the operator gives, but somebody else wrote it"
    LABEL = "it carries the operator's label under a name that the operator never gives"


@dataclass(frozen=True, slots=True)
class Managed:
    """A policy that is ours.

    Attributes:
        live: which one, and which incarnation.
        component: what it is there for.
        denies: it switches on Cilium's default deny.
        forbids: it has rules of Cilium's that deny.
        body: its rules, if they have to be written anew before it goes; else empty.
        going: it is being deleted, and these finalizers hold it up.
    """

    live: LivePolicy
    component: Component
    denies: bool = False
    forbids: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    going: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreign:
    """A policy that looks like ours and stays."""

    key: PolicyKey
    why: Why


def judge(kind: Kind, manifest: Mapping[str, Any], keys: LabelKeys) -> Managed | Foreign | None:
    """Whose a policy is; None if it has nothing to do with us.

    Args:
        kind: its kind.
        manifest: as the API server gave it.
        keys: the keys of our labels.
    """
    live = read_live(kind, manifest)
    named = owner_of(live.key) is not None
    if named and (is_managed(live.labels) or written_by_us(manifest, keys.component)):
        return _managed(live, manifest, keys)
    if named:
        return Foreign(live.key, Why.NAME)
    return Foreign(live.key, Why.LABEL) if is_managed(live.labels) else None


def _managed(live: LivePolicy, manifest: Mapping[str, Any], keys: LabelKeys) -> Managed:
    body = {part: manifest[part] for part in ("spec", "specs") if manifest.get(part) is not None}
    rules = list(rule_sets(body)) if live.key.kind in CILIUM_KINDS else []
    denying = any(map(denies, rules))
    allowing = live.key.kind is Kind.AUTHORIZATION and mesh_rules.allows(body)
    metadata = manifest["metadata"]
    going = metadata.get("finalizers") or () if metadata.get("deletionTimestamp") else ()
    return Managed(
        live=live,
        component=_component(live, keys),
        denies=denying,
        forbids=any(map(forbids, rules)),
        body=body if denying or allowing else {},
        going=tuple(going),
    )


def _component(live: LivePolicy, keys: LabelKeys) -> Component:
    """By its label, or by its name if somebody edited that."""
    said = keys.component_of(live)
    if said != "unknown":
        return Component(said)
    named = parse_policy_name(live.key)
    return Component.GRANT if named is None else named.component
