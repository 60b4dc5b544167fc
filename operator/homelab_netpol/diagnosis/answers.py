"""What an answer says about the flows that were dropped. Pure."""

from __future__ import annotations

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.explain_answer import Explanation, Reason
from homelab_netpol.access.explain_judge import Ruling
from homelab_netpol.cilium.evaluation import Direction, Outcome
from homelab_netpol.diagnosis.diagnosis import Diagnosis, Kind
from homelab_netpol.diagnosis.group_key import GroupKey
from homelab_netpol.diagnosis.groups import Group
from homelab_netpol.flows import Verdict


def by_deny_rule(ruling: Ruling) -> bool:
    """A deny rule keeps some of it from passing."""
    return any(half.verdict.by_deny_rule for case in ruling.cases for half in case.halves)


def scan(group: Group) -> Diagnosis:
    """What is said of a scan."""
    return Diagnosis(
        Kind.RIGHT,
        (group,),
        "a scan: one client tries many ports or targets",
        "nothing, if you know the scanner; else look at what runs there",
    )


def reasons(
    answer: Explanation, direction: Direction | None
) -> tuple[Reason | None, Reason | None]:
    """What the end decides that dropped it, and the other."""
    parts = [each for each in answer.parts if each.outcome is not Outcome.ALLOWED] or answer.parts
    found = {each.direction: each for part in parts[:1] for each in part.reasons}
    out, into = found.get(Direction.EGRESS), found.get(Direction.INGRESS)
    return (into, out) if direction is Direction.INGRESS else (out, into)


def is_closed(reason: Reason) -> bool:
    """An end denies it for certain."""
    return reason.outcome is Outcome.DENIED


def allowing(answer: Explanation) -> list[str]:
    """The requests that rules on HTTP or DNS let pass, in words."""
    requests = {each for part in answer.parts for one in part.reasons for each in one.requests}
    return [f"passes: {', '.join(sorted(requests)[:6])}"] if requests else []


def is_right(model: ClusterModel, key: GroupKey, answer: Explanation) -> bool:
    """The drop is what the labels mean: other tenants, and a profile that lets nothing through."""
    if key.verdict is Verdict.FORWARDED:
        return False  # it passes today, so it is a change that would drop it
    names = [set(end.namespaces) for end in (answer.ruling.source, answer.ruling.target)]
    intents = model.desired.intents
    if all(names) and names[0] != names[1]:
        both = [intents.get(each) for each in (*names[0], *names[1])]
        if all(each is not None and not each.platform for each in both):
            change = answer.fixes.best.change if answer.fixes.best is not None else None
            # A shared resource may be in an app's Namespace: then it is a grant that is missing.
            return change is None or bool(change.objects)
    own = intents.get(key.own.namespace)
    return own is not None and own.profile == "isolated" and key.peer.words != key.own.words
