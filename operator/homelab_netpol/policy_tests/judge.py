"""Runs policy tests on a cluster's model: asks both ends of each pair that one is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.named_ends import End, UnknownEnd, named_ends
from homelab_netpol.cilium.evaluation import Direction, DirectionVerdict, Outcome, Pod, PolicyRef
from homelab_netpol.cilium.evaluation.verdict import Question, ask_about, judge, selected
from homelab_netpol.policy_tests.model import AskedPort, PolicyTest

_SHOWN_PAIRS = 3
# Two Namespaces of 300 workloads each are fewer; a test of more is not meant.
_MAX_PAIRS = 100_000


class Status(StrEnum):
    """What came of a test."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a test.

    Attributes:
        test: the test.
        status: error: it could not be answered, as an end is not there or a verdict not certain.
        found: `allowed`, `denied`, `both` or `unknown`.
        reason: in words, why it did not pass; "" if it did.
        policies: those that decided where it did not come out as expected, else all that decided.
    """

    test: PolicyTest
    status: Status
    found: str
    reason: str = ""
    policies: tuple[PolicyRef, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pair:
    source: End
    target: End
    port: AskedPort
    egress: DirectionVerdict | None
    ingress: DirectionVerdict | None

    @property
    def outcome(self) -> Outcome:
        """What both ends come to; an end that is no pod has nothing to say."""
        outcomes = {each.outcome for each in (self.egress, self.ingress) if each is not None}
        for decides in (Outcome.DENIED, Outcome.UNKNOWN):
            if decides in outcomes:
                return decides
        return Outcome.ALLOWED

    @property
    def deciding(self) -> list[tuple[Direction, DirectionVerdict]]:
        """The verdicts that make the outcome what it is."""
        halves = ((Direction.EGRESS, self.egress), (Direction.INGRESS, self.ingress))
        return [(way, each) for way, each in halves if each and each.outcome is self.outcome]


def run_tests(model: ClusterModel, tests: Iterable[PolicyTest]) -> list[Result]:
    """Runs tests, each by itself.

    Args:
        model: the cluster.
        tests: the tests.
    """
    asked = _Questions(model)
    return [_run(asked, test) for test in tests]


class _Questions:
    """The rules of each pod for each port, looked up once."""

    def __init__(self, model: ClusterModel) -> None:
        self.model = model
        self._known: dict[tuple[str, Direction, AskedPort], Question] = {}

    def verdict(
        self, end: End, peer: End, direction: Direction, port: AskedPort
    ) -> DirectionVerdict | None:
        """What the policies of one end say to the other; None: it is no pod."""
        if not isinstance(end.endpoint, Pod):
            return None
        key = (end.name, direction, port)
        if key not in self._known:
            policies = self.model.policies(end.endpoint.namespace)
            rules = selected(policies, end.endpoint, direction)
            self._known[key] = ask_about(rules, port.number, port.protocol)
        return judge(self._known[key], peer.endpoint)


def _run(asked: _Questions, test: PolicyTest) -> Result:
    try:
        sources = [end for each in test.sources for end in named_ends(asked.model, each)]
        targets = [end for each in test.targets for end in named_ends(asked.model, each)]
    except UnknownEnd as error:
        return Result(test, Status.ERROR, "unknown", str(error))
    if not any(isinstance(end.endpoint, Pod) for end in (*sources, *targets)):
        return Result(test, Status.ERROR, "unknown", "neither end is a pod: no policy decides")
    count = len(sources) * len(targets) * len(test.ports)
    if count > _MAX_PAIRS:
        reason = f"it is about {count:,} pairs, more than {_MAX_PAIRS:,}: make several tests of it"
        return Result(test, Status.ERROR, "unknown", reason)
    pairs = list(_pairs(asked, test, sources, targets))
    by_outcome = {outcome: [p for p in pairs if p.outcome is outcome] for outcome in Outcome}
    wrong = by_outcome[Outcome.DENIED if test.allowed else Outcome.ALLOWED]
    right = by_outcome[Outcome.ALLOWED if test.allowed else Outcome.DENIED]
    unknown = by_outcome[Outcome.UNKNOWN]
    if wrong:
        found = "both" if right else wrong[0].outcome.value
        reason = _reason(f"expected {test.expected}, found {wrong[0].outcome.value}", wrong, pairs)
        return Result(test, Status.FAILED, found, reason, _policies(wrong))
    if unknown:
        reason = _reason(f"expected {test.expected}, and it is not certain", unknown, pairs)
        return Result(test, Status.ERROR, "unknown", reason, _policies(unknown))
    return Result(test, Status.PASSED, test.expected, "", _policies(right))


def _pairs(
    asked: _Questions, test: PolicyTest, sources: list[End], targets: list[End]
) -> Iterator[_Pair]:
    for port in test.ports:
        for target in _listening(targets, port) if test.allowed else targets:
            for source in sources:
                yield _Pair(
                    source,
                    target,
                    port,
                    asked.verdict(source, target, Direction.EGRESS, port),
                    asked.verdict(target, source, Direction.INGRESS, port),
                )


def _listening(targets: list[End], port: AskedPort) -> list[End]:
    """Of several targets those that declare the port; all of them if none does.

    That a port is open on a pod that does not listen on it is no part of what a test promises.
    """
    declared = [
        end for end in targets if any((each.number, each.protocol) == port for each in end.ports)
    ]
    return declared or targets


def _reason(head: str, wrong: list[_Pair], pairs: list[_Pair]) -> str:
    shown = [_words(each) for each in wrong[:_SHOWN_PAIRS]]
    if len(wrong) > _SHOWN_PAIRS:
        shown.append(f"and {len(wrong) - _SHOWN_PAIRS} more")
    of = f", in {len(wrong)} of {len(pairs)} pairs" if len(pairs) > 1 else ""
    return f"{head}{of}: {'; '.join(shown)}"


def _words(pair: _Pair) -> str:
    halves = [_half(way, verdict) for way, verdict in pair.deciding]
    return f"{pair.source.name} to {pair.target.name} on {pair.port}: {', and '.join(halves)}"


def _half(direction: Direction, verdict: DirectionVerdict) -> str:
    names = ", ".join(map(str, verdict.policies))
    way = direction.value
    match verdict.outcome:
        case Outcome.ALLOWED if names:
            filtered = " (of its requests only some)" if verdict.filtered else ""
            return f"its {way} is allowed{filtered} by {names}"
        case Outcome.ALLOWED:
            return f"no policy restricts its {way}"
        case Outcome.DENIED if verdict.by_deny_rule:
            return f"its {way} is denied by a deny rule of {names}"
        case Outcome.DENIED:
            return f"its {way} is denied: no rule allows it, and the rest is closed by {names}"
    doubts = ", ".join(sorted(each.value for each in verdict.doubts))
    return f"its {way} is uncertain: {doubts}{f' ({names})' if names else ''}"


def _policies(pairs: Iterable[_Pair]) -> tuple[PolicyRef, ...]:
    refs = {ref for pair in pairs for _, verdict in pair.deciding for ref in verdict.policies}
    return tuple(sorted(refs))
