"""A grant that many Namespaces get one after the other, and a profile that many use."""

from __future__ import annotations

from collections.abc import Mapping

from bench.contenders import BARE
from bench.records import Records
from bench.scenarios.grants import BareGrantsResult, GrantsResult
from bench.scenarios.redefinition import RedefinitionResult
from bench.summary.by_round import NONE, milliseconds, ratio, ratios, spread, together
from bench.tables import Table

Granted = Mapping[int, GrantsResult | BareGrantsResult]


def grant_tables(records: Records) -> list[Table]:
    """For each size, a row for each contender."""
    return [_grants(records, size) for size in records.sizes(GrantsResult, BareGrantsResult)]


def redefinition_tables(records: Records) -> list[Table]:
    """For each size, a row for each of our operators."""
    return [_redefinition(records, size) for size in records.sizes(RedefinitionResult)]


def _grants(records: Records, size: int) -> Table:
    bare = records.of(BareGrantsResult, BARE, size)
    everybody: dict[str, Granted] = {BARE: bare} if bare else {}
    everybody |= {name: records.of(GrantsResult, name, size) for name in _granting(records, size)}
    rows = []
    for name, found in everybody.items():
        consumers = together(found, lambda each: each.grants.consumers)
        targets = together(found, lambda each: each.grants.targets)
        rows.append(
            [
                name,
                spread(found, lambda each: each.grants.seconds, 2),
                ratio(ratios(found, _seconds, bare, _seconds)),
                spread(found, lambda each: each.grants.list_writes, 0),
                milliseconds(consumers, 0.5),
                milliseconds(consumers, 0.99),
                milliseconds(targets, 0.5, 0),
                milliseconds(targets, 0.99, 0),
                NONE if name == BARE else spread(found, lambda each: each.cpu["operator"], 2),
            ]
        )
    note = (
        "Each Namespace is labelled when the one before was acknowledged; seconds from the first"
        " label sent until both sides of all stand. list writes: how often the list beside the"
        " resource was written; the bare client does so once, at the end. own side: from a"
        " Namespace's answer until its policy is seen; list: until that list names it."
    )
    columns = (
        *("", "seconds", "times bare", "list writes", "own side p50 ms", "own side p99 ms"),
        *("list p50 ms", "list p99 ms", "operator's CPU, s"),
    )
    return Table(f"A grant on {size:,} namespaces, one after the other", columns, rows, note)


def _granting(records: Records, size: int) -> list[str]:
    return records.who(GrantsResult, size)


def _seconds(found: GrantsResult | BareGrantsResult) -> float:
    return found.grants.seconds


def _redefinition(records: Records, size: int) -> Table:
    rows = []
    for name in records.who(RedefinitionResult, size):
        found = records.of(RedefinitionResult, name, size)
        rows.append(
            [
                name,
                spread(found, lambda each: each.changed.seconds, 2),
                spread(found, lambda each: each.bare.seconds, 2),
                spread(found, lambda each: each.changed.seconds / each.bare.seconds, 2),
                spread(found, lambda each: each.cpu["operator"], 2),
                spread(found, lambda each: each.memory.peak, 0),
            ]
        )
    note = (
        "From sending the change of the NetworkProfile until a watch has shown every policy with"
        " it. bare client: replaces the same policies on the same control plane, 16 at a time."
    )
    columns = ("operator", "seconds", "bare client", "times bare", "operator's CPU, s", "peak MB")
    return Table(f"A profile with {size:,} users is changed", columns, rows, note)
