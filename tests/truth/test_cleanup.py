"""While everything of the operator's goes, Cilium denies nothing that it allows before and after.

Random worlds, with policies of others that deny in some of their namespaces, and with rules in ours
that only templates of people's own have. After each single write the engine is asked again.
"""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from homelab_netpol.cleanup.ownership import ManagedPolicy, classify
from homelab_netpol.cleanup.plan import deletions, rewrites
from homelab_netpol.policy.default_deny import without_default_deny
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import LabelKeys, as_object
from lab.control_plane import Engine, Flow
from tests.dice import seeded
from tests.worlds.flows import pick
from tests.worlds.judge import as_flow
from tests.worlds.oracle import Oracle
from tests.worlds.peers import Pods
from tests.worlds.random_worlds import random_world
from tests.worlds.rendered import people, policies_of
from tests.worlds.world import HandMade, Rule, World

WORLDS = int(os.environ.get("CLEANUP_WORLDS", "25"))
SEED = os.environ.get("CLEANUP_SEED", "1")
_TRIES, _FLOWS = 300, 60
_KEYS = LabelKeys("network-policy.homelab")
_WORLD = {"fromEntities": ["world"]}

Object = Mapping[str, Any]
Objects = dict[PolicyKey, Object]


@dataclass(frozen=True)
class Home:
    """A world before anything is removed.

    Attributes:
        world: people and namespaces.
        ours: the operator's policies, as the API server has them.
        stuck: one that Cilium rejects; its agents hold the version before, until it is deleted.
    """

    world: World
    ours: Objects
    stuck: PolicyKey | None


@dataclass
class Seen:
    """What the engine says of each flow.

    Attributes:
        passing: those that pass.
        plain: those of them whose requests no proxy looks into.
        halves: the halves, of all flows, that are not denied.
    """

    passing: set[Flow]
    plain: set[Flow]
    halves: set[tuple[str, Flow]]


@dataclass
class Tally:
    """What came of all worlds."""

    states: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def random_home(dice: Random) -> Home:
    """A world in which the operator has done its work."""
    world = random_world(dice)
    by_others = tuple(
        HandMade("by-hand", name, (Rule((Pods(own=True),)),), _some(dice, Rule((Pods(own=True),))))
        for name in world.spaces
        if dice.random() < 0.2 and not any(each.namespace == name for each in world.hand_made)
    )
    world = replace(world, hand_made=(*world.hand_made, *by_others))
    ours: Objects = {}
    for number, policy in enumerate(policies_of(world)):
        found = copy.deepcopy(as_object(policy))
        found["metadata"] |= {
            "uid": f"uid-{number}",
            "resourceVersion": "1",
            "labels": dict(policy.labels),
        }
        ours[policy.key] = found
    rule_sets = [
        rules
        for found in ours.values()
        for rules in ([found["spec"]] if "spec" in found else found["specs"])
    ]
    _as_people_write(dice, rule_sets)
    # One that denies by rules and is rejected as well can only go at once: then what others of ours
    # allow may pass for a moment.
    denying = [
        key
        for key, found in ours.items()
        if without_default_deny(found) and "ingressDeny" not in str(found)
    ]
    stuck = dice.choice(denying) if denying and dice.random() < 0.3 else None
    return Home(world, ours, stuck)


def _some(dice: Random, rule: Rule) -> tuple[Rule, ...]:
    return (rule,) if dice.random() < 0.5 else ()


def _as_people_write(dice: Random, rule_sets: Sequence[dict[str, Any]]) -> None:
    """What templates of their own may say; rules that deny in one of them at the most."""
    if dice.random() < 0.5:
        dice.choice(rule_sets).setdefault("ingressDeny", [_WORLD])
    for rules in rule_sets:
        if dice.random() < 0.1 and not rules.get("egress"):
            rules["egress"] = []
        if dice.random() < 0.1 and "enableDefaultDeny" not in rules:
            rules["enableDefaultDeny"] = {"ingress": True}


def removal(dice: Random, home: Home, *, rewriting: bool) -> Iterator[tuple[str, Objects]]:
    """What is written, one after the other, and what Cilium then holds."""
    managed = [_judged(key, found, key == home.stuck) for key, found in home.ours.items()]
    standing = dict(home.ours)
    for writes in rewrites(managed) if rewriting else ():
        for write in dice.sample(writes, len(writes)):
            key, body = write.managed.live.key, write.change(write.managed.body)
            if body is not None and key != home.stuck:
                standing = {**standing, key: {**standing[key], **body}}
            yield f"rewrite {key}", standing
    for step in deletions(managed):
        for each in dice.sample(step, len(step)):
            standing = {k: v for k, v in standing.items() if k != each.live.key}
            yield f"delete {each.live.key}", standing


