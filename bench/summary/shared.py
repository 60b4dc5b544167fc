"""The tables of what many Namespaces share: a grant of one resource, and one NetworkProfile."""

from __future__ import annotations

from bench.contenders import BARE
from bench.records import Records
from bench.scenarios.grants import BareGrantsResult
from bench.scenarios.redefinition import RedefinitionResult
from bench.summary.columns import Column, each_round, ratio_to, samples, table
from bench.tables import Table

_GRANTS_NOTE = (
    "Each Namespace is labelled when the one before was acknowledged; seconds from the first"
    " label sent until both sides of all stand. list writes: how often the list beside the"
    " resource was written; the bare client does so once, at the end. own side: from a"
    " Namespace's answer until its policy is seen; list: until that list names it."
)
_REDEFINITION_NOTE = (
    "From sending the change of the NetworkProfile until a watch has shown every policy with"
    " it. bare client: replaces the same policies on the same control plane, 16 at a time."
)
_REDEFINITION: tuple[Column[RedefinitionResult], ...] = (
    each_round("seconds", lambda found: found.changed.seconds, 2),
    each_round("bare client", lambda found: found.bare.seconds, 2),
    each_round("times bare", lambda found: found.changed.seconds / found.bare.seconds, 2),
    each_round("operator's CPU, s", lambda found: found.cpu["operator"], 2),
    each_round("peak MB", lambda found: found.memory.peak, 0),
)


def grant_tables(records: Records) -> list[Table]:
    """For each size, a row for each contender."""
    return [_grants(records, size) for size in records.sizes(BareGrantsResult)]


def redefinition_tables(records: Records) -> list[Table]:
    """For each size, a row for each state of our operator."""
    return [
        table(
            f"A profile with {size:,} users is changed",
            "operator",
            _REDEFINITION,
            records.by_name(RedefinitionResult, size),
            _REDEFINITION_NOTE,
        )
        for size in records.sizes(RedefinitionResult)
    ]


def _grants(records: Records, size: int) -> Table:
    bare = records.of(BareGrantsResult, BARE, size)
    columns: tuple[Column[BareGrantsResult], ...] = (
        each_round("seconds", lambda found: found.grants.seconds, 2),
        ratio_to("times bare", bare, lambda found: found.grants.seconds),
        each_round("list writes", lambda found: found.grants.list_writes, 0),
        samples("own side p50 ms", lambda found: found.grants.consumers, 0.5),
        samples("own side p99 ms", lambda found: found.grants.consumers, 0.99),
        samples("list p50 ms", lambda found: found.grants.targets, 0.5, 0),
        samples("list p99 ms", lambda found: found.grants.targets, 0.99, 0),
        each_round("operator's CPU, s", lambda found: found.cpu.get("operator"), 2),
    )
    title = f"A grant on {size:,} namespaces, one after the other"
    return table(title, "", columns, records.by_name(BareGrantsResult, size), _GRANTS_NOTE)
