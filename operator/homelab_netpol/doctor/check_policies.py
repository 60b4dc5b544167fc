"""Do the policies that should stand, stand, and does Cilium take them? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from homelab_netpol.doctor.desired import Wanted
from homelab_netpol.doctor.fields import name, namespace
from homelab_netpol.doctor.installation import Installation
from homelab_netpol.doctor.result import Result, Status, unreadable
from homelab_netpol.policy.diff import Create, Delete
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.shapes import condition, text

VALID, DRIFT, NAMES = "valid", "drift", "names"
_NAMED = 20
_CLUSTERWIDE = "clusterwide"


def check(found: Installation, wanted: Wanted) -> Iterator[Result]:
    """By what stands, and by what the operator would write."""
    yield from _of_conditions(found, wanted)
    if wanted.state is None:
        for what, refused in wanted.unread.items():
            yield unreadable(DRIFT, what, refused)
        return
    yield from _of_names(wanted)
    yield from _of_drift(found, wanted)


def _of_conditions(found: Installation, wanted: Wanted) -> Iterator[Result]:
    silent: list[PolicyKey] = []
    judged = 0
    for kind in (Kind.CCNP, Kind.CNP):
        for item in found.facts.of(kind.value).items:
            key = PolicyKey(kind, namespace(item), name(item))
            if key not in wanted.standing:
                continue
            valid = condition(item, "Valid")
            judged += 1
            if valid is None:
                silent.append(key)
            elif valid.get("status") != "True":
                why = text(valid, "message") or text(valid, "reason") or "no reason given"
                yield Result(
                    Status.ERROR,
                    VALID,
                    _place(key),
                    f"Cilium rejects {key}, so it is not in force: {why.rstrip('.')}.",
                    "The profile or resource that it is made of has a value that Cilium does not"
                    " take; if it is a built-in one, report it with --bundle.",
                )
    if silent and len(silent) < judged:
        yield Result(
            Status.WARNING,
            VALID,
            _place(silent[0]),
            f"Cilium has not judged {len(silent)} of {judged} policies yet, {silent[0]} first.",
            "If that stays, see the log of Cilium's operator.",
        )
    elif silent:
        yield Result(
            Status.NOTE,
            VALID,
            "",
            f"None of the {judged} policies has Cilium's condition Valid, so whether Cilium takes"
            " them does not show.",
            "Cilium's operator writes it; see whether it runs.",
        )
    elif judged:
        yield Result(Status.OK, VALID, "", f"Cilium takes all {judged} policies of the operator.")


def _of_names(wanted: Wanted) -> Iterator[Result]:
    for key in wanted.taken:
        yield Result(
            Status.ERROR,
            NAMES,
            _place(key),
            f"The name of {key} is taken by a policy of another owner, so the operator's is not"
            " written.",
            "Rename or delete it, or hand it over (docs/take-over.md).",
        )


def _of_drift(found: Installation, wanted: Wanted) -> Iterator[Result]:
    if found.deployment is None and not wanted.standing:
        return
    counts: dict[str, Counter[str]] = {}
    for change in wanted.changes:
        key = change.live.key if isinstance(change, Delete) else change.policy.key
        what = (
            "too many" if isinstance(change, Delete) else
            "missing" if isinstance(change, Create) else "different"
        )  # fmt: skip
        counts.setdefault(key.namespace or _CLUSTERWIDE, Counter())[what] += 1
    for place in sorted(counts)[:_NAMED]:
        said = ", ".join(f"{count} {what}" for what, count in sorted(counts[place].items()))
        yield Result(
            Status.WARNING,
            DRIFT,
            place,
            f"What stands is not what labels and settings say: {said}.",
            "Right after a change: ask again. Else see the operator's log, and the Namespace's"
            " Events; `homelab-netpol render` shows what should stand.",
        )
    if len(counts) > _NAMED:
        message = f"Likewise in {len(counts) - _NAMED} more Namespaces."
        yield Result(Status.WARNING, DRIFT, "", message)
    if not counts:
        message = f"All {len(wanted.standing)} policies stand as labels and settings say."
        yield Result(Status.OK, DRIFT, "", message)


def _place(key: PolicyKey) -> str:
    return "/".join(each for each in (key.namespace, key.name) if each)
