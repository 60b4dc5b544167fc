"""What the operator's own inspection finds, with and without its policies."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.findings import Finding
from homelab_netpol.findings.finding import FindingReason
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.inspector import CHECKS
from homelab_netpol.preflight.problem import Problem, Severity
from homelab_netpol.preflight.stages import Stages
from homelab_netpol.settings import DefaultDeny

_NAMES = FindingReason.NAMES_NOT_LEARNED
_PLATFORM = FindingReason.PLATFORM_POLICY_INCOMPLETE
_NOTES = frozenset({FindingReason.TAKE_OVER_IGNORED})
_WHOLE = "cluster"


def check(stages: Stages) -> Iterator[Problem]:
    """All of it; what is so today already is no matter of the installation."""
    before, after = inspected(stages.before), inspected(stages.after)
    today = {(each.reason, each.subject) for each in before}
    same = {each.message for each in before}
    for finding in after:
        is_new = (finding.reason, finding.subject) not in today
        if finding.reason is _PLATFORM and stages.scope is DefaultDeny.CLUSTER:
            is_new = finding.message not in same
        yield _problem(finding, is_new=is_new)
    if not stages.taken:
        return
    known = {(each.reason, each.subject) for each in (*before, *after)}
    taken = ", ".join(sorted(key.name for key in stages.taken))
    for finding in inspected(stages.in_the_end):
        if finding.reason is _NAMES and (_NAMES, finding.subject) not in known:
            yield Problem(
                Severity.CUT_OFF,
                str(finding.reason),
                finding.subject,
                f"Once {taken} {'is' if len(stages.taken) == 1 else 'are'} handed over or deleted:"
                f" {finding.message}",
            )


def inspected(inspection: Inspection) -> list[Finding]:
    """What the operator's checks find; the inspection is sorted already."""
    checks = (check for check in CHECKS if check is not Inspection.sort)
    found = (finding for check in checks for finding in check(inspection))
    return [finding for finding in found if finding is not None]


def _problem(finding: Finding, *, is_new: bool) -> Problem:
    severity, message = Severity.WARNING, finding.message
    if finding.reason in (_NAMES, _PLATFORM):
        if is_new:
            severity = Severity.CUT_OFF
        else:
            message = f"Already so today: {message}"
    elif finding.reason in _NOTES:
        severity = Severity.NOTE
    where = finding.subject or (str(finding.about) if finding.about is not None else _WHOLE)
    return Problem(severity, str(finding.reason), where, message)
