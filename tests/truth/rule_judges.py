"""Who decides whether a rule is rejected: the API server by its schema, and Cilium by its engine.

Cilium only ever sees what the API server has stored: without fields that it does not know, without
nulls, with defaults. So that is what the engine is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.control_plane import Engine
from lab.control_plane.api import Answer, Api

_POLICIES = "/apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies"
_HEAD = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
_RULES_PER_REQUEST = 200
_PLACE = re.compile(r"specs\[(\d+)\]")


@dataclass
class Answers:
    """What the API server says of some rules, by their numbers.

    Attributes:
        stored: the rules that it takes, as it would store them.
        refused: why it does not take the others.
    """

    stored: dict[int, Any] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def ask_api_server(api: Api, rules: Sequence[Any]) -> Answers:
    """Asks by the schema of Cilium's CRD, writing nothing.

    It is asked for many rules at once: one policy has them all as its `specs`, and the answer lists
    every mistake with its place.
    """
    answers = Answers()
    for start in range(0, len(rules), _RULES_PER_REQUEST):
        numbered = dict(enumerate(rules[start : start + _RULES_PER_REQUEST], start))
        answer = _try(api, numbered)
        if answer.status != 201:
            refused = _refused(answer, list(numbered))
            answers.refused |= refused
            numbered = {n: rule for n, rule in numbered.items() if n not in refused}
            answer = _try(api, numbered)
        assert answer.status == 201, answer.text
        answers.stored |= dict(zip(numbered, answer.json()["specs"], strict=True))
    return answers


def rejected_by_cilium(engine: Engine, rules: Mapping[int, Any]) -> dict[int, str]:
    """The rules that Cilium rejects, each as a policy of its own, and why."""
    rejections = engine.policies([policy(str(number), rule) for number, rule in rules.items()])
    engine.policies([])
    return {int(rejection.namespace): rejection.error for rejection in rejections}


def policy(namespace: str, rule: Any) -> dict[str, Any]:
    """A policy of one rule, in a namespace."""
    return {**_HEAD, "metadata": {"name": "random", "namespace": namespace}, "spec": rule}


def _try(api: Api, rules: Mapping[int, Any]) -> Answer:
    policy = {**_HEAD, "metadata": {"name": "checked"}, "specs": list(rules.values())}
    return api.request("POST", f"{_POLICIES}?dryRun=All", policy)


def _refused(answer: Answer, numbers: list[int]) -> dict[int, str]:
    assert answer.status == 422, answer.text
    refused: dict[int, str] = {}
    for cause in answer.json()["details"]["causes"]:
        # A mistake in a oneOf or anyOf has its place in the message only.
        mistake = f"{cause['field']}: {cause['message']}"
        place = _PLACE.search(mistake)
        if place is None and "some validation rules were not checked" in mistake:
            continue  # said of the whole policy once something else is wrong with it
        assert place, f"a mistake of which rule? {cause}"
        refused.setdefault(numbers[int(place[1])], mistake)
    return refused
