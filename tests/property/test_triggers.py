"""What is cached does not depend on the order in which watches and lists show it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Scope, WorkKey
from homelab_netpol.reconcile.requests import Requests
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import Settings

# What is lost is lost at once: the grace has tests of its own.
CATALOGUE = Catalogue(Settings(label_grace_seconds=0))
D = "network-policy.homelab"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

# A life of a few namespaces: each entry is a state that the API server stored, None for deleted.
_LABELS = st.fixed_dictionaries(
    {},
    optional={
        f"{D}/profile": st.sampled_from(["isolated", "standard"]),
        f"{D}/enforcement": st.sampled_from(["disabled", "enabled"]),
        f"access.{D}/postgres": st.sampled_from(["true", "false"]),
        f"access.{D}/dragonfly": st.just("true"),
        "istio.io/dataplane-mode": st.just("ambient"),
        "team": st.sampled_from(["a", "b"]),
    },
)
_LIVES = st.lists(
    st.tuples(st.sampled_from(["app", "shop", "database"]), st.none() | _LABELS), max_size=12
)


def manifest(name: str, labels: dict[str, str] | None, version: int) -> dict[str, Any]:
    metadata = {"name": name, "uid": name, "resourceVersion": str(version), "labels": labels or {}}
    return {"metadata": metadata}


class Known:
    """The caches, and what keeps them up to date."""

    def __init__(self) -> None:
        self.cache = ClusterCache(CATALOGUE)
        self.triggers = Triggers(self.cache, lambda: NOON)

    def see(self, name: str, labels: dict[str, str] | None, version: int) -> Requests:
        """A watch shows a state."""
        if labels is None:
            return self.triggers.namespace_deleted(name, version)
        observed = self.cache.namespaces.read(manifest(name, labels, version))
        return self.triggers.namespace_observed(observed)

    def consumers(self, resource: str) -> frozenset[str]:
        """The Namespaces that a shared resource lets in."""
        return frozenset(self.cache.intents.consumers(WorkKey(Scope.TARGET, resource)))

    def state(self) -> object:
        """All that policies follow from."""
        resources = CATALOGUE.vocabulary.resources
        return (
            sorted(self.cache.namespaces),
            sorted(self.cache.intents, key=lambda intent: intent.namespace),
            {name: self.consumers(name) for name in resources},
        )


@settings(max_examples=200)
@given(_LIVES, st.randoms(use_true_random=False), st.booleans())
def test_any_order_of_watches_and_lists_ends_in_the_same_state(
    lives: list[tuple[str, dict[str, str] | None]], shuffle: Any, listed: bool
) -> None:
    news = [(name, labels, version) for version, (name, labels) in enumerate(lives, start=1)]
    ordered = Known()
    for item in news:
        ordered.see(*item)

    shuffled = Known()
    mixed = news + shuffle.sample(news, k=len(news) // 2)
    shuffle.shuffle(mixed)
    for item in mixed:
        shuffled.see(*item)
    if listed:
        final = {name: (labels, version) for name, labels, version in news}
        present = [
            shuffled.cache.namespaces.read(manifest(name, labels, version))
            for name, (labels, version) in final.items()
            if labels is not None
        ]
        names = {observed.facts.name for observed in present}
        shuffled.triggers.namespaces_listed(names, present, version=len(news) + 1)
    assert shuffled.state() == ordered.state()


@settings(max_examples=200)
@given(_LIVES)
def test_consumers_are_the_granted_and_the_hatched(
    lives: list[tuple[str, dict[str, str] | None]],
) -> None:
    """The rule of the design, straight from the labels that stand in the end."""
    known = Known()
    final: dict[str, dict[str, str] | None] = {}
    for version, (name, labels) in enumerate(lives, start=1):
        known.see(name, labels, version)
        final[name] = labels
    for resource in ("postgres", "dragonfly", "garage-s3"):
        expected = {
            name
            for name, labels in final.items()
            if labels is not None
            and (
                labels.get(f"access.{D}/{resource}") == "true"
                or labels.get(f"{D}/enforcement") == "disabled"
            )
        }
        assert known.consumers(resource) == expected


@settings(max_examples=200)
@given(_LIVES, _LIVES)
def test_a_change_asks_only_for_what_it_can_affect(
    before: list[tuple[str, dict[str, str] | None]], after: list[tuple[str, dict[str, str] | None]]
) -> None:
    """Another namespace is looked at only if it consumes a resource of the one that changed."""
    known = Known()
    version = 0
    for name, labels in before:
        version += 1
        known.see(name, labels, version)
    for name, labels in after:
        version += 1
        requests = known.see(name, labels, version)
        for key in requests:
            if key.scope == "namespace" and key.name != name:
                assert name == "database"
                assert key.name in known.consumers("postgres")
