"""The rules that a verdict names are those that decide: without them, Cilium's engine differs."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

from homelab_netpol.cilium.evaluation import (
    DirectionVerdict,
    Outcome,
    Pod,
    RulePlace,
    egress_verdict,
    in_surroundings,
    ingress_verdict,
    read_policy,
)
from homelab_netpol.cilium.evaluation.policy import PolicyRef
from lab.control_plane import Engine
from tests.truth.agent_steps import resolved
from tests.truth.random_around import GeneratorAround
from tests.truth.verdict_world import World

WORLDS = 400
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")


def without(manifests: Iterable[Any], places: Iterable[RulePlace]) -> list[Any]:
    """The policies with nothing in the place of some rules; what they close stays closed."""
    left = copy.deepcopy(list(manifests))
    for ref, place in places:
        [policy] = [one for one in left if _ref(one) == ref]
        *way, (last, number) = _STEP.findall(place)
        node = policy
        for key, index in way:
            node = node[key][int(index)] if index else node[key]
        node[last][int(number)] = {}
    return left


def _ref(manifest: Any) -> PolicyRef:
    metadata = manifest["metadata"]
    return PolicyRef(manifest["kind"], metadata.get("namespace", ""), metadata["name"])


def test_without_the_rules_that_are_named_a_connection_passes_no_more_or_again(
    engine: Engine,
) -> None:
    tried = dict.fromkeys(("allowed", "denied"), 0)
    for number in range(WORLDS):
        generator = GeneratorAround(f"rules/{number}")
        world = World.make(engine, generator)
        for flow in world.flows(generator)[:12]:
            for own, peer, ask, way in (
                (flow.target, flow.source, ingress_verdict, "ingress"),
                (flow.source, flow.target, egress_verdict, "egress"),
            ):
                pod, end = world.endpoint(own, "all"), world.endpoint(peer, "all")
                if not isinstance(pod, Pod):
                    continue
                answer = ask(world.informed, pod, end, flow.port, flow.protocol)
                if not _is_of_cilium(answer):
                    continue
                left = without(world.manifests, answer.rules)
                changed = [resolved(one, world.services) for one in left]
                engine.policies(changed)
                [verdict] = engine.verdicts([flow])
                after = ask(
                    [in_surroundings(read_policy(one), world.around) for one in left],
                    pod,
                    end,
                    flow.port,
                    flow.protocol,
                )
                if after.outcome is Outcome.UNKNOWN:
                    continue
                said = getattr(verdict, way)
                wrong = f"world {number}, {flow}, {way}: {answer.rules}\n  {world.manifests}"
                assert said == after.outcome.value, wrong
                if answer.outcome is Outcome.ALLOWED:
                    # It may be that nothing closes, or that a later tier allows it.
                    assert {ref.kind for ref in after.policies} <= {"ClusterNetworkPolicy"} or (
                        said == "denied"
                    ), wrong
                else:
                    assert not after.by_deny_rule, wrong
                tried[answer.outcome.value] += 1
    engine.policies([])
    assert min(tried.values()) > WORLDS // 8, tried


def _is_of_cilium(answer: DirectionVerdict) -> bool:
    """Its rules can be taken out one by one: they decide, and `{}` is no rule to their kind."""
    by_rule = answer.by_deny_rule or answer.outcome is Outcome.ALLOWED
    kinds = {ref.kind for ref in answer.policies}
    return (
        by_rule
        and bool(kinds)
        and kinds
        <= {
            "CiliumNetworkPolicy",
            "CiliumClusterwideNetworkPolicy",
        }
    )
