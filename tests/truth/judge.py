"""Asks Cilium's policy engine about every flow, and compares its answers with the table."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.control_plane import Engine, Flow, Verdict
from tests.truth.table import Direction, Expectation, Row
from tests.truth.world import Endpoint, Port, ports

Pair = tuple[Endpoint, Endpoint]
# So many pairs a question: enough that asking costs nothing, few enough to hold in memory.
_BATCH = 2000
_SHOWN = 20
_NAMED = 6


@dataclass(frozen=True)
class Mismatch:
    """One half of one flow that is not as the table says."""

    direction: Direction
    own: Endpoint
    peer: Endpoint
    port: Port
    expected: str
    got: str


# The property of a test's report under which its numbers are: flows, halves, allowed, mismatches.
JUDGED = "judged"


@dataclass
class Report:
    """What came of a judgement."""

    expectation: Expectation
    namespace_labels: Mapping[str, Mapping[str, str]]
    flows: int = 0
    halves: int = 0
    allowed: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)

    def text(self) -> str:
        """The mismatches, one of each sort, with what a person needs to see who is wrong."""
        sorts: dict[tuple[str, ...], list[Mismatch]] = {}
        for one in self.mismatches:
            # Workload namespaces differ by their labels only: one of them stands for all.
            own = "" if _is_workload(one.own) else one.own.name
            rows = [row.name for row in self._allowing(one)]
            sorts.setdefault((one.direction, one.expected, own, *rows), []).append(one)
        setting = self.expectation.setting
        lines = [
            f"{len(self.mismatches)} of {self.halves} halves of {self.flows} flows are not as"
            f" table.yaml says (scope {setting.world.scope}, world {setting.world.name}"
            f"{', with a hand-written policy' if setting.own_policies else ''}):"
        ]
        for alike in itertools.islice(sorts.values(), _SHOWN):
            lines += ["", *self._explain(alike[0])]
            if len(alike) > 1:
                lines.append(f"    and {len(alike) - 1} more like it: {_summary(alike)}")
        if len(sorts) > _SHOWN:
            lines += ["", f"... and {len(sorts) - _SHOWN} more sorts"]
        return "\n".join(lines)

    def _explain(self, one: Mismatch) -> Iterator[str]:
        arrow = "to" if one.direction == "egress" else "from"
        yield (
            f"{one.direction} of {one.own.name} {arrow} {one.peer.name} on {one.port}:"
            f" expected {one.expected}, Cilium says {one.got}"
        )
        allowing = self._allowing(one)
        for row in allowing:
            yield f"    allowed by row {row.name}: {row.says}"
        if not allowing:
            near = self.expectation.rows_about(one.direction, one.own, one.peer)
            names = ", ".join(row.name for row in near if one.port in row.ports_covered) or "none"
            yield f"    no row allows it (rows whose conditions do not hold: {names})"
        for endpoint in (one.own, one.peer):
            if endpoint.namespace is not None:
                labels = _shortened(self.namespace_labels[endpoint.namespace.name])
                yield f"    namespace {endpoint.namespace.name}: {labels or 'no labels'}"

    def _allowing(self, one: Mismatch) -> list[Row]:
        rows = self.expectation.rows_allowing(one.direction, one.own, one.peer)
        return [row for row in rows if one.port in row.ports_covered]


def judge(
    engine: Engine,
    objects: Sequence[Mapping[str, Any]],
    expectation: Expectation,
    pairs: Sequence[Pair],
    namespace_labels: Mapping[str, Mapping[str, str]],
    concerns: Callable[[Endpoint], bool] = lambda own: True,
) -> Report:
    """Put the objects in force and compare every flow between the pairs with the table.

    Args:
        engine: Cilium's policy engine.
        objects: the policies, as the API server returned them.
        expectation: the table, read for the setting.
        pairs: who sends to whom; every port is tried.
        namespace_labels: of every namespace, what Cilium's identities have of its labels.
        concerns: whose halves to compare; by default everybody's.
    """
    endpoints = {endpoint.name: endpoint for pair in pairs for endpoint in pair}
    engine.identities(
        {name: endpoint.identity(namespace_labels) for name, endpoint in endpoints.items()}
    )
    rejected = engine.policies(objects)
    assert not rejected, f"Cilium rejects {rejected}"

    report = Report(expectation, namespace_labels)
    tried = ports()
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        flows = [
            Flow(sender.name, receiver.name, port.number, port.protocol)
            for sender, receiver in batch
            for port in tried
        ]
        answers = iter(engine.verdicts(flows))
        for sender, receiver in batch:
            verdicts = list(itertools.islice(answers, len(tried)))
            _compare(report, "egress", sender, receiver, verdicts, concerns)
            _compare(report, "ingress", receiver, sender, verdicts, concerns)
        report.flows += len(flows)
    return report


def _compare(
    report: Report,
    direction: Direction,
    own: Endpoint,
    peer: Endpoint,
    verdicts: Sequence[Verdict],
    concerns: Callable[[Endpoint], bool],
) -> None:
    if own.namespace is None or not concerns(own):
        return
    open_ports = report.expectation.open_ports(direction, own, peer)
    got = [getattr(verdict, direction) for verdict in verdicts]
    expected = ["allowed" if port in open_ports else "denied" for port in ports()]
    if got != expected:
        report.mismatches += [
            Mismatch(direction, own, peer, port, wanted, answer)
            for port, wanted, answer in zip(ports(), expected, got, strict=True)
            if wanted != answer
        ]
    report.halves += len(verdicts)
    report.allowed += len(open_ports)


def _summary(alike: Sequence[Mismatch]) -> str:
    parts = [
        ("of", dict.fromkeys(one.own.name for one in alike)),
        ("with", dict.fromkeys(one.peer.name for one in alike)),
        ("on", dict.fromkeys(str(one.port) for one in alike)),
    ]
    return "; ".join(f"{word} {_some(list(names))}" for word, names in parts)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} others" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _is_workload(endpoint: Endpoint) -> bool:
    return endpoint.namespace is not None and not endpoint.namespace.platform


def _shortened(labels: Mapping[str, str]) -> str:
    """The labels that the operator reads, without Kubernetes' own."""
    return ", ".join(f"{k}={v}" for k, v in sorted(labels.items()) if "kubernetes.io" not in k)
