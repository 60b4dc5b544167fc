"""Nothing that Cilium or the API server rejects gets past our checks, and little else is stopped.

Random rules go to the API server, then, as it stores them, to Cilium's engine, and to our checks.
For a longer run: HOMELAB_NETPOL_RANDOM_RULES=200000, and HOMELAB_NETPOL_SEED for other rules.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from homelab_netpol.cilium.validation import Nature, RuleProblem, check_body
from homelab_netpol.cilium.validation.fields import RULE
from homelab_netpol.cilium.validation.shapes import Choice, ListOf, MapOf, Object, Text, Whole
from homelab_netpol.policy.keys import Kind
from lab.control_plane import Cluster, Engine, EngineError, Flow, Identity, Lab
from tests.truth.random_rules import RandomRules
from tests.truth.rule_judges import ask_api_server, policy, rejected_by_cilium

SEED = int(os.environ.get("HOMELAB_NETPOL_SEED", "20261"))
COUNT = int(os.environ.get("HOMELAB_NETPOL_RANDOM_RULES", "5000"))
_RULES_AT_ONCE = 10_000
_PUT_IN_FORCE = COUNT // 5

# What we refuse although both would take it: why, and how such a problem reads.
ON_PURPOSE = {
    "the API server drops it, and what a mistyped field should narrow is open": ": no such field",
    "the API server drops it, so that what stands never equals what was written": ", not null",
    "the same, as it stores 8.0 as 8": r"must be a (whole number, not a|number from)",
    "Cilium takes it for everybody, nobody, or nothing at all": "(an empty list|has no ports: wr)",
    "the same: no ports, and no types of ICMP": r"\]: `(ports|fields)` is missing",
    "Cilium leaves the end of such a range out of account": r"\.endPort: ",
    "Cilium reads 0100 as 64, and 1_000 as 1000": r"\.port: .* without leading zeros",
    "no packet of ICMP has such a type": r"\.type: .* is not between 0 and 255",
    "only Cilium's proxy looks at it, and there it fails": r"\.host: is not an expression",
    "Cilium looks at it only when it looks for services": r"\.k8sServiceSelector\.",
    "there is no such Secret": r"TLS\.secret\.name: is empty",
    "likewise: RE2 in the proxy does not take the same name twice": "two groups are named",
    "Cilium takes it, and fails on each pod": "do not go together on one port",
    "Cilium takes an empty source in front of a colon here": r"\.cidrGroupSelector\..*label key",
    "versions of RE2 and Unicode differ": "(general category|cannot be printed|more than 1000)",
}
_ON_PURPOSE = re.compile("|".join(ON_PURPOSE.values()))


@dataclass(frozen=True)
class Judged:
    """One random rule: what we say of it, and why the API server or Cilium rejects it."""

    seed: int
    rule: Any
    problems: list[RuleProblem]
    rejected: str | None

    def __str__(self) -> str:
        ours = "; ".join(f"{p.path}: {p.message}" for p in self.problems) or "no problem"
        return f"seed {self.seed}\n  we say {ours}\n  they say {self.rejected}\n  {self.rule}"


@pytest.fixture(scope="module")
def judged(cluster: Cluster, engine: Engine) -> list[Judged]:
    """All random rules with the three verdicts."""
    return [
        judged for seed, count in _portions() for judged in _judge(cluster, engine, seed, count)
    ]


def _portions() -> Iterator[tuple[int, int]]:
    for number, start in enumerate(range(0, COUNT, _RULES_AT_ONCE)):
        yield SEED + number, min(_RULES_AT_ONCE, COUNT - start)


def _judge(cluster: Cluster, engine: Engine, seed: int, count: int) -> Iterator[Judged]:
    rules = RandomRules(seed).rules(count)
    answers = ask_api_server(cluster.api, rules)
    rejected = rejected_by_cilium(engine, answers.stored) | answers.refused
    for number, rule in enumerate(rules):
        yield Judged(seed, rule, check_body({"spec": rule}, Kind.CNP), rejected.get(number))


def test_what_cilium_or_the_api_server_rejects_is_never_written(judged: list[Judged]) -> None:
    missed = [one for one in judged if one.rejected and not one.problems]
    assert not missed, f"{len(missed)} of {len(judged)} are missed, such as\n{missed[0]}"


def test_what_both_take_is_refused_only_on_purpose(judged: list[Judged]) -> None:
    wrong = [
        one
        for one in judged
        if not one.rejected
        and any(not _ON_PURPOSE.search(f"{p.path}: {p.message}") for p in one.problems)
    ]
    assert not wrong, f"{len(wrong)} of {len(judged)} are stopped, such as\n{wrong[0]}"


def test_a_problem_is_only_called_a_rejection_where_it_is_one(judged: list[Judged]) -> None:
    # Of these two selectors Cilium takes more than the API server's schema says; see above.
    lax = {"k8sServiceSelector", "cidrGroupSelector"}
    wrong = [
        one
        for one in judged
        if not one.rejected
        and any(p.nature is Nature.REJECTED and not lax & set(p.steps) for p in one.problems)
    ]
    assert not wrong, f"{len(wrong)} of {len(judged)}, such as\n{wrong[0]}"
    natures = {problem.nature for one in judged for problem in one.problems}
    assert {Nature.REJECTED, Nature.DROPPED, Nature.EMPTY, Nature.MISREAD} <= natures


def test_what_passes_cilium_can_put_in_force(engine: Engine, judged: list[Judged]) -> None:
    # Rules that need a Secret or an Envoy of its own are left out: there is none in the engine.
    needs_more = re.compile("secret|listener", re.IGNORECASE)
    sound = [one for one in judged if not one.problems and not needs_more.search(str(one.rule))]
    sound = sound[:_PUT_IN_FORCE]
    names = [f"pod-{number}" for number in range(len(sound))]
    pods = {name: Identity.pod(name) for name in names}
    engine.identities({**pods, "world": Identity.entity("world")})
    try:
        rules = [{**one.rule, "endpointSelector": {}} for one in sound]
        assert (
            engine.policies([policy(n, rule) for n, rule in zip(names, rules, strict=True)]) == []
        )
        for name, one in zip(names, sound, strict=True):
            try:
                engine.verdicts([Flow(name, "world", 80), Flow("world", name, 80)])
            except EngineError as error:
                pytest.fail(f"{error}\n{one}", pytrace=False)
    finally:
        engine.policies([])
        engine.identities({})


def test_the_random_rules_are_worth_it(judged: list[Judged]) -> None:
    sound = sum(not one.problems for one in judged)
    rejected = sum(one.rejected is not None for one in judged)
    assert len(judged) == COUNT
    assert min(sound, rejected) > COUNT // 4, f"seed {SEED}: {sound} sound, {rejected} rejected"


@pytest.mark.parametrize(
    "check",
    [
        *("is not an address", "is not inside", "is not a label key", "is not a label value"),
        *("needs `values`", "is neither a number", "is missing", "is not possible", "must be a"),
        *("do not go together", "exactly one of", "is no type of ICMP", "RE2", "HTTP rules need"),
        *("DNS rules are for egress", "terminatingTLS", "none of ingress", "is not a DNS name"),
    ],
)
def test_without_one_of_the_checks_something_would_be_missed(
    check: str, judged: list[Judged]
) -> None:
    assert any(
        one.rejected and one.problems and all(check in problem.message for problem in one.problems)
        for one in judged
    )


def test_expressions_compile_for_us_when_they_compile_for_cilium(engine: Engine) -> None:
    expressions = RandomRules(SEED).expressions(COUNT)
    rules = {number: _rule_with_path(text) for number, text in enumerate(expressions)}
    rejected = rejected_by_cilium(engine, rules)
    for number, text in enumerate(expressions):
        problems = check_body({"spec": rules[number]}, Kind.CNP)
        theirs = rejected.get(number)
        assert problems or not theirs, f"seed {SEED}: {text!r} is missed: {theirs}"
        on_purpose = any(_ON_PURPOSE.search(problem.message) for problem in problems)
        assert theirs or not problems or on_purpose, f"seed {SEED}: {text!r}: {problems}"
    assert COUNT // 10 < len(rejected) < COUNT * 9 // 10


def _rule_with_path(path: str) -> dict[str, Any]:
    http = {"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{"path": path}]}}
    return {"endpointSelector": {}, "ingress": [{"toPorts": [http]}]}


@pytest.mark.parametrize("kind", [Kind.CNP, Kind.CCNP])
def test_the_fields_are_those_of_ciliums_schema(lab: Lab, kind: Kind) -> None:
    [definition] = [crd for crd in lab.policy_crds if crd["spec"]["names"]["kind"] == kind]
    [version] = definition["spec"]["versions"]
    body = version["schema"]["openAPIV3Schema"]["properties"]
    assert list(_differences(RULE, body["spec"], "spec")) == []
    assert list(_differences(RULE, body["specs"]["items"], "specs[]")) == []


def _differences(check: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """Where our fields are others than those of a schema. A field that we refuse is no shape."""
    if isinstance(check, Object):
        fields = schema.get("properties", {})
        if fields.keys() != check.fields.keys():
            yield f"{path}: other fields: {sorted(fields.keys() ^ check.fields.keys())}"
        if not set(schema.get("required", ())) <= set(check.required):
            yield f"{path}: {schema['required']} are required"
        for name in fields.keys() & check.fields.keys():
            yield from _differences(check.fields[name], fields[name], f"{path}.{name}")
    elif isinstance(check, ListOf):
        if schema["type"] != "array" or (check.most or 0) < schema.get("maxItems", 0):
            yield f"{path}: no such list"
        yield from _differences(check.item, schema["items"], f"{path}[]")
    elif isinstance(check, MapOf):
        yield from _differences(check.value, schema["additionalProperties"], f"{path}{{}}")
    elif isinstance(check, Choice):
        if set(schema.get("enum", ())) != check.words:
            yield f"{path}: other words: {sorted(set(schema.get('enum', ())) ^ check.words)}"
    elif isinstance(check, Whole):
        if (schema.get("minimum"), schema.get("maximum")) != (check.least, check.most):
            yield f"{path}: other bounds"
    elif isinstance(check, Text) and (schema["type"] != "string" or "enum" in schema):
        yield f"{path}: no free text"
