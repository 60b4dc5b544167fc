"""What the operator knows of the cluster: Namespaces, its own policies, and what follows from them.

Fed by watches and lists in any order. Reads and writes memory only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from homelab_netpol.intent import Intent, LastGood, NamespaceFacts, Vocabulary, read_intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.objects import (
    GATEWAYS,
    Component,
    Kind,
    LabelKeys,
    LivePolicy,
    PolicyKey,
    policy_name,
)
from homelab_netpol.policy.plan import parse_gateway_ports_text
from homelab_netpol.reconcile.queue import Priority, Scope, WorkKey
from homelab_netpol.reconcile.standing import StandingPolicies

_ACCESS = policy_name(Component.ACCESS)
_PROFILE = policy_name(Component.PROFILE)
_HATCH = policy_name(Component.HATCH)

Requests = dict[WorkKey, Priority]


class ObservedNamespace(NamedTuple):
    """A Namespace as a watch or a list shows it."""

    facts: NamespaceFacts
    version: int
    uid: str


class ClusterView:
    """The operator's memory. Methods that take news return what must be looked at because of it.

    Attributes:
        standing: the policies with our label.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.standing = StandingPolicies()
        self._catalogue = catalogue
        self._words: Vocabulary = catalogue.vocabulary
        self._label_keys = LabelKeys(catalogue.settings.label_domain)
        self._namespaces: dict[str, ObservedNamespace] = {}
        self._deleted: dict[str, int] = {}
        self._settled: dict[str, LastGood] = {}
        self._intents: dict[str, Intent] = {}
        targets = [WorkKey(Scope.TARGET, name) for name in self._words.resources]
        gateways = [WorkKey(Scope.GATEWAY, which) for which in GATEWAYS]
        self._consumers: dict[WorkKey, set[str]] = {key: set() for key in (*targets, *gateways)}

    # Reading

    def read_namespace(self, manifest: Mapping[str, Any]) -> ObservedNamespace:
        """Keeps of a Namespace what policies can depend on."""
        metadata = manifest["metadata"]
        facts = self._words.facts(
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

    def is_writable(self, namespace: str) -> bool:
        """The Namespace exists and is not being deleted."""
        observed = self._namespaces.get(namespace)
        return observed is not None and not observed.facts.terminating

    def is_meshed(self, namespace: str) -> bool:
        """The Namespace exists and is part of the mesh."""
        observed = self._namespaces.get(namespace)
        key, value = self._words.mesh_label
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
        """The keys whose policies list other Namespaces."""
        return list(self._consumers)

    def last_good(self, namespace: str) -> LastGood:
        """What was last in force in a Namespace.

        Once this process has carried out an intent, that; until then what stands. A standby, which
        carries out nothing, so learns from what the leader writes.
        """
        settled = self._settled.get(namespace)
        if settled is not None:
            return settled
        standing = self.standing.of(WorkKey(Scope.NAMESPACE, namespace))
        grants = frozenset(
            key.name.removeprefix(_ACCESS) for key in standing if key.name.startswith(_ACCESS)
        )
        hatch_open = PolicyKey(Kind.CNP, namespace, _HATCH) in standing
        profile = standing.get(PolicyKey(Kind.CNP, namespace, _PROFILE))
        if profile is None:
            return LastGood(grants=grants, hatch_open=hatch_open)
        keys = self._label_keys
        return LastGood(
            profile=profile.labels.get(keys.profile),
            intra_namespace=profile.labels.get(keys.intra_namespace) == "allow",
            gateway_ports=parse_gateway_ports_text(profile.annotations.get(keys.gateway_ports)),
            grants=grants,
            hatch_open=hatch_open,
        )

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
        if known is None or known.facts != facts:
            merge(requests, self._reread(facts.name, known.facts if known else None))
        return requests

    def forget_namespace(self, name: str, version: int) -> Requests:
        """Takes in that a Namespace is gone."""
        known = self._namespaces.get(name)
        self._deleted[name] = max(version, self._deleted.get(name, 0))
        if known is None or known.version > version:
            return {}
        del self._namespaces[name]
        self._settled.pop(name, None)
        self._intents.pop(name, None)
        self.standing.forget_namespace(name)
        requests = self._related(name)
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
        if intent is None or not intent.problems or not self.is_writable(namespace):
            return {}
        requests = self._reread(namespace, self._namespaces[namespace].facts)
        requests.pop(WorkKey(Scope.NAMESPACE, namespace), None)
        return requests

    def settle(self, intent: Intent) -> None:
        """Remembers an intent that was carried out as the last good one."""
        name = intent.namespace
        if name not in self._namespaces:
            return
        profile = self.last_good(name).profile if intent.profile_untouched else intent.profile
        self._settled[name] = LastGood(
            profile=profile,
            intra_namespace=intent.intra_namespace if intent.profile else None,
            gateway_ports=intent.gateway_ports if intent.profile else None,
            grants=frozenset(intent.grants) | frozenset(intent.grants_untouched),
            hatch_open=intent.hatch_open,
        )

    def _reread(self, name: str, before: NamespaceFacts | None) -> Requests:
        facts = self._namespaces[name].facts
        old = self._intents.get(name)
        if facts.terminating and old is not None:
            # Its pods may still be ending in good order, and may need what they were granted.
            return self._related(name) if before is None or not before.terminating else {}
        intent = read_intent(facts, self.last_good(name), self._words)
        self._intents[name] = intent
        hatch_moved = intent.hatch_open != (old is not None and old.hatch_open)
        priority = Priority.HATCH if hatch_moved else Priority.CHANGE
        requests: Requests = {WorkKey(Scope.NAMESPACE, name): priority}
        meshed_before = old is not None and old.meshed
        for key, consumers in self._consumers.items():
            wanted = self._consumes(intent, key)
            if wanted != (name in consumers) or (wanted and meshed_before != intent.meshed):
                (consumers.add if wanted else consumers.discard)(name)
                requests[key] = Priority.TARGET
        for resource in {*intent.grants_untouched, *(old.grants_untouched if old else ())}:
            requests[WorkKey(Scope.TARGET, resource)] = Priority.TARGET
        if before is None or meshed_before != intent.meshed or before.terminating:
            merge(requests, self._related(name))
        return requests

    def _consumes(self, intent: Intent, key: WorkKey) -> bool:
        if key.scope is Scope.GATEWAY:
            admits = key.name in self._catalogue.gateways_of(intent.profile)
            return intent.meshed and admits and intent.gateway_ports is not None
        return intent.hatch_open or key.name in intent.grants

    def _related(self, name: str) -> Requests:
        """A namespace came, went or changed its mesh: what it shares, and with whom."""
        requests: Requests = {}
        for resource in self._catalogue.resources_in(name):
            key = WorkKey(Scope.TARGET, resource)
            requests[key] = Priority.TARGET
            for consumer in self._consumers[key]:
                requests[WorkKey(Scope.NAMESPACE, consumer)] = Priority.CHANGE
        if name == self._catalogue.settings.gateways.namespace:
            for which in GATEWAYS:
                requests[WorkKey(Scope.GATEWAY, which)] = Priority.TARGET
        return requests

    # Policies

    def observe_policy(self, live: LivePolicy) -> Requests:
        """Takes in a policy with our label that was added or changed, by us or by anybody."""
        owner = self.standing.observe(live)
        return {owner: Priority.CHANGE} if owner is not None else {}

    def forget_policy(self, key: PolicyKey, version: int) -> Requests:
        """Takes in that a policy is gone, or no longer carries our label."""
        owner = self.standing.forget(key, version)
        return {owner: Priority.CHANGE} if owner is not None else {}

    def replace_policies(self, kind: Kind, listed: Iterable[LivePolicy], version: int) -> Requests:
        """Takes in a whole list of one kind."""
        owners = self.standing.replace(kind, listed, version)
        return dict.fromkeys(owners, Priority.CHANGE)


def merge(into: Requests, news: Requests) -> None:
    """Adds requests; of two for the same key, the more urgent one counts."""
    for key, priority in news.items():
        into[key] = min(priority, into.get(key, priority))
