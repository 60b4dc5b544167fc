"""Istio's policies go one by one, and no state on the way denies what passes before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from homelab_netpol.cleanup.ownership import ManagedPolicy, classify
from homelab_netpol.cleanup.plan import deletions, rewrites
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import LabelKeys

KEYS = LabelKeys("network-policy.homelab")
NAMES = ("homelab-mesh", "homelab-escape-hatch", "homelab-grant-a", "homelab-grant-b")
# Selectors of which one is wider than the other, or no pod has both.
SELECTORS: tuple[dict[str, str], ...] = (
    {},
    {"app": "pg"},
    {"app": "pg", "role": "a"},
    {"app": "x"},
)
PODS: tuple[dict[str, str], ...] = (*SELECTORS, {"app": "pg", "role": "b"}, {"other": "y"})
PEERS = ("monitoring", "web", "batch", "team")

Spec = dict[str, Any]


def rule(peer: str) -> Spec:
    return {"from": [{"source": {"namespaces": [peer]}}]}


specs: st.SearchStrategy[Spec] = st.builds(
    lambda selector, peers, everybody: {
        "selector": {"matchLabels": selector},
        "action": "ALLOW",
        "rules": [{}] if everybody else [rule(peer) for peer in peers],
    },
    st.sampled_from(SELECTORS),
    st.lists(st.sampled_from(PEERS), unique=True, max_size=3),
    st.booleans(),
)
ours = st.dictionaries(st.sampled_from(NAMES), specs, min_size=1)
of_others = st.lists(specs, max_size=2)


def admits(specs: Iterable[Spec], pod: dict[str, str], peer: str) -> bool:
    """Istio's rule: what no policy selects is open; else one of those that do must allow it."""
    selecting = [s for s in specs if s["selector"]["matchLabels"].items() <= pod.items()]
    rules = [each for spec in selecting for each in spec["rules"]]
    return not selecting or {} in rules or rule(peer) in rules


def passing(specs: Sequence[Spec]) -> set[tuple[int, str]]:
    return {(i, peer) for i, pod in enumerate(PODS) for peer in PEERS if admits(specs, pod, peer)}


def managed(name: str, spec: Spec, namespace: str = "app") -> ManagedPolicy:
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": name,
        "resourceVersion": "1",
        "labels": {"app.kubernetes.io/managed-by": "homelab-netpol"},
    }
    found = classify(Kind.AUTHORIZATION, {"metadata": metadata, "spec": spec}, KEYS)
    assert isinstance(found, ManagedPolicy)
    return found


@given(ours, of_others, st.randoms(use_true_random=False))
def test_nothing_is_denied_on_the_way_nor_opened(
    mine: dict[str, Spec], others: list[Spec], dice: Any
) -> None:
    found = [managed(name, spec) for name, spec in mine.items()]
    standing = dict(mine)
    before, after = passing([*mine.values(), *others]), passing(others)
    for writes in rewrites(found):
        for write in dice.sample(writes, len(writes)):
            body = write.change(write.managed.body)
            assert body is not None
            standing[write.managed.live.key.name] = body["spec"]
            # Whom it lets in does not change at all: so it may stop here for as long as it likes.
            assert passing([*standing.values(), *others]) == before
    for step in deletions(found):
        for each in dice.sample(step, len(step)):
            del standing[each.live.key.name]
            now = passing([*standing.values(), *others])
            assert before & after <= now <= before | after
    assert not standing


def test_deleting_them_as_they_stand_would_be_noticed() -> None:
    wide = {"selector": {"matchLabels": {}}, "rules": [rule("monitoring")]}
    narrow = {"selector": {"matchLabels": {"app": "pg"}}, "rules": [rule("web")]}
    before, after = passing([wide, narrow]), passing([])
    assert not before & after <= passing([wide])
    assert not before & after <= passing([narrow])


def test_a_second_run_writes_nothing_more() -> None:
    wide = {"selector": {"matchLabels": {}}, "action": "ALLOW", "rules": [rule("monitoring")]}
    narrow = {"selector": {"matchLabels": {"app": "pg"}}, "action": "ALLOW", "rules": [rule("web")]}
    found = [managed("homelab-mesh", wide), managed("homelab-grant-a", narrow)]
    [[write]] = rewrites(found)
    assert write.managed.live.key == PolicyKey(Kind.AUTHORIZATION, "app", "homelab-grant-a")
    body = write.change(narrow and {"spec": narrow})
    assert body == {"spec": {**narrow, "rules": [rule("web"), rule("monitoring")]}}
    assert rewrites([managed("homelab-mesh", wide), managed("homelab-grant-a", body["spec"])]) == []


def test_policies_of_other_namespaces_and_those_that_deny_are_left_as_they_are() -> None:
    allow = {"action": "ALLOW", "rules": [rule("web")]}
    deny = {"action": "DENY", "rules": [rule("team")]}
    here, there = managed("homelab-mesh", allow), managed("homelab-grant-a", allow, "other")
    assert rewrites([here, there, managed("homelab-grant-b", deny)]) == []
