"""An answer with its reasons: what is printed, whatever the format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import EVERY_TCP_PORT, End, Ports, named_ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.explain_calico import counted, why_beyond
from homelab_netpol.access.explain_causes import cause
from homelab_netpol.access.explain_judge import Half, Judge, Reply, Ruling
from homelab_netpol.access.explain_rules import Cited, cited
from homelab_netpol.access.fixes_search import NO_FIXES, Fixes, find_fixes
from homelab_netpol.cilium.evaluation import Direction, Outcome, Pod
from homelab_netpol.settings import DefaultDeny


@dataclass(frozen=True, slots=True)
class Reason:
    """What one end decides, and by which policies.

    Attributes:
        direction: egress of the sender, or ingress of the receiver.
        end: whose policies, in words.
        outcome: whether they let it pass.
        policies: those that decide.
        cause: why it does not pass, or why that is unknown; "": it passes.
        by_deny_rule: a deny rule decides.
        filtered: allowed; HTTP or DNS rules look at what passes.
        requests: if so, what passes them, in words.
    """

    direction: Direction
    end: str
    outcome: Outcome
    policies: tuple[Cited, ...]
    cause: str
    by_deny_rule: bool
    filtered: bool
    requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Pairs for which the same policies decide the same, on the same ports.

    Attributes:
        sources: who opens the connections, in words.
        targets: who is called.
        ports: on which ports.
        outcome: whether they pass.
        reasons: at each end that has policies; the ends in them are those of the first pair.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    ports: tuple[Ports, ...]
    outcome: Outcome
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to one question.

    Attributes:
        reply: in one word.
        ruling: all that was judged.
        parts: the same, joined where it is alike.
        fixes: what would let it pass.
        notes: what a reader must know beside it.
        beyond: why no certain answer is given though the policies that are judged give one; "":
            that is not so.
    """

    reply: Reply
    ruling: Ruling
    parts: tuple[Part, ...]
    fixes: Fixes = NO_FIXES
    notes: tuple[str, ...] = field(default=())
    beyond: str = ""


def explain(
    model: ClusterModel, source: str, target: str, ports: Sequence[str] = ()
) -> Explanation:
    """Answers whether one end may talk to another.

    Args:
        model: the cluster.
        source: who opens the connection, as people write it (ends_find.py).
        target: who is called.
        ports: as `5432/TCP`; none: those on which the target is usually called, else every TCP one.

    Raises:
        EndError: the ends or ports mean nothing that is given.
    """
    finder, judge = EndFinder(model), Judge(model)
    ends = finder.find(source), finder.find(target)
    asked, notes = _asked(ends[1], ports)
    return explain_ruling(model, finder, judge.rule(*ends, asked), notes)


def explain_ruling(
    model: ClusterModel, finder: EndFinder, ruling: Ruling, remarks: Sequence[str] = ()
) -> Explanation:
    """The reasons of what was judged, and what would let it pass.

    Args:
        model: the cluster.
        finder: of its ends.
        ruling: the question, judged.
        remarks: what is to be said of the question.
    """
    beyond = _beyond(model, ruling)
    reply = Reply.UNKNOWN if beyond else ruling.reply
    fixes = NO_FIXES if beyond else find_fixes(model, finder, ruling)
    ends = (ruling.source, ruling.target)
    notes = [*(note for end in ends for note in end.notes), *remarks, *_notes(model, ruling)]
    parts = tuple(_parts(model, ruling))
    return Explanation(reply, ruling, parts, fixes, tuple(dict.fromkeys(notes)), beyond)


def _asked(target: End, given: Sequence[str]) -> tuple[list[Ports], list[str]]:
    """The ports that are meant, and what is to be said of them."""
    if not given:
        usual = list(target.ports) or [EVERY_TCP_PORT]
        return usual, [] if target.ports else ["no --port is given: every TCP port was asked about"]
    asked: list[Ports] = []
    notes: list[str] = []
    for text in given:
        port = named_ports(text, [target])
        behind = target.behind(port)
        asked += behind
        if port not in behind:
            notes.append(f"{port} is the Service's port; its pods listen on {_listed(behind)}")
    return list(dict.fromkeys(asked)), notes


