"""Namespaces by what holds in them: enforced, hatch open, unlabelled, platform and so on. Pure."""

from __future__ import annotations

from datetime import datetime

from homelab_netpol.audit.given import Given
from homelab_netpol.audit.result import Labelled, State
from homelab_netpol.cilium.evaluation import PolicyRef
from homelab_netpol.cilium.terms import CNP
from homelab_netpol.intent import Intent, Reason, parse_moment
from homelab_netpol.manifests import kinds
from homelab_netpol.platform_policies.check import PlatformCheck
from homelab_netpol.platform_policies.results import NamespaceState
from homelab_netpol.policy.keys import Component, policy_name
from homelab_netpol.shapes import condition, mapping, mappings, text


class States:
    """Reads the Namespaces of one cluster."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._platform = PlatformCheck(given.model)

    def of(self, intent: Intent) -> Labelled:
        """What the labels of a Namespace come to."""
        lacking: tuple[str, ...] = ()
        if intent.platform and not intent.hatch_open:
            state, lacking = self._of_platform(intent.namespace)
        else:
            state = self._state(intent)
        since = until = None
        if intent.hatch_open:
            since = self._since(intent)
            until = self._until(intent, since)
        return Labelled(
            state,
            since,
            until,
            intent.profile or intent.retained_profile,
            intent.granted,
            tuple(each.message for each in intent.problems),
            lacking,
        )

    def _state(self, intent: Intent) -> State:
        if intent.hatch_open:
            return State.HATCH
        if any(each.reason is not Reason.HATCH_EXPIRED for each in intent.problems):
            return State.INVALID
        if intent.profile is None:
            return State.UNLABELLED
        if not self._given.from_cluster:
            return State.ENFORCED
        if CNP in self._given.manifests.unread:
            return State.UNKNOWN
        name = policy_name(Component.PROFILE)
        return State.ENFORCED if self._stands(intent.namespace, name) else State.PENDING

    def _stands(self, namespace: str, name: str) -> bool:
        """A policy of the operator's stands, and Cilium has not rejected it."""
        ref = PolicyRef(CNP, namespace, name)
        data = self._given.model.manifest_of(ref)
        if data is None or not self._given.model.is_own(ref):
            return False
        valid = condition(data, "Valid")
        return valid is None or valid.get("status") != "False"

    def _of_platform(self, namespace: str) -> tuple[State, tuple[str, ...]]:
        if self._given.policies_unread or self._given.pods_unread:
            return State.UNKNOWN, ()
        found = self._platform.check(namespace)
        lacking = tuple(each.message for each in found.rules if each.message)
        if found.state is NamespaceState.NO_POLICY:
            return State.PLATFORM_INCOMPLETE, ("It has pods and no policy of its own.", *lacking)
        if found.state is NamespaceState.MISSING:
            return State.PLATFORM_INCOMPLETE, lacking
        return State.PLATFORM, lacking

    def _since(self, intent: Intent) -> datetime | None:
        """As the hatch's policy notes it; else when the label was last written."""
        if not self._given.from_cluster:
            return None
        noted = self._given.last_good.get(intent.namespace)
        if noted is not None and noted.hatch_since is not None:
            return noted.hatch_since
        key = self._given.model.desired.catalogue.vocabulary.enforcement_key
        manifest = self._given.manifests.get(kinds.NAMESPACE, intent.namespace)
        fields = mappings(
            manifest.data if manifest is not None else {}, "metadata", "managedFields"
        )
        written = [
            moment
            for each in fields
            if f"f:{key}" in mapping(each, "fieldsV1", "f:metadata", "f:labels")
            and (moment := parse_moment(text(each, "time"))) is not None
        ]
        return max(written, default=None)

    def _until(self, intent: Intent, since: datetime | None) -> datetime | None:
        """When the hatch closes; a duration counts from a moment that must be known."""
        if since is not None or intent.hatch_until is None:
            return intent.hatch_until
        key = self._given.model.desired.catalogue.vocabulary.disabled_until_key
        manifest = self._given.manifests.get(kinds.NAMESPACE, intent.namespace)
        written = manifest.annotations.get(key, "") if manifest is not None else ""
        return parse_moment(written.strip())
