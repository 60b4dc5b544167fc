"""What the operator knows of the cluster: Namespaces, its own policies, and what follows from them.

Fed by watches and lists in any order; a resourceVersion older than what is known changes nothing
(Kubernetes orders them within one cluster). Reads and writes memory only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from homelab_netpol.intent import Intent, LastGood, NamespaceFacts, Vocabulary, read_intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.objects import (
    HATCH_CCNP,
    Component,
    Kind,
    LabelKeys,
    LivePolicy,
    PolicyKey,
    policy_name,
)
from homelab_netpol.policy.plan import parse_gateway_ports_text
from homelab_netpol.reconcile.queue import Priority, Scope, WorkKey

CLUSTERWIDE = WorkKey(Scope.CLUSTERWIDE)

_ACCESS = policy_name(Component.ACCESS)
_GRANT = policy_name(Component.GRANT)
_PROFILE = policy_name(Component.PROFILE)
_HATCH = policy_name(Component.HATCH)

Requests = dict[WorkKey, Priority]


class ObservedNamespace(NamedTuple):
    """A Namespace as a watch or a list shows it."""

    facts: NamespaceFacts
    version: int
    uid: str = ""


class ClusterView:
    """The operator's memory. Methods that take news return what must be looked at because of it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._words: Vocabulary = catalogue.vocabulary
        self._label_keys = LabelKeys(catalogue.settings.label_domain)
        self._namespaces: dict[str, ObservedNamespace] = {}
        self._policies: dict[WorkKey | None, dict[PolicyKey, LivePolicy]] = {}
        self._last_good: dict[str, LastGood] = {}
        self._intents: dict[str, Intent] = {}
        self._consumers: dict[str, set[str]] = {name: set() for name in self._words.resources}
        self._deleted: dict[PolicyKey | str, int] = {}

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

    def last_good(self, namespace: str) -> LastGood:
        """What was last in force in a Namespace."""
        return self._last_good.get(namespace, LastGood())

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

    def consumers(self, resource: str) -> frozenset[str]:
        """The Namespaces that a shared resource must let in."""
        return frozenset(self._consumers.get(resource, ()))

    def policy(self, key: PolicyKey) -> LivePolicy | None:
        """A policy with our label as it stands, as far as we know."""
        return self._policies.get(owner_of(key), {}).get(key)

    def policies(self) -> Iterable[LivePolicy]:
        """All policies with our label that stand, as far as we know."""
        return (live for found in self._policies.values() for live in found.values())

    def standing(self, key: WorkKey) -> dict[PolicyKey, LivePolicy]:
        """The policies that a key answers for, as they stand."""
        return dict(self._policies.get(key, {}))

    def strays(self) -> list[PolicyKey]:
        """Policies with our label and a name that the operator never gives: left alone."""
        return list(self._policies.get(None, {}))

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
            _merge(requests, self._reread(facts.name, known.facts if known else None))
        return requests

    def forget_namespace(self, name: str, version: int) -> Requests:
        """Takes in that a Namespace is gone."""
        known = self._namespaces.get(name)
        self._deleted[name] = max(version, self._deleted.get(name, 0))
        if known is None or known.version > version:
            return {}
        del self._namespaces[name]
        self._last_good.pop(name, None)
        self._intents.pop(name, None)
        # With the namespace its policies went; a watch will confirm it, or has already.
        self._policies.pop(WorkKey(Scope.NAMESPACE, name), None)
        requests = self._related(name)
        for resource, consumers in self._consumers.items():
            if name in consumers:
                consumers.discard(name)
                requests[WorkKey(Scope.TARGET, resource)] = Priority.TARGET
        requests[WorkKey(Scope.NAMESPACE, name)] = Priority.CHANGE
        return requests

    def observe_policy(self, live: LivePolicy) -> Requests:
        """Takes in a policy with our label that was added or changed, by us or by anybody."""
        known = self.policy(live.key)
        version = int(live.resource_version)
        if known is not None and int(known.resource_version) >= version:
            return {}
        if self._deleted.get(live.key, 0) >= version:
            return {}
        self._policies.setdefault(owner_of(live.key), {})[live.key] = live
        if known is not None and _says_the_same(known, live):
            return {}
        return self._owner_request(live.key)

    def forget_policy(self, key: PolicyKey, version: int) -> Requests:
        """Takes in that a policy is gone, or no longer carries our label."""
        known = self.policy(key)
        self._deleted[key] = max(version, self._deleted.get(key, 0))
        if known is None or int(known.resource_version) > version:
            return {}
        self._remember_last_good(key.namespace)
        self._drop(key)
        return self._owner_request(key)

    def replace_namespaces(self, listed: Iterable[ObservedNamespace], version: int) -> Requests:
        """Takes in a whole list: what it lacks and we know from before it is gone."""
        requests: Requests = {}
        seen = set()
        for observed in listed:
            seen.add(observed.facts.name)
            _merge(requests, self.observe_namespace(observed))
        gone = [n for n, o in self._namespaces.items() if n not in seen and o.version <= version]
        for name in gone:
            _merge(requests, self.forget_namespace(name, version))
        return requests

    def replace_policies(self, kind: Kind, listed: Iterable[LivePolicy], version: int) -> Requests:
        """Takes in a whole list of one kind, likewise."""
        requests: Requests = {}
        seen = set()
        for live in listed:
            seen.add(live.key)
            _merge(requests, self.observe_policy(live))
        gone = [
            live.key
            for live in self.policies()
            if live.key.kind is kind
            and live.key not in seen
            and int(live.resource_version) <= version
        ]
        for key in gone:
            _merge(requests, self.forget_policy(key, version))
        self._deleted = {k: v for k, v in self._deleted.items() if v > version}
        return requests

    # What we did ourselves

    def record_write(self, live: LivePolicy) -> None:
        """Keeps what the server answered to a write, so that the watch brings nothing new."""
        known = self.policy(live.key)
        if known is None or int(known.resource_version) < int(live.resource_version):
            self._policies.setdefault(owner_of(live.key), {})[live.key] = live

    def record_delete(self, live: LivePolicy) -> None:
        """Keeps that a delete was carried out."""
        self._deleted[live.key] = int(live.resource_version)
        self._drop(live.key)

    def settle(self, intent: Intent) -> None:
        """Remembers an intent that was carried out as the last good one."""
        if intent.namespace in self._namespaces:
            untouched = self._last_good.get(intent.namespace)
            self._last_good[intent.namespace] = LastGood(
                profile=(
                    untouched.profile
                    if intent.profile_untouched and untouched is not None
                    else intent.profile
                ),
                intra_namespace=intent.intra_namespace if intent.profile else None,
                gateway_ports=intent.gateway_ports if intent.profile else None,
                grants=frozenset(intent.grants) | frozenset(intent.grants_untouched),
                hatch_open=intent.hatch_open,
            )

    # What follows

    def _reread(self, name: str, before: NamespaceFacts | None) -> Requests:
        facts = self._namespaces[name].facts
        if facts.terminating:
            # Its pods may still be ending in good order, and may need what they were granted.
            return self._related(name) if before is None or not before.terminating else {}
        self._remember_last_good(name)
        old = self._intents.get(name)
        intent = read_intent(facts, self._last_good[name], self._words)
        self._intents[name] = intent
        hatch_moved = intent.hatch_open != (old is not None and old.hatch_open)
        priority = Priority.HATCH if hatch_moved else Priority.CHANGE
        requests: Requests = {WorkKey(Scope.NAMESPACE, name): priority}
        meshed_before = old is not None and old.meshed
        for resource, consumers in self._consumers.items():
            wanted = intent.hatch_open or resource in intent.grants
            if wanted != (name in consumers) or (wanted and meshed_before != intent.meshed):
                (consumers.add if wanted else consumers.discard)(name)
                requests[WorkKey(Scope.TARGET, resource)] = Priority.TARGET
        untouched = {*intent.grants_untouched, *(old.grants_untouched if old else ())}
        for resource in untouched:
            requests[WorkKey(Scope.TARGET, resource)] = Priority.TARGET
        if before is None or meshed_before != intent.meshed or before.terminating:
            _merge(requests, self._related(name))
        return requests

    def _related(self, name: str) -> Requests:
        """A namespace came, went or changed its mesh: its resources, and their consumers."""
        requests: Requests = {}
        for resource in self._catalogue.resources_in(name):
            requests[WorkKey(Scope.TARGET, resource)] = Priority.TARGET
            for consumer in self._consumers.get(resource, ()):
                requests[WorkKey(Scope.NAMESPACE, consumer)] = Priority.CHANGE
        return requests

    def _remember_last_good(self, name: str) -> None:
        """On first sight the policies that stand are the memory; from then on `settle` keeps it."""
        if name in self._last_good or not name:
            return
        standing = self._policies.get(WorkKey(Scope.NAMESPACE, name), {})
        profile = standing.get(PolicyKey(Kind.CNP, name, _PROFILE))
        keys = self._label_keys
        grants = frozenset(
            key.name.removeprefix(_ACCESS) for key in standing if key.name.startswith(_ACCESS)
        )
        hatch_open = PolicyKey(Kind.CNP, name, _HATCH) in standing
        if profile is None:
            self._last_good[name] = LastGood(grants=grants, hatch_open=hatch_open)
            return
        self._last_good[name] = LastGood(
            profile=profile.labels.get(keys.profile),
            intra_namespace=profile.labels.get(keys.intra_namespace) == "allow",
            gateway_ports=parse_gateway_ports_text(profile.annotations.get(keys.gateway_ports)),
            grants=grants,
            hatch_open=hatch_open,
        )

    def _owner_request(self, key: PolicyKey) -> Requests:
        owner = owner_of(key)
        return {owner: Priority.CHANGE} if owner is not None else {}

    def _drop(self, key: PolicyKey) -> None:
        owner = owner_of(key)
        found = self._policies.get(owner)
        if found is not None:
            found.pop(key, None)
            if not found:
                del self._policies[owner]


def owner_of(key: PolicyKey) -> WorkKey | None:
    """Which key answers for a policy, by its name alone, so that no edited label can hide it.

    Returns:
        None for a name that the operator never gives: such a policy carries our label, but was
        copied or written by somebody else, and is left alone.
    """
    if key.kind is Kind.CCNP:
        known = key.name == HATCH_CCNP or key.name.startswith("baseline-")
        return CLUSTERWIDE if known else None
    if key.name in (_PROFILE, _HATCH) or key.name.startswith(_ACCESS):
        return WorkKey(Scope.NAMESPACE, key.namespace)
    if key.name.startswith(_GRANT):
        return WorkKey(Scope.TARGET, key.name.removeprefix(_GRANT))
    return None


def _says_the_same(one: LivePolicy, other: LivePolicy) -> bool:
    return (
        one.uid == other.uid
        and one.digest == other.digest
        and one.labels == other.labels
        and one.annotations == other.annotations
    )


def _merge(into: Requests, news: Requests) -> None:
    for key, priority in news.items():
        into[key] = min(priority, into.get(key, priority))
