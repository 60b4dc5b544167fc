"""May this end talk to that one: each pair of their parts, at both ends, port by port. Pure.

Judged is what policies of pods decide; not those of nodes, of a mesh, or of Calico.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, EndError, Member, Ports
from homelab_netpol.access.explain_alike import Alike
from homelab_netpol.cilium.evaluation import (
    Direction,
    DirectionVerdict,
    Endpoint,
    Outcome,
    Pod,
)
from homelab_netpol.cilium.evaluation.answer import Answer as Met
from homelab_netpol.cilium.evaluation.policy import Rule
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.evaluation.verdict import (
    Question,
    Selected,
    ask_about,
    judge,
    selected,
)

# More pairs than the largest Namespaces of real clusters have, few enough to be judged in seconds.
_MOST_CASES = 200_000


class Reply(Enum):
    """The answer to a whole question."""

    YES = "yes"
    NO = "no"
    IN_PART = "in part"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Half:
    """What the policies of one end decide.

    Attributes:
        direction: egress of the sender, or ingress of the receiver.
        own: whose policies.
        peer: the other end.
        asked: the other end as policies know it.
        verdict: what they decide.
    """

    direction: Direction
    own: Member
    peer: Member
    asked: Endpoint
    verdict: DirectionVerdict

    @property
    def outcome(self) -> Outcome:
        """Whether it passes."""
        return self.verdict.outcome


@dataclass(frozen=True, slots=True)
class Case:
    """One pair on some ports, which are all alike.

    Attributes:
        source: who opens the connection.
        target: who is called.
        ports: on which ports.
        egress: what the sender's policies decide; None: it is no pod, so has none.
        ingress: likewise the receiver's.
    """

    source: Member
    target: Member
    ports: Ports
    egress: Half | None
    ingress: Half | None

    @property
    def halves(self) -> tuple[Half, ...]:
        """Those that there are."""
        return tuple(each for each in (self.egress, self.ingress) if each is not None)

    @property
    def outcome(self) -> Outcome:
        """Whether it passes at both ends."""
        outcomes = {half.outcome for half in self.halves}
        for outcome in (Outcome.DENIED, Outcome.UNKNOWN):
            if outcome in outcomes:
                return outcome
        return Outcome.ALLOWED


@dataclass(frozen=True, slots=True)
class Ruling:
    """All cases of a question.

    Attributes:
        source: who was asked about.
        target: whom they would call.
        asked: on which ports.
        cases: each pair, on each port, or range of ports that are alike.
    """

    source: End
    target: End
    asked: tuple[Ports, ...]
    cases: tuple[Case, ...]

    @property
    def reply(self) -> Reply:
        """Yes: each case passes for certain; no: none does, and one is denied for certain."""
        outcomes = {case.outcome for case in self.cases}
        if outcomes == {Outcome.ALLOWED}:
            return Reply.YES
        if Outcome.DENIED not in outcomes:
            return Reply.UNKNOWN
        return Reply.IN_PART if Outcome.ALLOWED in outcomes else Reply.NO


class Judge:
    """Judges connections in one cluster; keeps what several have in common."""

    def __init__(self, model: ClusterModel) -> None:
        self.model = model
        self._rules: dict[tuple[int, Direction], tuple[Selected, ...]] = {}
        self._questions: dict[tuple[int, Direction, Ports], Question] = {}
        self._met: dict[tuple[int, int], dict[int, Met]] = {}
        self._verdicts: dict[tuple[int, int, Direction, str, int], DirectionVerdict] = {}
        self._runs: dict[tuple[int, int, Ports], list[Ports]] = {}
        self._kept: list[Endpoint] = []  # so that no id is given twice
        self._alike = Alike(model)

    def consider(self, namespaces: Iterable[str]) -> None:
        """Says whose policies will be asked: those pods are alike that none of them tells apart."""
        self._alike.consider(namespaces)

    def unlike(self, members: Iterable[Member]) -> list[Member]:
        """Of members that are alike to the policies that are considered, the first."""
        found: dict[int, Member] = {}
        for member in members:
            found.setdefault(id(self._alike.of(member.endpoint)), member)
        return list(found.values())

    def rule(self, source: End, target: End, asked: Iterable[Ports]) -> Ruling:
        """Judges every pair of their parts.

        Raises:
            EndError: no policy of pods is about the two, or they have too many parts.
        """
        ports = tuple(asked)
        if not any(each.pod for end in (source, target) for each in end.members):
            raise EndError(
                f"{source.words} and {target.words}: neither is a pod on the pods' network, and"
                " only these have policies"
            )
        pairs = [(one, other) for one in source.members for other in target.members]
        if len(pairs) * len(ports) > _MOST_CASES:
            raise EndError(f"{source.words} and {target.words}: too many pods; name fewer of them")
        self.consider((*source.namespaces, *target.namespaces))
        cases = [case for pair in pairs for port in ports for case in self.cases(*pair, port)]
        return Ruling(source, target, ports, tuple(cases))

    def rules_of(self, pod: Pod, direction: Direction) -> tuple[Selected, ...]:
        """The rules that decide for a pod in a direction."""
        pod = self._of(pod)
        key = (id(pod), direction)
        if key not in self._rules:
            self._kept.append(pod)
            self._rules[key] = selected(self.model.policies(pod.namespace), pod, direction)
        return self._rules[key]

    def half(self, direction: Direction, own: Member, peer: Member, port: Ports) -> Half | None:
        """What the policies of one end decide on a port; None: it has no policies."""
        pod = own.pod
        if pod is None:
            return None
        found: Half | None = None
        for endpoint in peer.endpoints:
            verdict = self._verdict(direction, pod, endpoint, port)
            found = Half(direction, own, peer, endpoint, verdict)
            if verdict.outcome is not Outcome.UNKNOWN:
                break
        return found

    def cases(self, source: Member, target: Member, asked: Ports) -> Iterator[Case]:
        """A pair's: one for each run of ports on which the same policies decide."""
        run: Case | None = None
        for ports in self._runs_of(source, target, asked):
            case = Case(
                source,
                target,
                ports,
                self.half(Direction.EGRESS, source, target, ports),
                self.half(Direction.INGRESS, target, source, ports),
            )
            if run is not None and case.halves == run.halves:
                run = replace(run, ports=replace(run.ports, last=ports.last))
                continue
            if run is not None:
                yield run
            run = case
        if run is not None:
            yield run

    def _runs_of(self, source: Member, target: Member, asked: Ports) -> list[Ports]:
        ends = (self._alike.of(source.endpoint), self._alike.of(target.endpoint))
        key = (id(ends[0]), id(ends[1]), asked)
        if key not in self._runs or any(
            each.any_pod or each.stands_for for each in (source, target)
        ):
            self._kept += ends
            self._runs[key] = list(self._divided(source, target, asked))
        return self._runs[key]

    def _of(self, pod: Pod) -> Pod:
        found = self._alike.of(pod)
        return found if isinstance(found, Pod) else pod

    def _divided(self, source: Member, target: Member, asked: Ports) -> Iterator[Ports]:
        """Divides ports where some rule begins or ends, so that those of a part are alike."""
        if asked.first == asked.last:
            yield asked
            return
        rules = [
            *self._about(source, target, Direction.EGRESS),
            *self._about(target, source, Direction.INGRESS),
        ]
        # Where a rule gives a port by its name, the number is one that the target's pods give it.
        named = (
            {each.number for each in target.pod.ports or ()} if target.pod is not None else set()
        )
        turns = sorted({*turning_ports(rules), *named, *(number + 1 for number in named)})
        firsts = [asked.first, *(each for each in turns if asked.first < each <= asked.last)]
        for first, after in zip(firsts, [*firsts[1:], asked.last + 1], strict=True):
            yield Ports(asked.protocol, first, after - 1)

    def _about(self, own: Member, peer: Member, direction: Direction) -> list[Rule]:
        """The rules that are about a peer, on whatever ports."""
        if own.pod is None:
            return []
        rules = (each.rule for each in self.rules_of(own.pod, direction))
        return [
            rule for rule in rules if any(rule.meets(each) is not False for each in peer.endpoints)
        ]

    def _verdict(
        self, direction: Direction, pod: Pod, endpoint: Endpoint, port: Ports
    ) -> DirectionVerdict:
        pod, endpoint = self._of(pod), self._alike.of(endpoint)
        asked = (id(pod), id(endpoint), direction, port.protocol, port.first)
        if asked in self._verdicts:
            return self._verdicts[asked]
        key = (id(pod), direction, replace(port, last=port.first))
        if key not in self._questions:
            rules = self.rules_of(pod, direction)
            named = pod.ports if direction is Direction.INGRESS else None
            self._questions[key] = ask_about(rules, port.first, port.protocol, named)
        self._kept.append(endpoint)
        met = self._met.setdefault((id(pod), id(endpoint)), {})
        self._verdicts[asked] = judge(self._questions[key], endpoint, met)
        return self._verdicts[asked]
