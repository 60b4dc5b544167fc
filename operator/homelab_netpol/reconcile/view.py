"""What the operator knows of the cluster: Namespaces, its own policies, and what follows from them.

Fed by watches and lists in any order. Reads and writes memory only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from homelab_netpol.cache.deadlines import Deadlines
from homelab_netpol.cache.definitions import DefinitionCache, LiveDefinition
from homelab_netpol.cache.last_good import LastGoodCache
from homelab_netpol.cache.policies import PolicyCache
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.intent import Intent, LastGood, NamespaceFacts, read_intent
from homelab_netpol.policy.catalogue import KUBE_API, Catalogue
from homelab_netpol.policy.keys import (
    CLUSTERWIDE,
    GATEWAYS,
    VOCABULARY,
    Kind,
    PolicyKey,
    Scope,
    WorkKey,
)
from homelab_netpol.policy.notes import ExpiredHatch
from homelab_netpol.policy.objects import LabelKeys, LivePolicy
from homelab_netpol.policy.plan import Planner
from homelab_netpol.reconcile.queue import Priority
from homelab_netpol.reconcile.requests import Requests, concerned, merge, profiles_of, status_key


class ObservedNamespace(NamedTuple):
    """A Namespace as a watch or a list shows it."""

    facts: NamespaceFacts
    version: int
    uid: str


class ClusterView:
    """The operator's memory. Methods that take news return what must be looked at because of it.

    Attributes:
        catalogue: what is defined now; another one after each change of a custom resource.
        planner: of what this catalogue defines.
        defined: the custom resources.
        standing: the policies with our label.
        deadlines: when open hatches close by themselves.
    """

    def __init__(
        self, catalogue: Catalogue, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.catalogue = catalogue
        self.planner = Planner(catalogue)
        self.defined = DefinitionCache()
        self.standing = PolicyCache()
        self.deadlines = Deadlines()
        self._clock = clock
        self._istio = True
        self._label_keys = LabelKeys(catalogue.settings.label_domain)
        self._namespaces: dict[str, ObservedNamespace] = {}
        self._deleted: dict[str, int] = {}
        self._memory = LastGoodCache(self.standing, self._label_keys)
        self._intents: dict[str, Intent] = {}
        targets = [WorkKey(Scope.TARGET, name) for name in catalogue.vocabulary.resources]
        gateways = [WorkKey(Scope.GATEWAY, which) for which in GATEWAYS]
        self._consumers: dict[WorkKey, set[str]] = {key: set() for key in (*targets, *gateways)}

    # Reading

    def read_namespace(self, manifest: Mapping[str, Any]) -> ObservedNamespace:
        """Keeps of a Namespace what policies can depend on."""
        metadata = manifest["metadata"]
        facts = self.catalogue.vocabulary.facts(
            metadata["name"],
            metadata.get("labels"),
            metadata.get("annotations"),
            terminating=bool(metadata.get("deletionTimestamp")),
        )
        return ObservedNamespace(facts, int(metadata["resourceVersion"]), metadata["uid"])

    def namespace_names(self) -> list[str]:
        """All Namespaces that exist."""
        return list(self._namespaces)

    def uid(self, namespace: str) -> str:
        """The uid of a Namespace; "" when it does not exist."""
        observed = self._namespaces.get(namespace)
        return observed.uid if observed is not None else ""

    def exists(self, namespace: str) -> bool:
        """The Namespace exists, though it may be being deleted."""
        return namespace in self._namespaces

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        """All labels of a Namespace; None when it does not exist."""
        observed = self._namespaces.get(namespace)
        return observed.facts.selectable if observed is not None else None

    def is_writable(self, namespace: str) -> bool:
        """The Namespace exists and is not being deleted."""
        observed = self._namespaces.get(namespace)
        return observed is not None and not observed.facts.terminating

    def is_meshed(self, namespace: str) -> bool:
        """The Namespace exists and is part of the mesh."""
        observed = self._namespaces.get(namespace)
        key, value = self.catalogue.vocabulary.mesh_label
        return observed is not None and observed.facts.labels.get(key) == value

    def intent(self, namespace: str) -> Intent | None:
        """What a Namespace wants; None when it does not exist."""
        return self._intents.get(namespace)

    def intents(self) -> Iterable[Intent]:
        """What all Namespaces want."""
        return self._intents.values()

    def consumers(self, key: WorkKey) -> frozenset[str]:
        """The Namespaces that a shared resource lets in, or that a gateway reaches by the mesh."""
        return frozenset(self._consumers.get(key, ()))

    def shared(self) -> list[WorkKey]:
        """The keys whose policies list other Namespaces, those that are left over included."""
        left_over = [key for key in self.standing.owners() if key.scope is Scope.TARGET]
        return list({*self._consumers, *left_over})

    def statuses(self) -> list[WorkKey]:
        """The keys of what is kept for others to read: statuses, and the words there are."""
        keys = [status_key(kind, n) for kind in DefinitionKind for n in self.defined.names(kind)]
        admission = self.catalogue.settings.admission.enabled
        return [*keys, VOCABULARY] if admission else keys

    def expired_hatches(self) -> dict[str, ExpiredHatch]:
        """The hatches that have closed by themselves though their labels are still there."""
        return {
            name: ExpiredHatch(intent.hatch_since, self.uid(name))
            for name, intent in self._intents.items()
            if intent.hatch_expired and intent.hatch_since is not None
        }

    def last_good(self, namespace: str) -> LastGood:
        """What was last in force in a Namespace."""
        return self._memory.last_good(namespace, self.uid(namespace))

    def settle(self, intent: Intent) -> None:
        """Remembers an intent that was carried out as the last good one."""
        if intent.namespace in self._namespaces:
            self._memory.settle(intent)

    def users(self, profile: str) -> list[str]:
        """The Namespaces in which a profile is in force, or in which its last policy is kept.

        Those of profiles that extend it are among them.
        """
        heirs = {
            name
            for name in self.defined.names(DefinitionKind.PROFILE)
            if profile in self.catalogue.definitions.lineage(name)
        }
        wanted = heirs | {profile}
        return sorted(n for n, i in self._intents.items() if not wanted.isdisjoint(profiles_of(i)))

    def home_of(self, resource: str) -> str | None:
        """The namespace of a shared resource's pods; None: it has none, or is not known."""
        if resource not in self.catalogue.vocabulary.resources:
            return None
        return self.catalogue.resource(resource).namespace

    def holders(self, resource: str) -> list[str]:
        """The Namespaces that hold a grant on a shared resource."""
        return sorted(n for n, intent in self._intents.items() if resource in intent.grants)

    # News from the cluster

    def observe_namespace(self, observed: ObservedNamespace) -> Requests:
        """Takes in a Namespace that was added or changed."""
        facts, version, uid = observed
        known = self._namespaces.get(facts.name)
        if known is not None and known.version >= version:
            return {}
        if self._deleted.get(facts.name, 0) >= version:
            return {}
        requests: Requests = {}
        if known is not None and known.uid != uid:
            # Deleted and made again while no watch told: nothing of the old one counts any more.
            requests = self.forget_namespace(facts.name, version - 1)
            known = None
        self._namespaces[facts.name] = observed
        if known is None or self._differs(known.facts, facts):
            merge(requests, self._reread(facts.name, known.facts if known else None))
        return requests

    def forget_namespace(self, name: str, version: int) -> Requests:
        """Takes in that a Namespace is gone."""
        known = self._namespaces.get(name)
        self._deleted[name] = max(version, self._deleted.get(name, 0))
        if known is None or known.version > version:
            return {}
        del self._namespaces[name]
        self._memory.forget(name)
        self.deadlines.set(name, None)
        requests = self._concerned(self._intents.pop(name, None), None)
        merge(requests, self._related(name))
        for key, consumers in self._consumers.items():
            if name in consumers:
                consumers.discard(name)
                requests[key] = Priority.TARGET
        requests[WorkKey(Scope.NAMESPACE, name)] = Priority.CHANGE
        return requests

    def replace_namespaces(self, listed: Iterable[ObservedNamespace], version: int) -> Requests:
        """Takes in a whole list: what it lacks and we know from before it is gone."""
        requests: Requests = {}
        seen = set()
        for observed in listed:
            seen.add(observed.facts.name)
            merge(requests, self.observe_namespace(observed))
        gone = [n for n, o in self._namespaces.items() if n not in seen and o.version <= version]
        for name in gone:
            merge(requests, self.forget_namespace(name, version))
        self._deleted = {n: deleted for n, deleted in self._deleted.items() if deleted > version}
        return requests

    # What follows

    def refresh(self, namespace: str) -> Requests:
        """Reads an intent again, if it depends on what was last good: that may have changed."""
        intent = self._intents.get(namespace)
        if intent is None or not self.is_writable(namespace):
            return {}
        unsettled_hatch = intent.hatch_since is not None and not self._memory.is_settled(namespace)
        if not intent.problems and not unsettled_hatch:
            return {}
        requests = self._reread(namespace, self._namespaces[namespace].facts)
        requests.pop(WorkKey(Scope.NAMESPACE, namespace), None)
        return requests

    def tick(self) -> Requests:
        """Takes in that time has passed: hatches close by themselves, or will soon."""
        over, near = self.deadlines.take_due(self._clock())
        requests: Requests = {WorkKey(Scope.NAMESPACE, name): Priority.CHANGE for name in near}
        for name in over:
            if name in self._namespaces:
                merge(requests, self._reread(name, self._namespaces[name].facts))
        return requests

    def _differs(self, before: NamespaceFacts, after: NamespaceFacts) -> bool:
        """Whether an intent may; labels beyond the vocabulary count if somebody selects by them."""
        if dataclasses.replace(after, selectable=before.selectable) != before:
            return True
        selecting = any(self.catalogue.vocabulary.resources.values())
        return selecting and before.selectable != after.selectable

    def _reread(self, name: str, before: NamespaceFacts | None) -> Requests:
        facts = self._namespaces[name].facts
        old = self._intents.get(name)
        if facts.terminating and old is not None:
            # Its pods may still be ending in good order, and may need what they were granted.
            return self._related(name) if before is None or not before.terminating else {}
        intent = read_intent(
            facts,
            self._memory.before(name, self.uid(name), self._intents.get(name)),
            self.catalogue.vocabulary,
            self._clock(),
        )
        self._intents[name] = intent
        self.deadlines.set(name, intent.hatch_until if intent.hatch_open else None)
        hatch_moved = intent.hatch_open != (old is not None and old.hatch_open)
        priority = Priority.HATCH if hatch_moved else Priority.CHANGE
        requests: Requests = {WorkKey(Scope.NAMESPACE, name): priority}
        merge(requests, self._concerned(old, intent))
        meshed_before = old is not None and old.meshed
        for key, consumers in self._consumers.items():
            wanted = self._consumes(intent, key)
            if wanted != (name in consumers) or (wanted and meshed_before != intent.meshed):
                (consumers.add if wanted else consumers.discard)(name)
                requests[key] = Priority.TARGET
        for resource in {*intent.retained_grants, *(old.retained_grants if old else ())}:
            requests[WorkKey(Scope.TARGET, resource)] = Priority.TARGET
        profile_moved = old is not None and (old.profile is None) != (intent.profile is None)
        moved = meshed_before != intent.meshed or profile_moved
        if before is None or moved or before.terminating:
            merge(requests, self._related(name))
        return requests

    def _concerned(self, old: Intent | None, new: Intent | None) -> Requests:
        return concerned(old, new, self.catalogue, self.defined)

    def _consumes(self, intent: Intent, key: WorkKey) -> bool:
        if key.scope is Scope.GATEWAY:
            return self.planner.serves(key.name, intent)
        return self.planner.uses(intent, key.name)

    def _related(self, name: str) -> Requests:
        """A namespace came, went or changed its mesh: what it shares, and with whom."""
        requests: Requests = {}
        for resource in self.catalogue.resources_in(name):
            key = WorkKey(Scope.TARGET, resource)
            requests[key] = Priority.TARGET
            for consumer in self._consumers[key]:
                requests[WorkKey(Scope.NAMESPACE, consumer)] = Priority.CHANGE
        if name == self.catalogue.settings.gateways.namespace:
            for which in GATEWAYS:
                requests[WorkKey(Scope.GATEWAY, which)] = Priority.TARGET
        return requests

    # Custom resources

    def observe_definition(self, kind: DefinitionKind, live: LiveDefinition) -> Requests:
        """Takes in a custom resource that was added or changed."""
        changed = self.defined.observe(kind, live)
        return self._redefine(kind, [live.definition.name]) if changed else {}

    def forget_definition(self, kind: DefinitionKind, name: str, version: int) -> Requests:
        """Takes in that a custom resource is gone."""
        gone = self.defined.forget(kind, name, version)
        return self._redefine(kind, [name]) if gone else {}

    def replace_definitions(
        self, kind: DefinitionKind, listed: Iterable[LiveDefinition], version: int
    ) -> Requests:
        """Takes in a whole list of one kind."""
        changed = self.defined.replace(kind, listed, version)
        return self._redefine(kind, changed) if changed else {}

    def drop_definitions(self, kind: DefinitionKind) -> Requests:
        """Takes in that the CRD of a kind is gone, and with it all objects of the kind."""
        names = [name for name in self.defined.names(kind) if self.defined.drop(kind, name)]
        return self._redefine(kind, names) if names else {}

    def observe_istio(self, *, installed: bool) -> Requests:
        """Takes in whether Istio's CRDs are installed."""
        if installed == self._istio:
            return {}
        self._istio = installed
        self.planner = Planner(self.catalogue, istio=installed)
        keys = [WorkKey(Scope.NAMESPACE, n) for n, intent in self._intents.items() if intent.meshed]
        return dict.fromkeys((*keys, *self.shared()), Priority.CHANGE)

    def _redefine(self, kind: DefinitionKind, names: Iterable[str]) -> Requests:
        """Works out what is defined now, and whom the difference concerns."""
        before, after = self.catalogue, self.catalogue.with_definitions(self.defined.definitions())
        self.catalogue, self.planner = after, Planner(after, istio=self._istio)
        profiles, resources = after.changed_since(before)
        requests: Requests = {}
        for name in resources:
            key = WorkKey(Scope.TARGET, name)
            requests[key] = Priority.TARGET
            if name in after.vocabulary.resources:
                self._consumers.setdefault(key, set())
            else:
                self._consumers.pop(key, None)
        for name, observed in self._namespaces.items():
            if self._speaks_of(name, observed.facts, profiles, resources):
                merge(requests, self._reread(name, observed.facts))
        for name in resources & after.vocabulary.resources.keys():
            key = WorkKey(Scope.TARGET, name)
            intents = self._intents.items()
            self._consumers[key] = {n for n, intent in intents if self._consumes(intent, key)}
        if after.settings.admission.enabled:
            requests[VOCABULARY] = Priority.STATUS
        if KUBE_API in resources:
            requests[CLUSTERWIDE] = Priority.CHANGE
        told = profiles if kind is DefinitionKind.PROFILE else resources
        for name in {*names, *told}:
            requests[status_key(kind, name)] = Priority.STATUS
        return requests

    def _speaks_of(
        self,
        name: str,
        facts: NamespaceFacts,
        profiles: Collection[str],
        resources: Collection[str],
    ) -> bool:
        words = self.catalogue.vocabulary
        if facts.labels.get(words.profile_key) in profiles:
            return True
        if any(f"{words.access_prefix}{resource}" in facts.labels for resource in resources):
            return True
        intent = self._intents.get(name)
        return intent is not None and not profiles_of(intent).isdisjoint(profiles)

    # Policies

    def observe_policy(self, live: LivePolicy) -> Requests:
        """Takes in a policy with our label that was added or changed, by us or by anybody."""
        known = self.standing.get(live.key)
        owner = self.standing.observe(live)
        if owner is None:
            return {}
        requests: Requests = {owner: Priority.CHANGE}
        if (known.rejected if known is not None else "") != live.rejected:
            profile = live.labels.get(self._label_keys.profile, "")
            for name in self.catalogue.definitions.lineage(profile):
                requests[status_key(DefinitionKind.PROFILE, name)] = Priority.STATUS
        return requests

    def forget_policy(self, key: PolicyKey, version: int) -> Requests:
        """Takes in that a policy is gone, or no longer carries our label."""
        owner = self.standing.forget(key, version)
        return {owner: Priority.CHANGE} if owner is not None else {}

    def replace_policies(self, kind: Kind, listed: Iterable[LivePolicy], version: int) -> Requests:
        """Takes in a whole list of one kind."""
        owners = self.standing.replace(kind, listed, version)
        return dict.fromkeys(owners, Priority.CHANGE)
