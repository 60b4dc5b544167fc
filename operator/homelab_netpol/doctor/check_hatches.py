"""Which escape hatches are open, since when, and which have closed by themselves? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.doctor.desired import Wanted
from homelab_netpol.doctor.installation import Installation
from homelab_netpol.doctor.result import Result, Status
from homelab_netpol.intent import Intent, format_moment
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name

CHECK = "hatch"


def check(found: Installation, wanted: Wanted) -> Iterator[Result]:
    """By Namespaces' labels, and by the hatch's policy where it stands."""
    if wanted.state is None:
        return
    key = wanted.state.catalogue.vocabulary.enforcement_key
    count = 0
    for name, intent in sorted(wanted.intents.items()):
        if not intent.hatch_open and not intent.hatch_expired:
            continue
        count += 1
        remedy = f"Remove the label {key} in git, or: kubectl label namespace {name} {key}-"
        if intent.hatch_expired:
            message = "The hatch has closed by itself; its label is still there."
            yield Result(Status.NOTE, CHECK, name, message, remedy)
            continue
        stands = PolicyKey(Kind.CNP, name, policy_name(Component.HATCH)) in wanted.standing
        yield Result(Status.WARNING, CHECK, name, _said(intent, stands=stands), remedy)
    if not count:
        yield Result(Status.OK, CHECK, "", "No escape hatch is open.")


def _said(intent: Intent, *, stands: bool) -> str:
    since = (
        f" since {format_moment(intent.hatch_since)}"
        if stands and intent.hatch_since is not None
        else ", though its policy does not stand yet"
    )
    end = (
        f"; it closes by itself at {format_moment(intent.hatch_until)}"
        if intent.hatch_until is not None
        else "; nothing closes it by itself"
    )
    return f"The escape hatch is open{since}: nothing is denied there{end}."