def _judged(key: PolicyKey, found: Object, stuck: bool) -> ManagedPolicy:
    condition = {"type": "Valid", "status": "False", "message": "rejected"}
    status = {"status": {"conditions": [condition]}} if stuck else {}
    managed = classify(key.kind, {**found, **status}, _KEYS)
    assert isinstance(managed, ManagedPolicy), key
    return managed


def look(engine: Engine, home: Home, objects: Objects, flows: Sequence[Flow]) -> Seen:
    """What passes with these policies of ours, beside those of others."""
    of_others = [each.manifest() for each in home.world.hand_made]
    rejected = engine.policies([*objects.values(), *of_others])
    assert not rejected, f"Cilium rejects {rejected}"
    seen = Seen(set(), set(), set())
    for flow, verdict in zip(flows, engine.verdicts(flows), strict=True):
        if verdict.allowed:
            seen.passing.add(flow)
            if "http" not in (verdict.egress_proxy, verdict.ingress_proxy):
                seen.plain.add(flow)
        for direction, half in (("egress", verdict.egress), ("ingress", verdict.ingress)):
            if half != "denied":
                seen.halves.add((direction, flow))
    return seen


def judge_removal(
    engine: Engine, home: Home, dice: Random, tally: Tally, *, rewriting: bool = True
) -> None:
    """Asks about the flows of one world after every write."""
    people(engine, home.world)
    expected = pick(Oracle(home.world), dice, _TRIES, _FLOWS)
    flows = list({as_flow(each) for each in expected})
    before, after = look(engine, home, home.ours, flows), look(engine, home, {}, flows)
    tally.kinds.update(_kinds(home))
    for what, standing in removal(dice, home, rewriting=rewriting):
        now = look(engine, home, standing, flows)
        tally.states += 1
        denied = (before.passing & after.passing) - now.passing
        denied |= (before.plain & after.plain) - now.plain
        # Of the whole flow that is not true: one end may open before the permission at the other,
        # where somebody else denies, is deleted.
        opened = now.halves - before.halves - after.halves
        tally.wrong += [f"after {what}, {flow} is denied" for flow in denied]
        tally.wrong += [f"after {what}, {half} is open" for half in opened]


def _kinds(home: Home) -> Iterator[str]:
    """What is there to be removed, so that nobody believes in a test of nothing."""
    for key, found in home.ours.items():
        yield f"{key.kind} {found['metadata']['labels'][_KEYS.component]}"
        if "ingressDeny" in str(found):
            yield "rules that deny"
        exclusive = found.get("spec", {}).get("enableDefaultDeny") == {
            "ingress": True,
            "egress": False,
        }
        if exclusive:
            yield "exclusive"
        if key.kind is Kind.CNP and any(h.namespace == key.namespace for h in home.world.hand_made):
            yield "beside others"
    if home.stuck is not None:
        yield "rejected"


def test_nothing_is_denied_on_the_way_that_is_allowed_before_and_after_and_nothing_opened(
    engine: Engine,
) -> None:
    tally = Tally()
    for number in range(WORLDS):
        dice = seeded(f"cleanup {SEED}/{number}")
        judge_removal(engine, random_home(dice), dice, tally)
    assert not tally.wrong, "\n".join([f"CLEANUP_SEED={SEED}", *tally.wrong[:5]])
    for kind in (
        *("CiliumNetworkPolicy profile", "CiliumNetworkPolicy access", "CiliumNetworkPolicy grant"),
        *("CiliumNetworkPolicy hatch", "CiliumClusterwideNetworkPolicy baseline"),
        *("exclusive", "beside others", "rejected", "rules that deny"),
    ):
        assert tally.kinds[kind], f"no world had {kind}: {tally.kinds}"
    assert tally.states > 20 * WORLDS


def test_deleting_without_the_first_step_would_be_noticed(engine: Engine) -> None:
    for number in range(100):
        dice, tally = seeded(f"cleanup {SEED}/{number}"), Tally()
        judge_removal(engine, random_home(dice), dice, tally, rewriting=False)
        if any("is denied" in each for each in tally.wrong):
            return
    pytest.fail("nothing was denied in between")
