"""What `explain` answers and proposes, against Cilium's engine: never a wrong yes or no."""

from __future__ import annotations

import os
from collections import Counter

from homelab_netpol.access.ends import Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.explain_judge import Judge, Reply
from homelab_netpol.access.fixes import Trials, moved
from homelab_netpol.access.fixes_search import find_fixes
from lab.control_plane import Engine
from tests.truth.explained_world import differing, engine_allows, names_of, random_model
from tests.truth.random_policies import PORTS, Generator

SEED = os.environ.get("VERDICT_SEED", "1")
WORLDS = int(os.environ.get("EXPLAIN_WORLDS", "40"))
QUESTIONS = 12
OTHERS = (
    *("internet", "host", "remote-node", "health", "203.0.113.7", "192.168.1.10"),
    *("internal", "database", "shop", "postgres"),
)


def test_no_certain_answer_differs_from_the_engines_at_either_end(engine: Engine) -> None:
    replies: Counter[Reply] = Counter()
    for number in range(WORLDS):
        generator = Generator(f"{SEED}/explain/{number}")
        model = random_model(engine, generator)
        finder, judge, chance = EndFinder(model), Judge(model), generator.random
        pods = names_of(model)
        for _ in range(QUESTIONS):
            pair = [chance.choice(pods), chance.choice([*pods, *OTHERS])]
            chance.shuffle(pair)
            port = Ports.one(chance.choice(PORTS), chance.choice(("TCP", "TCP", "UDP")))
            ruling = judge.rule(finder.find(pair[0]), finder.find(pair[1]), [port])
            replies[ruling.reply] += 1
            wrong = differing(engine, model, ruling)
            assert not wrong, f"VERDICT_SEED={SEED} world {number}, {pair}: {wrong[0]}"
    engine.policies([])
    assert replies[Reply.YES] > WORLDS
    assert replies[Reply.NO] > WORLDS
    assert replies[Reply.UNKNOWN] < WORLDS * QUESTIONS / 4, replies


def test_what_is_proposed_makes_the_engine_pass_it(engine: Engine) -> None:
    tried: Counter[str] = Counter()
    for number in range(WORLDS):
        generator = Generator(f"{SEED}/fixes/{number}")
        model = random_model(engine, generator)
        finder, chance = EndFinder(model), generator.random
        others = ["internal", "internet", "postgres", "shop/1", "203.0.113.7", "database/0"]
        pair = ["shop/0", chance.choice(others)]
        chance.shuffle(pair)
        port = Ports.one(chance.choice((80, 443, 5432, 8080)))
        ruling = Judge(model).rule(finder.find(pair[0]), finder.find(pair[1]), [port])
        if ruling.reply is not Reply.NO:
            continue
        fixes = find_fixes(model, finder, ruling)
        for fix in (fixes.best, fixes.narrower):
            if fix is None:
                tried["none"] += 1
                continue
            after = Trials(model).after(fix.change)
            source, target = moved(ruling.source, after), moved(ruling.target, after)
            said = f"VERDICT_SEED={SEED} world {number}, {pair} on {port}: {fix.change}"
            # Of the internet the engine is asked as `world`, which a rule on addresses is not.
            if pair.count("internet") and not fix.change.settings:
                continue
            assert engine_allows(engine, after, source, target, port), said
            kind = "deny" if fix.change.undenied else "objects" if fix.change.objects else "labels"
            tried[kind] += 1
    engine.policies([])
    assert tried["labels"] > WORLDS / 10, tried
    assert tried["objects"] > WORLDS / 20, tried
    assert tried["deny"] > WORLDS / 40, tried
