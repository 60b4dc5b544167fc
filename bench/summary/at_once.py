"""Many Namespaces at once, and the restart among them."""

from __future__ import annotations

from collections.abc import Mapping

from bench.contenders import BARE
from bench.figures import Spread, percentile
from bench.records import Records
from bench.scenarios.at_once import STEADY_SECONDS, AtOnceResult, BareAtOnceResult
from bench.summary.by_round import NONE, ratio, ratios, spread
from bench.tables import Table

Bursts = Mapping[int, AtOnceResult | BareAtOnceResult]

_CPU_COLUMNS = ("API server", "etcd", "controllers", "operator", "generator", "others")


def at_once_tables(records: Records) -> list[Table]:
    """For each size, one table of times and one of CPU; and one of the restarts."""
    found = []
    for size in records.sizes(AtOnceResult, BareAtOnceResult):
        found += [_times(records, size), _cpu(records, size)]
    restarts = _restarts(records)
    return [*found, restarts] if restarts.rows else found


def rate(found: AtOnceResult | BareAtOnceResult) -> float:
    """Namespaces a second, from the first one sent to the last policy seen."""
    return len(found.burst.delays) / found.burst.seconds


def _bursts(records: Records, size: int) -> dict[str, Bursts]:
    bare = records.of(BareAtOnceResult, BARE, size)
    others = {name: records.of(AtOnceResult, name, size) for name in _names(records, size)}
    return {BARE: bare, **others} if bare else {**others}


def _names(records: Records, size: int) -> list[str]:
    return records.who(AtOnceResult, size)


def _times(records: Records, size: int) -> Table:
    bare = records.of(BareAtOnceResult, BARE, size)
    rows = [
        [
            name,
            spread(found, lambda each: each.burst.seconds, 2),
            spread(found, rate, 0),
            ratio(ratios(found, rate, bare, rate)),
            spread(found, lambda each: 1e3 * percentile(each.burst.delays, 0.5), 0),
            spread(found, lambda each: 1e3 * percentile(each.burst.delays, 0.99), 0),
        ]
        for name, found in _bursts(records, size).items()
    ]
    note = (
        "32 clients create the Namespaces; seconds from the first create sent until the last policy"
        " is seen stored. of bare: the rate, against the bare client's of the same round, which"
        " writes the same Namespaces and the same policies. Delays: from a Namespace's own answer."
    )
    for name in _names(records, size):
        different = max(each.different for each in records.of(AtOnceResult, name, size).values())
        if different:
            note += f" {name} wrote another policy for {different:,} of them than the bare client."
    columns = ("", "seconds", "namespaces/s", "of bare", "delay p50 ms", "delay p99 ms")
    return Table(f"{size:,} namespaces at once", columns, rows, note)


def _cpu(records: Records, size: int) -> Table:
    rows = []
    for name, found in _bursts(records, size).items():
        used = [each.cpu for each in found.values()]
        cells = [
            Spread.of([cpu[column] for cpu in used]).text(2) if column in used[0] else NONE
            for column in _CPU_COLUMNS
        ]
        busy = [
            sum(seconds for column, seconds in cpu.items() if column != "machine") / cpu["machine"]
            for cpu in used
        ]
        rows.append([name, *cells, f"{Spread.of(busy).median:.0%}"])
    note = (
        "CPU seconds until the last policy is stored. generator: the process that creates the"
        " Namespaces, and as the bare client their policies too. others: programs that are no part"
        " of this. of the machine: all of them against what the cores had to give."
    )
    columns = ("CPU seconds", *_CPU_COLUMNS, "of the machine")
    return Table(f"Who used the CPU, {size:,} namespaces at once", columns, rows, note)


def _restarts(records: Records) -> Table:
    rows = []
    for size in records.sizes(AtOnceResult):
        for name in _names(records, size):
            found = {
                number: each.restart
                for number, each in records.of(AtOnceResult, name, size).items()
            }
            rows.append(
                [
                    f"{name}, {size:,}",
                    spread(found, lambda each: each.seconds, 2),
                    spread(found, lambda each: each.written, 0),
                    spread(found, lambda each: each.cpu, 2),
                    spread(found, lambda each: each.memory.peak, 0),
                    spread(found, lambda each: each.memory.resident, 0),
                ]
            )
    note = (
        "From the start of the process, Python's imports included, to a good /readyz; what it takes"
        f" to be ready each operator decides for itself. CPU: until {STEADY_SECONDS:g} s after"
        " that, as is the steady memory."
    )
    columns = (
        *("operator, namespaces", "seconds to ready", "policies written", "CPU, s"),
        *("peak MB", "steady MB"),
    )
    return Table("Restart with everything already right", columns, rows, note)
