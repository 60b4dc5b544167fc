"""One inspection: what is known of the cluster, and what was listed for it, as checks see them."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cilium.evaluation import Pod, ReadPolicy, in_cluster, read_policy
from homelab_netpol.cilium.identity_labels import IdentityLabels
from homelab_netpol.cilium.terms import CCNP, CLUSTER_NETWORK_POLICY, CNP, NETWORK_POLICY
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings.finding import Finding
from homelab_netpol.findings.places import Places
from homelab_netpol.policy.keys import CILIUM_KINDS, GATEWAY_KEYS, PolicyKey, Scope, WorkKey
from homelab_netpol.policy.objects import Policy


class Inspection:
    """Joins others' policies with the operator's own, of which those count that stand.

    Attributes:
        cache: what is known of the cluster.
        snapshot: what others wrote and run.
        places: the Namespaces and pods, once they are sorted.
        overruling: of the policies of others, by namespace those that may select its pods, and keep
            what another policy allows from passing; sorted as well.
        deny_rules: in words, by namespace, which deny rules would win over an open hatch there.
    """

    def __init__(self, cache: ClusterCache, snapshot: Snapshot) -> None:
        self.cache = cache
        self.snapshot = in_force(snapshot, cache.cilium.config)
        self.places = Places()
        self.overruling: defaultdict[str, list[ReadPolicy]] = defaultdict(list)
        self.deny_rules: dict[str, str] = {}
        self._own: dict[str, tuple[ReadPolicy, ...]] = {}
        self._gateways = cache.catalogue.settings.gateways.namespaces
        self._own_cluster = cache.cluster_of_identities()
        # As they are now: while an inspection runs, a Namespace may come or go.
        self.namespaces = list(cache.namespaces)

    @property
    def contents(self) -> Iterator[object]:
        """All that is kept of many Namespaces, to be dropped in the end."""
        yield from (self.snapshot.policies, self._own, self.overruling)
        yield from self.places.contents

    @property
    def identity_labels(self) -> IdentityLabels | None:
        """Which labels of pods selectors can see here; None: not known."""
        config = self.cache.cilium.config
        return config.identity_labels if config is not None else None

    def sort(self) -> Iterator[None]:
        """Sorts what all checks look things up in; in steps, as they go."""
        for name in self.namespaces:
            labels = self.cache.namespaces.labels(name) or {}
            self.places.add(name, labels, self.snapshot.pods.get(name, ()))
            yield None
        for name, policies in self.snapshot.policies.items():
            for policy in policies:
                if policy.may_overrule:
                    for selected in [name] if name else self.selected_by(policy):
                        self.overruling[selected].append(policy)
                        yield None

    def selected_by(self, policy: ReadPolicy) -> list[str]:
        """The namespaces of which a clusterwide policy may select pods."""
        subjects = dict.fromkeys(rule.subject for rule in policy.rules)
        places = (name for subject in subjects for name in self.places.of_subject(subject))
        return list(dict.fromkeys(places))

    def is_platform(self, namespace: str) -> bool:
        """It is one of the platform namespaces."""
        intent = self.cache.intents.get(namespace)
        return intent is not None and intent.platform

    def is_target(self, namespace: str) -> bool:
        """The operator may write policies there for the sake of other namespaces."""
        if namespace in self._gateways or self.cache.intents.serves_others(namespace):
            return True
        catalogue = self.cache.catalogue
        return bool(catalogue.resources_in(namespace) or self.cache.resources_led_by(namespace))

    def own(self, namespace: str) -> tuple[ReadPolicy, ...]:
        """The operator's policies in a namespace; "": the clusterwide ones."""
        known = self._own.get(namespace)
        if known is None:
            known = self._own[namespace] = tuple(self._standing(self._planned(namespace)))
        return known

    def plans(self, key: PolicyKey) -> bool:
        """The operator wants a policy of this name to be there, whether it is or not."""
        return any(policy.key == key for policy in self._planned(key.namespace))

    def selecting(self, namespace: str) -> tuple[ReadPolicy, ...]:
        """All policies that may select pods of a namespace, the operator's among them."""
        return (*self.snapshot.selecting(namespace), *self.own(namespace), *self.own(""))

    def pods(self, namespace: str) -> tuple[Pod, ...]:
        """The pods of a namespace that a policy can hold, replicas as one."""
        labels = self.cache.namespaces.labels(namespace)
        seen = self.identity_labels
        return tuple(
            Pod(namespace, labels, each, identity_labels=seen)
            for each in self.snapshot.pods.get(namespace, ())
        )

    def _planned(self, namespace: str) -> Iterator[Policy]:
        cache, is_meshed = self.cache, self.cache.namespaces.is_meshed
        waypoint_of = cache.namespaces.waypoint_of
        if not namespace:
            yield from cache.clusterwide_policies()
            return
        intent = cache.intents.get(namespace)
        if intent is not None:
            yield from cache.planner.namespace(intent, is_meshed, waypoint_of).policies
        for resource in cache.catalogue.resources_in(namespace):
            consumers = cache.intents.consumers(WorkKey(Scope.TARGET, resource))
            beside = cache.planner.target(resource, consumers, is_meshed, waypoint_of)
            if beside is not None:
                yield beside
        for resource in cache.resources_led_by(namespace):
            consumers = cache.intents.consumers(WorkKey(Scope.TARGET, resource))
            by_waypoint = cache.planner.waypoints.beside(
                resource, consumers, is_meshed, waypoint_of
            )
            yield from (each for each in by_waypoint if each.key.namespace == namespace)
        if namespace in self._gateways or cache.intents.serves_others(namespace):
            serving = cache.serving_waypoints()
            yield from (each for each in serving if each.key.namespace == namespace)
        if namespace in self._gateways:
            for key in GATEWAY_KEYS:
                consumers = cache.intents.consumers(key)
                yield from cache.planner.gateways.beside(
                    key, consumers, is_meshed, lambda name: name == namespace
                )

    def _standing(self, planned: Iterable[Policy]) -> Iterator[ReadPolicy]:
        for policy in planned:
            live = self.cache.policies.get(policy.key)
            if live is not None and not live.rejected and policy.key.kind in CILIUM_KINDS:
                yield self.read_own(policy)

    def read_own(self, policy: Policy) -> ReadPolicy:
        """Reads a policy of the operator's, as it is planned."""
        metadata = {"name": policy.key.name, "namespace": policy.key.namespace}
        read = read_policy({"kind": policy.key.kind, "metadata": metadata, **policy.body})
        return read if self._own_cluster is None else in_cluster(read, self._own_cluster)


def in_force(snapshot: Snapshot, config: AgentConfig | None) -> Snapshot:
    """A snapshot without the kinds of policies that Cilium is not configured to read."""
    if config is None:
        return snapshot
    unread = {
        kind
        for kind, is_read in (
            (NETWORK_POLICY, config.kubernetes_policies),
            (CNP, config.namespaced_policies),
            (CCNP, config.clusterwide_policies),
            (CLUSTER_NETWORK_POLICY, config.cluster_network_policies),
        )
        if not is_read
    }
    everywhere = not unread.isdisjoint({NETWORK_POLICY, CNP})
    policies = {
        namespace: [policy for policy in found if policy.ref.kind not in unread]
        if everywhere or not namespace
        else found
        for namespace, found in snapshot.policies.items()
    }
    return dataclasses.replace(snapshot, policies=policies)


# Yields what it finds, and None where the event loop may turn: no step is long.
Check = Callable[[Inspection], Iterator[Finding | None]]
