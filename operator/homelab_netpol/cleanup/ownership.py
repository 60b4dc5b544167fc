"""Which policies are the operator's, by the rule that the operator itself goes by. Pure.

See docs/decisions/0006: ours has a name that we give, and our label or our field manager.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from homelab_netpol.cleanup import mesh_rules
from homelab_netpol.policy.default_deny import has_default_deny, has_deny_rules, rule_sets
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


class NotManagedReason(StrEnum):
    """Why a policy that looks like ours is not."""

    NAME = "its name is one that the operator gives, but another owner wrote it"
    LABEL = "it carries the operator's label under a name that the operator never gives"


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A policy that is ours.

    Attributes:
        live: the policy, and which incarnation of it.
        component: what it is there for.
        default_deny: it switches on Cilium's default deny.
        deny_rules: it has rules of Cilium's that deny.
        body: its rules, if they have to be rewritten before it is deleted; else empty.
        finalizers: those that hold up its deletion, if it is being deleted.
    """

    live: LivePolicy
    component: Component
    default_deny: bool = False
    deny_rules: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnmanagedPolicy:
    """A policy that looks like ours and stays."""

    key: PolicyKey
    reason: NotManagedReason


def classify(
    kind: Kind, manifest: Mapping[str, Any], keys: LabelKeys
) -> ManagedPolicy | UnmanagedPolicy | None:
    """Whether a policy is ours; None if it does not even look so."""
    live = read_live(kind, manifest)
    named = owner_of(live.key) is not None
    if named and (is_managed(live.labels) or written_by_us(manifest, keys.component)):
        return _managed(live, manifest, keys)
    if named:
        return UnmanagedPolicy(live.key, NotManagedReason.NAME)
    if is_managed(live.labels):
        return UnmanagedPolicy(live.key, NotManagedReason.LABEL)
    return None


def _managed(live: LivePolicy, manifest: Mapping[str, Any], keys: LabelKeys) -> ManagedPolicy:
    body = {part: manifest[part] for part in ("spec", "specs") if manifest.get(part) is not None}
    rules = list(rule_sets(body)) if live.key.kind in CILIUM_KINDS else []
    default_deny = any(map(has_default_deny, rules))
    allowing = live.key.kind is Kind.AUTHORIZATION and mesh_rules.allows(body)
    metadata = manifest["metadata"]
    finalizers = metadata.get("finalizers") or () if metadata.get("deletionTimestamp") else ()
    return ManagedPolicy(
        live=live,
        component=_component(live, keys),
        default_deny=default_deny,
        deny_rules=any(map(has_deny_rules, rules)),
        body=body if default_deny or allowing else {},
        finalizers=tuple(finalizers),
    )


def _component(live: LivePolicy, keys: LabelKeys) -> Component:
    """By its label, or by its name if the label was edited."""
    by_label = keys.component_of(live)
    if by_label != "unknown":
        return Component(by_label)
    by_name = parse_policy_name(live.key)
    return Component.GRANT if by_name is None else by_name.component
