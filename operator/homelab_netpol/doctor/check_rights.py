"""Do the operator's account, and the one that asks, have their rights? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab_netpol.cluster.rights import Right
from homelab_netpol.doctor.installation import DEFAULT_HOME, Installation
from homelab_netpol.doctor.needed_rights import essential, helpful
from homelab_netpol.doctor.result import Result, Status
from homelab_netpol.shapes import text

CHECK = "rights"
_NAMED = 8


def check(found: Installation) -> Iterator[Result]:
    """By the answers of the API server's authorizer."""
    account = (
        text(found.deployment, "spec", "template", "spec", "serviceAccountName") or DEFAULT_HOME
    )
    who = f"the service account {found.home}/{account}"
    yield from _of_operator(found, who)
    own = found.facts.own_missing
    if own:
        yield Result(
            Status.NOTE,
            CHECK,
            "this account",
            f"The account that asks lacks what doctor reads by: {_named(own)}.",
            "docs/doctor.md lists what it needs.",
        )


def _of_operator(found: Installation, who: str) -> Iterator[Result]:
    missing = found.facts.operator_missing
    if missing is None:
        yield Result(
            Status.UNKNOWN,
            CHECK,
            who,
            f"Whether {who} has its rights could not be asked.",
            "Ask with an account that may create subjectaccessreviews.authorization.k8s.io.",
        )
        return
    if found.deployment is None and missing:
        return
    needed = set(essential(found.settings, found.home))
    remedy = (
        "Apply the role of the release that runs (manifests/base/rbac.yaml, or the chart);"
        " docs/rights.md says what each right is for."
    )
    fatal = [each for each in missing if each in needed]
    others = [each for each in missing if each not in needed]
    if fatal:
        message = f"{_capital(who)} may not: {_named(fatal)}. Without that it does not do its work."
        yield Result(Status.ERROR, CHECK, who, message, remedy)
    if others:
        message = f"{_capital(who)} may not: {_named(others)}."
        yield Result(Status.WARNING, CHECK, who, message, remedy)
    if not missing:
        count = len(needed) + len(helpful(found.settings))
        message = f"{_capital(who)} has all of its {count} rights."
        yield Result(Status.OK, CHECK, who, message)


def _named(rights: Sequence[Right]) -> str:
    shown = [str(each) for each in rights[:_NAMED]]
    if len(rights) > _NAMED:
        shown.append(f"{len(rights) - _NAMED} more")
    return ", ".join(shown)


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
