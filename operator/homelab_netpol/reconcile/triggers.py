"""Triggers: what must be reconciled because something changed.

Each method takes a change into the caches and returns the requests that follow from it. A change
that means the same as before requests nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.definitions import LiveDefinition
from homelab_netpol.cache.intents import profiles_of
from homelab_netpol.cache.namespaces import ObservedNamespace
from homelab_netpol.cilium.enforcement import CiliumState
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.intent import NamespaceFacts, facts_in_force
from homelab_netpol.policy.catalogue import KUBE_API
from homelab_netpol.policy.keys import (
    CLUSTERWIDE,
    VOCABULARY,
    Kind,
    PolicyKey,
)
from homelab_netpol.policy.objects import LivePolicy
from homelab_netpol.reconcile.dependents import beyond_own_policies
from homelab_netpol.reconcile.intent_reader import IntentReader
from homelab_netpol.reconcile.requests import (
    Priority,
    Requests,
    merge,
    namespace_key,
    status_key,
    target_key,
)
from homelab_netpol.settings import DefaultDeny


class Triggers:
    """Maps changes to requests, as event handlers of a controller do."""

    def __init__(
        self, cache: ClusterCache, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Prepares.

        Args:
            cache: kept up to date here.
            clock: the time, in UTC, by which hatches close by themselves.
        """
        self._cache = cache
        self._clock = clock
        self._intents = IntentReader(cache, clock)

    def everything(self) -> Requests:
        """All keys that there are, for a resync."""
        requests = dict.fromkeys(map(namespace_key, self._cache.namespaces), Priority.RESYNC)
        requests |= dict.fromkeys((*self._cache.shared_keys(), CLUSTERWIDE), Priority.RESYNC)
        return requests | self.statuses()

    def statuses(self) -> Requests:
        """The keys of what is kept for others to read: statuses, and the words there are."""
        definitions = self._cache.definitions
        keys = [status_key(kind, n) for kind in DefinitionKind for n in definitions.names(kind)]
        if self._cache.catalogue.settings.admission.enabled:
            keys.append(VOCABULARY)
        return dict.fromkeys(keys, Priority.STATUS)

    # Namespaces

    def namespace_observed(
        self, observed: ObservedNamespace, starting: NamespaceFacts | None = None
    ) -> Requests:
        """A Namespace was added or changed.

        Args:
            observed: as a watch or a list shows it.
            starting: at the operator's start, what counted there before, as what stands says it.
        """
        facts, version, uid = observed
        namespaces = self._cache.namespaces
        if not namespaces.is_newer(facts.name, version):
            return {}
        known = namespaces.get(facts.name)
        requests: Requests = {}
        if known is not None and known.uid != uid:
            # Deleted and created again, and no watch showed it: nothing of the old one counts.
            requests = self.namespace_deleted(facts.name, version - 1)
            known = None
        before = known.facts if known is not None else None
        facts = self._cache.grace.hold(starting or before, facts)
        namespaces.put(facts.name, observed._replace(facts=facts))
        if before is None or self._differs(before, facts):
            merge(requests, self._intents.read(facts, before))
        return requests

    def namespace_deleted(self, name: str, version: int) -> Requests:
        """A Namespace is gone."""
        cache = self._cache
        existed = cache.namespaces.exists(name)
        if not cache.namespaces.delete(name, version) or not existed:
            return {}
        cache.last_good.forget(name)
        left_out = name in cache.grace.left_out
        cache.grace.forget(name)
        cache.deadlines.set(name, None)
        requests = beyond_own_policies(cache.intents.pop(name), None, cache)
        if left_out:
            requests[CLUSTERWIDE] = Priority.CHANGE
        merge(requests, self._intents.sharing_with(name))
        for key in cache.intents.shared_keys():
            if cache.intents.set_consumer(key, name, None):
                requests[key] = Priority.TARGET
        requests[namespace_key(name)] = Priority.CHANGE
        return requests

    def namespaces_listed(
        self, present: Collection[str], changed: Iterable[ObservedNamespace], version: int
    ) -> Requests:
        """The Namespaces were listed.

        Args:
            present: the names in the list.
            changed: at least those of them that are newer than what is known.
            version: the list's resourceVersion.
        """
        requests: Requests = {}
        # A label that is not there now may have gone in this moment: the start is no exception.
        starting = not len(self._cache.namespaces)
        for observed in changed:
            in_force = self._in_force(observed) if starting else None
            merge(requests, self.namespace_observed(observed, in_force))
            if starting:
                self._cache.hatch_found(observed.facts.name)
        for name in self._cache.namespaces.absent_from(present, version):
            merge(requests, self.namespace_deleted(name, version))
        self._cache.namespaces.expire_tombstones(version)
        return requests

    def last_good_changed(self, namespace: str) -> Requests:
        """What was last good may have changed: an intent that depends on it is read again."""
        intent, observed = self._cache.intents.get(namespace), self._cache.namespaces.get(namespace)
        if intent is None or observed is None or observed.facts.terminating:
            return {}
        has_applied = self._cache.last_good.has_applied(namespace)
        if not intent.problems and (intent.hatch_since is None or has_applied):
            return {}
        requests = self._intents.read(observed.facts, observed.facts)
        requests.pop(namespace_key(namespace), None)
        return requests

    def time_passed(self) -> Requests:
        """Hatches close by themselves, or will soon."""
        over, near = self._cache.deadlines.take_due(self._clock())
        requests = dict.fromkeys(map(namespace_key, near), Priority.CHANGE)
        for name in over:
            observed = self._cache.namespaces.get(name)
            if observed is not None:
                merge(requests, self._intents.read(observed.facts, observed.facts))
        return requests

    def grace_over(self) -> Requests:
        """Labels were lost a while ago, and do not count any longer."""
        cache = self._cache
        due, hatches_moved = cache.grace.take_due()
        requests: Requests = {CLUSTERWIDE: Priority.CHANGE} if hatches_moved else {}
        for name in due:
            observed = cache.namespaces.get(name)
            if observed is None:
                continue
            before, facts = observed.facts, cache.grace.let_go(observed.facts)
            cache.namespaces.put(name, observed._replace(facts=facts))
            if self._differs(before, facts):
                merge(requests, self._intents.read(facts, before))
        return requests

    def _in_force(self, observed: ObservedNamespace) -> NamespaceFacts:
        """What a Namespace would say if it said what is in force there."""
        last_good = self._cache.last_good.last_good(observed.facts.name, observed.uid)
        return facts_in_force(observed.facts, last_good, self._cache.catalogue.vocabulary)

    def _differs(self, before: NamespaceFacts, after: NamespaceFacts) -> bool:
        """Whether an intent may; labels beyond the vocabulary count where a selector may ask."""
        if dataclasses.replace(after, selectable=before.selectable) != before:
            return True
        resources = self._cache.catalogue.vocabulary.resources.values()
        selecting = any(each.allow_from is not None for each in resources)
        return selecting and before.selectable != after.selectable

    # Custom resources

    def definition_observed(self, kind: DefinitionKind, live: LiveDefinition) -> Requests:
        """A custom resource was added or changed."""
        changed = self._cache.definitions.observe(kind, live)
        return self._redefine(kind, [live.definition.name]) if changed else {}

    def definition_deleted(self, kind: DefinitionKind, name: str, version: int) -> Requests:
        """A custom resource is gone."""
        gone = self._cache.definitions.forget(kind, name, version)
        return self._redefine(kind, [name]) if gone else {}

    def definitions_listed(
        self, kind: DefinitionKind, listed: Iterable[LiveDefinition], version: int
    ) -> Requests:
        """The custom resources of a kind were listed."""
        changed = self._cache.definitions.replace(kind, listed, version)
        return self._redefine(kind, changed) if changed else {}

    def definitions_dropped(self, kind: DefinitionKind) -> Requests:
        """The CRD of a kind is gone, and with it all objects of the kind."""
        definitions = self._cache.definitions
        names = [name for name in definitions.names(kind) if definitions.drop(kind, name)]
        return self._redefine(kind, names) if names else {}

    def _redefine(self, kind: DefinitionKind, names: Iterable[str]) -> Requests:
        """Works out what is defined now, and which keys the difference moves."""
        before = self._cache.redefine()
        after, intents = self._cache.catalogue, self._cache.intents
        profiles, resources = after.changed_since(before)
        requests = dict.fromkeys(map(target_key, resources), Priority.TARGET)
        usable = resources & after.vocabulary.resources.keys()
        for name in resources:
            key = target_key(name)
            intents.set_consumers(key, intents.consumers(key) if name in usable else None)
        for observed in list(self._cache.namespaces.values()):
            if self._names_any(observed.facts, profiles, resources):
                merge(requests, self._intents.read(observed.facts, observed.facts))
        for key in map(target_key, usable):
            values = {i.namespace: self._intents.consumes(i, key) for i in intents}
            intents.set_consumers(key, {n: value for n, value in values.items() if value})
        if after.settings.admission.enabled:
            requests[VOCABULARY] = Priority.STATUS
        if KUBE_API in resources:
            requests[CLUSTERWIDE] = Priority.CHANGE
        moved = {DefinitionKind.PROFILE: profiles, DefinitionKind.RESOURCE: resources}
        moved[kind] = {*names, *moved[kind]}
        for of, those in moved.items():
            requests |= dict.fromkeys((status_key(of, name) for name in those), Priority.STATUS)
        return requests

    def cilium_observed(self, state: CiliumState) -> Requests:
        """Cilium's configuration and agents were looked at."""
        if not self._cache.set_cilium(state):
            return {}
        before = self._cache.catalogue.own_cluster
        requests = self._redefine(DefinitionKind.PROFILE, ())
        if self._cache.catalogue.own_cluster.selected != before.selected:
            merge(requests, self.everything())
        return requests

    def _names_any(
        self, facts: NamespaceFacts, profiles: Collection[str], resources: Collection[str]
    ) -> bool:
        """A Namespace's labels name one of these, or one of the profiles is kept there.

        An open hatch names every resource: as a grant on it, where the resource allows that.
        """
        words, intent = self._cache.catalogue.vocabulary, self._cache.intents.get(facts.name)
        if resources and intent is not None and intent.hatch_open:
            return True
        if facts.labels.get(words.profile_key) in profiles:
            return True
        if any(f"{words.access_prefix}{resource}" in facts.labels for resource in resources):
            return True
        return not profiles_of(intent).isdisjoint(profiles)

    # Policies

    def policy_observed(self, live: LivePolicy) -> Requests:
        """A policy with our label was added or changed, by us or by others."""
        known = self._cache.policies.get(live.key)
        owner = self._cache.policies.observe(live)
        if owner is None:
            return {}
        requests: Requests = {owner: Priority.CHANGE}
        if (known.rejected if known is not None else "") != live.rejected:
            profile = live.labels.get(self._cache.label_keys.profile, "")
            for name in self._cache.catalogue.definitions.lineage(profile):
                requests[status_key(DefinitionKind.PROFILE, name)] = Priority.STATUS
        return requests

    def policy_deleted(self, key: PolicyKey, version: int) -> Requests:
        """A policy is gone, or no longer carries our label."""
        owner = self._cache.policies.forget(key, version)
        return {owner: Priority.CHANGE} if owner is not None else {}

    def policies_listed(self, kind: Kind, listed: Iterable[LivePolicy], version: int) -> Requests:
        """The operator's policies of a kind were listed."""
        owners = self._cache.policies.replace(kind, listed, version)
        return dict.fromkeys(owners, Priority.CHANGE)

    def scope_decided(self, scope: DefaultDeny) -> Requests:
        """Where default deny is in force was decided."""
        if scope is self._cache.scope:
            return {}
        self._cache.set_scope(scope)
        # Istio's policies stand where Cilium's deny the rest.
        meshed = [namespace_key(i.namespace) for i in self._cache.intents if i.meshed]
        keys = (CLUSTERWIDE, *meshed, *self._cache.shared_keys())
        return dict.fromkeys(keys, Priority.CHANGE)

    def istio_observed(self, *, installed: bool) -> Requests:
        """Istio's CRDs were found, or found missing."""
        if not self._cache.set_istio_installed(installed):
            return {}
        meshed = [namespace_key(i.namespace) for i in self._cache.intents if i.meshed]
        return dict.fromkeys((*meshed, *self._cache.shared_keys()), Priority.CHANGE)
