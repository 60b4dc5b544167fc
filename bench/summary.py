"""From rounds to tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.figures import Spread, percentile
from bench.load.latency import BARE, KINDS, Sample
from bench.rounds import Round
from bench.scenarios.at_once import AtOnceResult
from bench.scenarios.redefinition import USERS
from bench.tables import Table

# What the project promises, for its own operator on two cores.
_P50_MS, _P99_MS, _AT_ONCE_SECONDS, _PEAK_MB = 10.0, 50.0, 1.5, 120.0
_REDEFINED_SECONDS = 3.0
_PROMISED_NAMESPACES = 500
_DISTURBED = 0.1
_CPU_COLUMNS = ("API server", "etcd", "controllers", "operator", "generator", "others")


def tables(rounds: Sequence[Round], namespaces: int) -> list[Table]:
    """All tables, in the order in which they are read."""
    return [
        _targets(rounds, namespaces),
        _one_by_one(rounds),
        _at_once(rounds, namespaces),
        _cpu(rounds, namespaces),
        _weight(rounds, namespaces),
        _restart(rounds, namespaces),
        _redefinition(rounds),
    ]


def disturbance(rounds: Sequence[Round]) -> Spread:
    """The share of the machine that programs of others took while bursts ran."""
    used = [found.ceiling.cpu for found in rounds]
    used += [result.cpu for found in rounds for result in found.at_once.values()]
    return Spread.of([cpu["others"] / cpu["machine"] for cpu in used])


def disturbed(rounds: Sequence[Round]) -> str:
    """A warning if the figures are not worth much; else nothing."""
    share = disturbance(rounds)
    if share.median <= _DISTURBED:
        return ""
    return (
        f"Other programs took {share.median:.0%} of the machine meanwhile (at most"
        f" {share.most:.0%}). Times mean little, and a ratio only something where both sides had"
        " about the same `others`. Measure again on a machine that is free."
    )


def _names(rounds: Sequence[Round]) -> list[str]:
    return sorted(rounds[0].at_once)


def _milliseconds(samples: Sequence[Sample], kind: str, *, sent: bool = False) -> list[float]:
    return [1e3 * (s.sent if sent else s.acknowledged) for s in samples if s.kind == kind]


def _targets(rounds: Sequence[Round], namespaces: int) -> Table:
    rows = []
    for name in _names(rounds):
        samples = [s for found in rounds for s in found.one_by_one[name].samples]
        worst50 = max(percentile(_milliseconds(samples, kind), 0.5) for kind in KINDS)
        worst99 = max(percentile(_milliseconds(samples, kind), 0.99) for kind in KINDS)
        at_once = Spread.of([found.at_once[name].burst.seconds for found in rounds])
        peak = max(found.at_once[name].memory.peak for found in rounds)
        written = sum(found.at_once[name].restart.written for found in rounds)
        rows += [
            _target(name, "label to policy, p50 of the slowest kind", worst50, _P50_MS, "ms"),
            _target(name, "label to policy, p99 of the slowest kind", worst99, _P99_MS, "ms"),
        ]
        if namespaces == _PROMISED_NAMESPACES:
            rows += [
                _target(name, "500 at once, median", at_once.median, _AT_ONCE_SECONDS, "s"),
                _target(name, "peak memory, the worst round", peak, _PEAK_MB, "MB"),
            ]
        redefined = Spread.of([found.redefinition[name].changed.seconds for found in rounds])
        what = f"a profile's change on {USERS:,} namespaces, the worst round"
        rows.append(_target(name, what, redefined.most, _REDEFINED_SECONDS, "s"))
        rows.append([name, "writes at a restart", "0", str(written), "no" if written else "yes"])
    return Table("What was promised", ("operator", "figure", "bar", "measured", "met"), rows)


def _target(name: str, what: str, value: float, bar: float, unit: str) -> list[str]:
    met = "yes" if value < bar else "NO"
    return [name, what, f"< {bar:g} {unit}", f"{value:.3g} {unit}", met]


def _one_by_one(rounds: Sequence[Round]) -> Table:
    rows = [_latency_row("bare client: create, then its policy", BARE, _bare_samples(rounds))]
    for name in _names(rounds):
        by_round = [found.one_by_one[name].samples for found in rounds]
        rows += [_latency_row(f"{name}: {kind}", kind, by_round) for kind in KINDS]
    columns = (
        *("milliseconds", "samples", "p50", "p99", "most"),
        *("p50 from sending", "p99 from sending"),
    )
    note = (
        "From the API server's answer to the change of the Namespace until a watch shows the"
        " policy; the last two columns from sending the change. p50: median of the rounds (least.."
        "most). p99 and most: of all rounds' samples together. bare client: whoever created the"
        " Namespace writes the policy at once, the least that is possible."
    )
    return Table("One label at a time", columns, rows, note)


def _bare_samples(rounds: Sequence[Round]) -> list[Sequence[Sample]]:
    return [found.ceiling.samples for found in rounds]


def _latency_row(text: str, kind: str, by_round: Sequence[Sequence[Sample]]) -> list[str]:
    together = [sample for samples in by_round for sample in samples]
    acknowledged = _milliseconds(together, kind)
    sent = _milliseconds(together, kind, sent=True)
    p50 = Spread.of([percentile(_milliseconds(samples, kind), 0.5) for samples in by_round])
    return [
        text,
        str(len(acknowledged)),
        p50.text(1),
        f"{percentile(acknowledged, 0.99):.1f}",
        f"{max(acknowledged):.1f}",
        f"{percentile(sent, 0.5):.1f}",
        f"{percentile(sent, 0.99):.1f}",
    ]


def _at_once(rounds: Sequence[Round], namespaces: int) -> Table:
    bare = [found.ceiling.burst for found in rounds]
    rows = [
        [
            "bare client",
            Spread.of([burst.seconds for burst in bare]).text(2),
            Spread.of([namespaces / burst.seconds for burst in bare]).text(0),
            "1",
            Spread.of([1e3 * percentile(burst.delays, 0.5) for burst in bare]).text(0),
            Spread.of([1e3 * percentile(burst.delays, 0.99) for burst in bare]).text(0),
        ]
    ]
    for name in _names(rounds):
        bursts = [found.at_once[name].burst for found in rounds]
        pairs = zip(bursts, bare, strict=True)
        rows.append(
            [
                name,
                Spread.of([burst.seconds for burst in bursts]).text(2),
                Spread.of([namespaces / burst.seconds for burst in bursts]).text(0),
                Spread.of([burst.seconds / least.seconds for burst, least in pairs]).text(2),
                Spread.of([1e3 * percentile(burst.delays, 0.5) for burst in bursts]).text(0),
                Spread.of([1e3 * percentile(burst.delays, 0.99) for burst in bursts]).text(0),
            ]
        )
    note = (
        "32 clients create the Namespaces; seconds from the first create sent until the last policy"
        " is seen stored. times bare: against the bare client of the same round, which writes the"
        " same Namespaces and the same policies. Delays: from a Namespace's own answer."
    )
    columns = ("", "seconds", "namespaces/s", "times bare", "delay p50 ms", "delay p99 ms")
    return Table(f"{namespaces} namespaces at once", columns, rows, note)


def _cpu(rounds: Sequence[Round], namespaces: int) -> Table:
    rows = [_cpu_row("bare client", [found.ceiling.cpu for found in rounds])]
    for name in _names(rounds):
        rows.append(_cpu_row(name, [found.at_once[name].cpu for found in rounds]))
    note = (
        "CPU seconds until the last policy is stored. generator: the process that creates the"
        " Namespaces, and as the bare client their policies too. others: programs that are no part"
        " of this. of the machine: all of them against what the cores had to give."
    )
    columns = ("CPU seconds", *_CPU_COLUMNS, "of the machine")
    return Table(f"Who used the CPU, {namespaces} namespaces at once", columns, rows, note)


def _cpu_row(name: str, used: Sequence[Mapping[str, float]]) -> list[str]:
    cells = [
        Spread.of([cpu[column] for cpu in used]).text(2) if column in used[0] else "-"
        for column in _CPU_COLUMNS
    ]
    total = [
        sum(v for column, v in cpu.items() if column != "machine") / cpu["machine"] for cpu in used
    ]
    return [name, *cells, f"{Spread.of(total).median:.0%}"]


def _weight(rounds: Sequence[Round], namespaces: int) -> Table:
    at_once: Mapping[str, Callable[[AtOnceResult], float]] = {
        "memory, idle, MB": lambda found: found.idle.resident,
        f"memory with {namespaces} namespaces, MB": lambda found: found.memory.resident,
        "peak memory of the burst, MB": lambda found: found.memory.peak,
        "memory after a restart among them, MB": lambda found: found.restart.memory.resident,
        "peak memory of that restart, MB": lambda found: found.restart.memory.peak,
        "CPU until the last policy, s": lambda found: found.cpu["operator"],
        "CPU until the last Event, s": lambda found: found.cpu_to_quiet,
        "CPU of the restart, s": lambda found: found.restart.cpu,
    }
    names = _names(rounds)
    rows = [
        [what, *(Spread.of([read(r.at_once[name]) for r in rounds]).text(2) for name in names)]
        for what, read in at_once.items()
    ]
    each = [[r.one_by_one[name] for r in rounds] for name in names]
    cells = [Spread.of([1e3 * f.cpu["operator"] / f.changes for f in found]) for found in each]
    rows.append(["CPU a change, one at a time, ms", *(cell.text(1) for cell in cells)])
    note = "Memory: VmRSS and, as peak, VmHWM of the operator's process; 1 MB is 10^6 bytes."
    return Table("The operator's weight", ("", *names), rows, note)


def _restart(rounds: Sequence[Round], namespaces: int) -> Table:
    rows = []
    for name in _names(rounds):
        restarts = [found.at_once[name].restart for found in rounds]
        seconds = Spread.of([restart.seconds for restart in restarts])
        written = Spread.of([restart.written for restart in restarts])
        rows.append([name, seconds.text(2), written.text(0)])
    note = "From the start of the process, Python's imports included, to a good /readyz."
    columns = ("operator", "seconds to ready", "policies written")
    return Table(f"Restart among {namespaces} namespaces", columns, rows, note)


def _redefinition(rounds: Sequence[Round]) -> Table:
    rows = []
    for name in _names(rounds):
        found = [each.redefinition[name] for each in rounds]
        rows.append(
            [
                name,
                Spread.of([each.changed.seconds for each in found]).text(2),
                Spread.of([each.bare.seconds for each in found]).text(2),
                Spread.of([each.changed.seconds / each.bare.seconds for each in found]).text(2),
                Spread.of([each.cpu["operator"] for each in found]).text(2),
                Spread.of([each.memory.peak for each in found]).text(0),
            ]
        )
    note = (
        "From sending the change of the NetworkProfile until a watch has shown every policy with"
        " it. bare client: replaces the same policies on the same control plane, 16 at a time."
    )
    columns = ("operator", "seconds", "bare client", "times bare", "operator's CPU, s", "peak MB")
    return Table(f"A profile with {USERS:,} users is changed", columns, rows, note)
