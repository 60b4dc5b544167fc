"""Runs policy tests on a cluster's model: each pair that a test is about, at both ends. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, EndError, Member, Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.explain_calico import why_beyond
from homelab_netpol.access.explain_judge import Case, Half, Judge
from homelab_netpol.cilium.evaluation import Outcome, PolicyRef
from homelab_netpol.policy_tests.model import PolicyTest

_SHOWN_CASES = 3


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


def run_tests(model: ClusterModel, tests: Iterable[PolicyTest]) -> list[Result]:
    """Runs tests, each by itself.

    Args:
        model: the cluster.
        tests: the tests.
    """
    runner = _Runner(model)
    return [runner.run(test) for test in tests]


class _Runner:
    def __init__(self, model: ClusterModel) -> None:
        self._model = model
        self._finder, self._judge = EndFinder(model), Judge(model)
        self._ends: dict[str, End] = {}
        self._tunnel = Ports.one(model.desired.catalogue.settings.mesh.port)

    def run(self, test: PolicyTest) -> Result:
        try:
            cases = list(self._cases(test))
        except EndError as error:
            return Result(test, Status.ERROR, "unknown", str(error))
        by_outcome = {outcome: [c for c in cases if c.outcome is outcome] for outcome in Outcome}
        wrong = by_outcome[Outcome.DENIED if test.allowed else Outcome.ALLOWED]
        right = by_outcome[Outcome.ALLOWED if test.allowed else Outcome.DENIED]
        unknown = by_outcome[Outcome.UNKNOWN]
        if wrong:
            found = wrong[0].outcome.value
            reason = _reason(f"expected {test.expected}, found {found}", wrong, cases)
            return Result(test, Status.FAILED, "both" if right else found, reason, _policies(wrong))
        if unknown:
            reason = _reason(f"expected {test.expected}, and it is not certain", unknown, cases)
            return Result(test, Status.ERROR, "unknown", reason, _policies(unknown))
        doubt = self._beyond(cases) or ("" if test.allowed else self._in_the_mesh(cases))
        if doubt:
            return Result(test, Status.ERROR, "unknown", doubt, _policies(right))
        return Result(test, Status.PASSED, test.expected, "", _policies(right))

    def _cases(self, test: PolicyTest) -> Iterator[Case]:
        for target in map(self._end, test.targets):
            for port in test.ports:
                # Of a Service, policies see its pods' ports.
                for asked in target.behind(port):
                    called = _listening(target, asked) if test.allowed else target
                    for source in map(self._end, test.sources):
                        yield from self._judge.rule(source, called, [asked]).cases
                        if test.allowed:
                            yield from self._by_tunnel(source, called, asked)

    def _by_tunnel(self, source: End, target: End, asked: Ports) -> Iterator[Case]:
        """Between pods in the mesh every TCP connection travels on the tunnel's port."""
        if asked.protocol != "TCP" or asked == self._tunnel:
            return
        for one in source.members:
            for other in target.members:
                if self._is_meshed(one) and self._is_meshed(other):
                    yield from self._judge.cases(one, other, self._tunnel)

    def _in_the_mesh(self, cases: Iterable[Case]) -> str:
        """Why what is denied may pass all the same: within the tunnel, Cilium sees no ports."""
        for case in cases:
            is_meshed = self._is_meshed(case.source) and self._is_meshed(case.target)
            if is_meshed and case.ports.protocol == "TCP":
                tunnel = list(self._judge.cases(case.source, case.target, self._tunnel))
                if any(each.outcome is not Outcome.DENIED for each in tunnel):
                    return (
                        f"expected denied, and it is not certain: {case.source.words} and"
                        f" {case.target.words} are in the mesh, and {self._tunnel} is open between"
                        " them, which carries every port: only Istio's AuthorizationPolicies can"
                        " deny one"
                    )
        return ""

    def _beyond(self, cases: Iterable[Case]) -> str:
        """Why Cilium's and Kubernetes' policies alone are no certain answer."""
        pods = {id(e.pod): e.pod for c in cases for e in (c.source, c.target) if e.pod is not None}
        return why_beyond(self._model, pods.values())

    def _end(self, text: str) -> End:
        if text not in self._ends:
            end = self._finder.find(text)
            for member in end.members:
                self._must_be_given(text, member)
            self._ends[text] = end
        return self._ends[text]

    def _must_be_given(self, text: str, member: Member) -> None:
        """Refuses a pod that only may be there: a test of it would promise nothing."""
        if member.pod is None or member.workload is not None:
            return
        namespace = member.pod.namespace
        if namespace not in self._model.namespaces:
            raise EndError(f"{text}: its Namespace {namespace} is not among what is given")
        if self._model.workloads.get(namespace):
            raise EndError(f"{text}: of the pods that are given in {namespace}, none is meant")

    def _is_meshed(self, member: Member) -> bool:
        pod = member.pod
        intent = self._model.desired.intents.get(pod.namespace) if pod is not None else None
        return intent is not None and intent.meshed


def _listening(target: End, port: Ports) -> End:
    """Of several pods those that declare a port; all of them if none does.

    That a port is open on a pod that does not listen on it is no part of what a test promises.
    """
    declared = [
        member
        for member in target.members
        if member.workload is not None
        and any(
            (each.number, each.protocol) == (port.first, port.protocol)
            for each in member.workload.ports
        )
    ]
    return replace(target, members=tuple(declared)) if declared else target


def _reason(head: str, wrong: list[Case], cases: list[Case]) -> str:
    shown = [_words(each) for each in wrong[:_SHOWN_CASES]]
    if len(wrong) > _SHOWN_CASES:
        shown.append(f"and {len(wrong) - _SHOWN_CASES} more")
    of = f", in {len(wrong)} of {len(cases)} cases" if len(cases) > 1 else ""
    return f"{head}{of}: {'; '.join(shown)}"


def _words(case: Case) -> str:
    halves = [_half(each) for each in _deciding(case)]
    return f"{case.source.words} to {case.target.words} on {case.ports}: {', and '.join(halves)}"


def _half(half: Half) -> str:
    verdict, way = half.verdict, half.direction.value
    names = ", ".join(map(str, verdict.policies))
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


def _deciding(case: Case) -> list[Half]:
    """The ends that make the outcome what it is."""
    return [each for each in case.halves if each.outcome is case.outcome]


def _policies(cases: Iterable[Case]) -> tuple[PolicyRef, ...]:
    halves = (half for case in cases for half in _deciding(case))
    return tuple(sorted({ref for half in halves for ref in half.verdict.policies}))
