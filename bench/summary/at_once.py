"""The tables of many Namespaces at once, and of the restart among them."""

from __future__ import annotations

from collections.abc import Mapping

from bench.contenders import BARE
from bench.figures import Spread, percentile
from bench.records import Records
from bench.scenarios.at_once import STEADY_SECONDS, AtOnceResult, BareAtOnceResult
from bench.summary.columns import Column, each_round, ratio_to, table
from bench.tables import Table

_CPU = ("API server", "etcd", "controllers", "operator", "generator", "others")
_NOTE = (
    "32 clients create the Namespaces; seconds from the first create sent until the last policy"
    " is seen stored. of bare: the rate, against the bare client's of the same round, which"
    " writes the same Namespaces and the same policies. Delays: from a Namespace's own answer."
)
_CPU_NOTE = (
    "CPU seconds until the last policy is stored. generator: the process that creates the"
    " Namespaces, and as the bare client their policies too. others: programs that are no part"
    " of this. of the machine: all of them against what the cores had to give."
)
_RESTART_NOTE = (
    "From the start of the process, Python's imports included, to a good /readyz; what it takes"
    f" to be ready each operator decides for itself. CPU: until {STEADY_SECONDS:g} s after"
    " that, as is the steady memory."
)
_RESTART: tuple[Column[AtOnceResult], ...] = (
    each_round("seconds to ready", lambda found: found.restart.seconds, 2),
    each_round("policies written", lambda found: found.restart.written, 0),
    each_round("CPU, s", lambda found: found.restart.cpu, 2),
    each_round("peak MB", lambda found: found.restart.memory.peak, 0),
    each_round("steady MB", lambda found: found.restart.memory.resident, 0),
)


def at_once_tables(records: Records) -> list[Table]:
    """For each size, one table of times and one of CPU; and one of the restarts."""
    found = []
    for size in records.sizes(BareAtOnceResult):
        found += [_times(records, size), _cpu(records, size)]
    restarts = records.by_name_and_size(AtOnceResult)
    title = "Restart with everything already right"
    if restarts:
        found.append(table(title, "operator, namespaces", _RESTART, restarts, _RESTART_NOTE))
    return found


def rate(found: BareAtOnceResult) -> float:
    """Namespaces a second, from the first one sent to the last policy seen."""
    return len(found.burst.delays) / found.burst.seconds


def _times(records: Records, size: int) -> Table:
    bare = records.of(BareAtOnceResult, BARE, size)
    columns: tuple[Column[BareAtOnceResult], ...] = (
        each_round("seconds", lambda found: found.burst.seconds, 2),
        each_round("namespaces/s", rate, 0),
        ratio_to("of bare", bare, rate),
        each_round("delay p50 ms", lambda found: 1e3 * percentile(found.burst.delays, 0.5), 0),
        each_round("delay p99 ms", lambda found: 1e3 * percentile(found.burst.delays, 0.99), 0),
    )
    note = _NOTE
    for name, rounds in records.by_name(AtOnceResult, size).items():
        if different := max(each.different for each in rounds.values()):
            note += f" {name} wrote another policy for {different:,} of them than the bare client."
    found = records.by_name(BareAtOnceResult, size)
    return table(f"{size:,} namespaces at once", "", columns, found, note)


def _cpu(records: Records, size: int) -> Table:
    columns = (*map(_cpu_of, _CPU), Column("of the machine", _share_of_machine))
    found = {
        name: {number: each.cpu for number, each in rounds.items()}
        for name, rounds in records.by_name(BareAtOnceResult, size).items()
    }
    title = f"Who used the CPU, {size:,} namespaces at once"
    return table(title, "CPU seconds", columns, found, _CPU_NOTE)


def _cpu_of(process: str) -> Column[dict[str, float]]:
    return each_round(process, lambda cpu: cpu.get(process), 2)


def _share_of_machine(found: Mapping[int, dict[str, float]]) -> str:
    shares = [(sum(cpu.values()) - cpu["machine"]) / cpu["machine"] for cpu in found.values()]
    return f"{Spread.of(shares).median:.0%}"
