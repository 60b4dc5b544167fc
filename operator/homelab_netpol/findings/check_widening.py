"""Profiles that others widen: joins what is known of each governed namespace for `added_by`."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator

from homelab_netpol.cilium.evaluation import Pod, ReadPolicy
from homelab_netpol.cilium.terms import NAMESPACE_LABELS_PREFIX
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.own_rules import OwnRules
from homelab_netpol.findings.places import Labels
from homelab_netpol.findings.widening import (
    Added,
    Governed,
    added_by,
    finding_of,
    finding_of_many,
    may_add,
)
from homelab_netpol.intent import Intent
from homelab_netpol.policy.keys import CILIUM_KINDS, PolicyKey
from homelab_netpol.policy.objects import Policy

# A clusterwide policy that widens more profiles than this has one finding, not one for each.
_MOST_EACH = 8
# No Namespace has this name: it stands for any whose labels say the same.
_SAME_LABELS = "same.labels"


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds the policies that let more through than profiles say."""
    comparison = _Comparison(inspection)
    yield from comparison.of_namespaced()
    yield from comparison.of_clusterwide()


class _Comparison:
    """Goes through the governed namespaces, and keeps what many of them have in common."""

    def __init__(self, inspection: Inspection) -> None:
        self._cache = inspection.cache
        self._inspection = inspection
        self._snapshot = inspection.snapshot
        self._key = inspection.cache.catalogue.vocabulary.widens_key
        self._places = inspection.places
        self._own: dict[object, tuple[OwnRules, list[Policy]]] = {}
        self._governed: dict[str, Governed | None] = {}
        self._label_keys = self._keys_looked_at()

    def of_namespaced(self) -> Iterator[Finding | None]:
        """One finding for each policy that adds something in its namespace."""
        for name, policies in self._snapshot.policies.items():
            for policy in policies if name else ():
                if self._is_asked(policy) and (governed := self._governed_at(name)) is not None:
                    added = added_by(policy, governed, self._places)
                    if added:
                        yield finding_of(policy.ref, governed, added, self._key)
                yield None

    def of_clusterwide(self) -> Iterator[Finding | None]:
        """One finding for each policy and namespace; one alone for a policy that widens many."""
        for policy in self._snapshot.policies.get("", ()):
            widened: dict[str, tuple[Governed, Added]] = {}
            for name in self._inspection.selected_by(policy) if self._is_asked(policy) else ():
                governed = self._governed_at(name)
                if governed is not None:
                    added = added_by(policy, governed, self._places)
                    if added:
                        widened[name] = (governed, added)
                yield None
            if len(widened) > _MOST_EACH:
                names = sorted(widened)
                yield finding_of_many(policy.ref, names, widened[names[0]][1], self._key)
                continue
            for governed, added in widened.values():
                yield finding_of(policy.ref, governed, added, self._key)

    def _is_asked(self, policy: ReadPolicy) -> bool:
        """It may add something, and no annotation says that this is meant."""
        notes = self._inspection.snapshot.annotations.get(policy.ref, {})
        return may_add(policy) and not notes.get(self._key, "").strip()

    def _governed_at(self, name: str) -> Governed | None:
        if name not in self._governed:
            self._governed[name] = self._make_governed(name)
        return self._governed[name]

    def _make_governed(self, name: str) -> Governed | None:
        """A namespace whose profile is in force, and all of whose policies stand as they should."""
        intent = self._cache.intents.get(name)
        if intent is None or intent.profile is None or intent.hatch_open:
            return None
        labels = self._cache.namespaces.labels(name) or {}
        own = self._own_rules(intent, labels)
        if own is None or not self._cache.namespaces.is_writable(name):
            return None
        contrary = self._inspection.overruling.get(name, [])
        shared = _shared_key(contrary, Pod(name, labels, complete=False))
        pods = self._snapshot.pods.get(name, ())
        return Governed(name, labels, pods, own, intent.profile, contrary, shared)

    def _own_rules(self, intent: Intent, labels: Labels) -> OwnRules | None:
        name = intent.namespace
        telling = {key: labels[key] for key in self._label_keys if key in labels}
        # What a waypoint's policies say, depends on whether it is in the namespace that has it.
        is_target = self._inspection.is_target(name) or intent.waypoint is not None
        key: object = name
        if not is_target:
            key = (_without_name(intent), frozenset(telling.items()))
        if key not in self._own:
            stand_in = name if is_target else _SAME_LABELS
            namespaces = self._cache.namespaces
            planned = self._cache.planner.namespace(
                dataclasses.replace(intent, namespace=stand_in),
                namespaces.is_meshed,
                namespaces.waypoint_of,
            ).policies
            planned = [policy for policy in planned if policy.key.kind in CILIUM_KINDS]
            beside = self._inspection.own(name) if is_target else ()
            policies = [
                *map(self._inspection.read_own, planned),
                *beside,
                *self._inspection.own(""),
            ]
            self._own[key] = OwnRules(policies, stand_in, labels if is_target else telling), planned
        own, planned = self._own[key]
        return own if all(self._stands(policy, name) for policy in planned) else None

    def _stands(self, policy: Policy, namespace: str) -> bool:
        live = self._cache.policies.get(PolicyKey(policy.key.kind, namespace, policy.key.name))
        return live is not None and not live.rejected and live.digest == policy.digest

    def _keys_looked_at(self) -> frozenset[str]:
        """The labels of Namespaces by which the operator's clusterwide policies select."""
        return frozenset(
            one.key.removeprefix(NAMESPACE_LABELS_PREFIX)
            for policy in self._inspection.own("")
            for rule in policy.rules
            for one in getattr(rule.subject, "requirements", ())
            if one.key.startswith(NAMESPACE_LABELS_PREFIX)
        )


def _shared_key(policies: list[ReadPolicy], any_pod: Pod) -> Hashable | None:
    """Which of these are about all pods of a namespace, if all are clusterwide, or about none."""
    certain = []
    for policy in policies:
        if policy.ref.namespace:
            return None
        answers = {rule.subject.matches(any_pod) for rule in policy.rules}
        if answers == {True}:
            certain.append(policy.ref)
        elif answers != {False}:
            return None
    return tuple(certain)


def _without_name(intent: Intent) -> Intent:
    return dataclasses.replace(
        intent, namespace="", problems=(), may_not_ask=frozenset(), refused_grants=()
    )
