"""What each Namespace wants, as last read from its labels, and which shared policies list it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from homelab_netpol.intent import WHOLE, Intent
from homelab_netpol.policy.keys import WorkKey


def profiles_of(intent: Intent | None) -> set[str]:
    """The profile that a Namespace uses: in force, or retained."""
    if intent is None:
        return set()
    return {name for name in (intent.profile, intent.retained_profile) if name is not None}


class IntentCache:
    """Intents by Namespace; and the consumers of each shared resource and of each gateway."""

    def __init__(self, shared: Iterable[WorkKey]) -> None:
        """Makes an empty cache.

        Args:
            shared: the keys whose policies list their consumers.
        """
        self._intents: dict[str, Intent] = {}
        self._holders: dict[str, set[str]] = {}
        self._consumers: dict[WorkKey, dict[str, str]] = {key: {} for key in shared}
        self._waypoints_elsewhere: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many Namespaces have one."""
        return len(self._intents)

    def __iter__(self) -> Iterator[Intent]:
        """All intents."""
        return iter(self._intents.values())

    def get(self, namespace: str) -> Intent | None:
        """What a Namespace wants; None when it does not exist."""
        return self._intents.get(namespace)

    def put(self, intent: Intent) -> None:
        """Replaces what a Namespace wants."""
        known = self._intents.get(intent.namespace)
        self._intents[intent.namespace] = intent
        self._count_waypoint(known, -1)
        self._count_waypoint(intent, 1)
        self._move(intent.namespace, known.grants if known is not None else (), intent.grants)

    def pop(self, namespace: str) -> Intent | None:
        """Forgets a Namespace; what it wanted."""
        known = self._intents.pop(namespace, None)
        self._count_waypoint(known, -1)
        self._move(namespace, known.grants if known is not None else (), ())
        return known

    def serves_others(self, namespace: str) -> bool:
        """Another Namespace's waypoint is in that one."""
        return self._waypoints_elsewhere[namespace] > 0

    def using_profile(self, names: Collection[str]) -> list[str]:
        """The Namespaces in which one of these profiles is in force, or retained."""
        wanted = set(names)
        return sorted(i.namespace for i in self if not wanted.isdisjoint(profiles_of(i)))

    def holding_grant(self, resource: str) -> list[str]:
        """The Namespaces that hold a grant on a shared resource, and may."""
        return sorted(self._holders.get(resource, ()))

    def holding_by_value(self, resource: str) -> dict[str, list[str]]:
        """The same, by the value of their labels."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.holding_grant(resource):
            found[self._intents[name].grant_values.get(resource, WHOLE)].append(name)
        return dict(sorted(found.items()))

    def using_resource(self, resource: str) -> list[str]:
        """The Namespaces whose grant on a shared resource is in force, or retained."""
        return sorted(
            intent.namespace
            for intent in self
            if resource in intent.grants or resource in intent.retained_grants
        )

    def refused(self, resource: str) -> list[str]:
        """The Namespaces that ask for a shared resource and may not."""
        return sorted(intent.namespace for intent in self if resource in intent.refused_grants)

    def retains_grant(self, resource: str) -> bool:
        """Some Namespace's grant on a resource is kept though the resource is not usable now."""
        return any(resource in intent.retained_grants for intent in self)

    # Consumers

    def shared_keys(self) -> list[WorkKey]:
        """The keys whose policies list their consumers."""
        return list(self._consumers)

    def consumers(self, key: WorkKey) -> Mapping[str, str]:
        """The Namespaces that a shared resource lets in, or that a gateway reaches by the mesh.

        Each with the value of its grant: `WHOLE`, or which part of the resource it is on.
        """
        return dict(self._consumers.get(key, {}))

    def set_consumer(self, key: WorkKey, namespace: str, value: str | None) -> bool:
        """Adds a Namespace to a key's consumers, or takes it out (None).

        Returns:
            Whether that changed anything.
        """
        consumers = self._consumers[key]
        if consumers.get(namespace) == value:
            return False
        if value is None:
            del consumers[namespace]
        else:
            consumers[namespace] = value
        return True

    def set_consumers(self, key: WorkKey, consumers: Mapping[str, str] | None) -> None:
        """Replaces the consumers of a key; None: the key is no longer one."""
        if consumers is None:
            self._consumers.pop(key, None)
        else:
            self._consumers[key] = dict(consumers)

    def _move(self, namespace: str, before: Iterable[str], after: Iterable[str]) -> None:
        """Takes in which grants a Namespace had, and has."""
        for resource in before:
            self._holders[resource].discard(namespace)
        for resource in after:
            self._holders.setdefault(resource, set()).add(namespace)

    def _count_waypoint(self, intent: Intent | None, by: int) -> None:
        waypoint = intent.waypoint if intent is not None else None
        if intent is not None and waypoint is not None and waypoint.namespace != intent.namespace:
            self._waypoints_elsewhere[waypoint.namespace] += by