def _listed(ports: Sequence[Ports]) -> str:
    return ", ".join(map(str, ports))


def _parts(model: ClusterModel, ruling: Ruling) -> Iterator[Part]:
    """The cases, with those joined that differ by nothing but who and where."""
    found: dict[tuple[object, ...], list[tuple[str, str, Ports, tuple[Reason, ...]]]] = {}
    for case in ruling.cases:
        reasons = tuple(_reason(model, half, case.ports) for half in case.halves)
        alike = tuple(
            (each.direction, each.outcome, each.policies, each.cause, each.requests)
            for each in reasons
        )
        row = (case.source.words, case.target.words, case.ports, reasons)
        found.setdefault((case.outcome, *alike), []).append(row)
    for (outcome, *_), rows in found.items():
        if isinstance(outcome, Outcome):
            yield Part(
                tuple(dict.fromkeys(row[0] for row in rows)),
                tuple(dict.fromkeys(row[1] for row in rows)),
                tuple(dict.fromkeys(row[2] for row in rows)),
                outcome,
                rows[0][3],
            )


def _reason(model: ClusterModel, half: Half, ports: Ports) -> Reason:
    verdict = half.verdict
    return Reason(
        half.direction,
        half.own.words,
        verdict.outcome,
        cited(model, verdict),
        cause(model, half, ports),
        verdict.by_deny_rule,
        verdict.filtered,
        verdict.requests,
    )


def _notes(model: ClusterModel, ruling: Ruling) -> Iterator[str]:
    """What matters beside the verdicts: labels that mean nothing, open hatches, the mesh."""
    names = dict.fromkeys((*ruling.source.namespaces, *ruling.target.namespaces))
    is_auto = model.desired.catalogue.settings.default_deny is DefaultDeny.AUTO
    for name in names:
        intent = model.desired.intents.get(name)
        if intent is None:
            continue
        for problem in intent.problems:
            yield f"{name}: {problem.message}"
        if intent.hatch_open:
            yield f"the escape hatch of {name} is open: only deny rules deny anything there"
        is_open = intent.profile is None and not intent.platform
        if is_open and is_auto and not model.is_written:
            yield (
                f"{name} has no profile: with defaultDeny: auto it is open until every Namespace"
                " with pods has one; judged is what holds from then on"
            )
    yield from _of_mesh(model, ruling)
    calico = counted(model)
    if calico:
        yield f"left out, as only Calico enforces them: {calico} of Calico's own"


def _of_mesh(model: ClusterModel, ruling: Ruling) -> Iterator[str]:
    """In a mesh every port goes by way of the tunnel's, between the pods themselves."""
    port = model.desired.catalogue.settings.mesh.port
    if any(each.first <= port <= each.last for each in ruling.asked):
        return
    judge, outcomes = Judge(model), set()
    for case in ruling.cases:
        ends = [case.source.pod, case.target.pod]
        intents = [model.desired.intents.get(each.namespace) if each else None for each in ends]
        if all(each is not None and each.meshed for each in intents):
            of_tunnel = list(judge.cases(case.source, case.target, Ports.one(port)))
            outcomes |= {(case.outcome, each.outcome) for each in of_tunnel}
    if (Outcome.ALLOWED, Outcome.DENIED) in outcomes:
        yield (
            f"both are in the mesh, where connections go by TCP {port}, and that is denied between"
            " them"
        )
    if (Outcome.DENIED, Outcome.ALLOWED) in outcomes:
        yield (
            f"both are in the mesh: TCP {port} is open between them and carries every port, so only"
            " Istio's AuthorizationPolicies can deny this one"
        )


def _beyond(model: ClusterModel, ruling: Ruling) -> str:
    """Why the answer is not certain, though Cilium's and Kubernetes' policies give one."""
    pods: list[Pod] = []
    for end in (ruling.source, ruling.target):
        pods += [each.pod for each in end.members if each.pod is not None]
    return why_beyond(model, pods)
