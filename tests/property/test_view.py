"""The operator's memory of the cluster does not depend on the order in which news arrives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Scope, WorkKey
from homelab_netpol.reconcile.view import ClusterView
from homelab_netpol.settings import Settings

CATALOGUE = Catalogue(Settings())
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


def tell(view: ClusterView, name: str, labels: dict[str, str] | None, version: int) -> None:
    if labels is None:
        view.forget_namespace(name, version)
    else:
        view.observe_namespace(view.read_namespace(manifest(name, labels, version)))


def state(view: ClusterView) -> object:
    resources = CATALOGUE.vocabulary.resources
    return (
        sorted(view.namespace_names()),
        sorted(view.intents(), key=lambda intent: intent.namespace),
        {name: view.consumers(WorkKey(Scope.TARGET, name)) for name in resources},
    )


@settings(deadline=None, max_examples=200)
@given(_LIVES, st.randoms(use_true_random=False), st.booleans())
def test_any_order_of_watches_and_lists_ends_in_the_same_memory(
    lives: list[tuple[str, dict[str, str] | None]], shuffle: Any, listed: bool
) -> None:
    news = [(name, labels, version) for version, (name, labels) in enumerate(lives, start=1)]
    ordered = ClusterView(CATALOGUE, lambda: NOON)
    for item in news:
        tell(ordered, *item)

    shuffled = ClusterView(CATALOGUE, lambda: NOON)
    mixed = news + shuffle.sample(news, k=len(news) // 2)
    shuffle.shuffle(mixed)
    for item in mixed:
        tell(shuffled, *item)
    if listed:
        final = {name: (labels, version) for name, labels, version in news}
        present = [
            shuffled.read_namespace(manifest(name, labels, version))
            for name, (labels, version) in final.items()
            if labels is not None
        ]
        shuffled.replace_namespaces(present, version=len(news) + 1)
    assert state(shuffled) == state(ordered)


@settings(deadline=None, max_examples=200)
@given(_LIVES)
def test_consumers_are_the_granted_and_the_hatched(
    lives: list[tuple[str, dict[str, str] | None]],
) -> None:
    """The rule of the design, straight from the labels that stand in the end."""
    view = ClusterView(CATALOGUE, lambda: NOON)
    final: dict[str, dict[str, str] | None] = {}
    for version, (name, labels) in enumerate(lives, start=1):
        tell(view, name, labels, version)
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
        assert view.consumers(WorkKey(Scope.TARGET, resource)) == expected


@settings(deadline=None, max_examples=200)
@given(_LIVES, _LIVES)
def test_a_change_asks_only_for_what_it_can_affect(
    before: list[tuple[str, dict[str, str] | None]], after: list[tuple[str, dict[str, str] | None]]
) -> None:
    """Another namespace is looked at only if it consumes a resource of the one that changed."""
    view = ClusterView(CATALOGUE, lambda: NOON)
    version = 0
    for name, labels in before:
        version += 1
        tell(view, name, labels, version)
    for name, labels in after:
        version += 1
        if labels is None:
            requests = view.forget_namespace(name, version)
        else:
            observed = view.read_namespace(manifest(name, labels, version))
            requests = view.observe_namespace(observed)
        for key in requests:
            if key.scope == "namespace" and key.name != name:
                assert name == "database"
                assert key.name in view.consumers(WorkKey(Scope.TARGET, "postgres"))
