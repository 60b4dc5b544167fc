"""Everything that the demo shows, and where it differs from what is expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.parser import text_string_to_metric_families

from homelab_netpol.policy.objects import FIELD_MANAGER
from lab.control_plane import Verdict
from lab.demo.homelab import ExpectedVerdict, Homelab, Namespace
from lab.demo.in_force import InForce, read_in_force
from lab.demo.informer import Snapshot
from lab.demo.judge import Judge

GAUGE = "homelab_netpol_enforcement_disabled"


class _Compared(Protocol):
    def differences(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class Latency:
    """Milliseconds from sending a label until its last policy was seen; None if none was."""

    labels: float | None = None
    hatch: float | None = None


@dataclass(frozen=True)
class NamespaceFinding:
    """One Namespace: what its labels ask for, what is in force, and how long that took."""

    namespace: Namespace
    asked: str | None
    in_force: InForce
    latency: Latency

    def differences(self) -> Iterator[str]:
        """What is not as expected."""
        name, found, wanted = self.namespace.name, self.in_force, self.namespace
        if found.profile != wanted.in_force:
            yield (
                f"{name}: profile in force is {found.profile or 'none'}, "
                f"expected {wanted.in_force or 'none'}"
            )
        if found.grants != wanted.grants:
            yield f"{name}: grants are {_list(found.grants)}, expected {_list(wanted.grants)}"
        if found.hatch != wanted.hatch:
            state = ("closed", "open")
            yield f"{name}: escape hatch is {state[found.hatch]}, expected {state[wanted.hatch]}"


@dataclass(frozen=True)
class VerdictFinding:
    """One flow: the expected verdict, and that of Cilium's engine."""

    expected: ExpectedVerdict
    got: Verdict

    @property
    def as_expected(self) -> bool:
        """The engine's verdict is the expected one."""
        return self.got.allowed == self.expected.allowed

    def differences(self) -> Iterator[str]:
        """What is not as expected."""
        if not self.as_expected:
            words = ("denied", "allowed")
            yield (
                f"{self.expected.question}: {words[self.got.allowed]},"
                f" expected {words[self.expected.allowed]} ({self.expected.because})"
            )


@dataclass(frozen=True)
class WarningFinding:
    """A Kubernetes Event of type Warning: found, or missing although it was expected."""

    namespace: str
    reason: str
    message: str | None
    expected: bool

    def differences(self) -> Iterator[str]:
        """What is not as expected."""
        if self.message is None:
            yield f"{self.namespace}: no Event {self.reason}"
        elif not self.expected:
            yield f"{self.namespace}: unexpected Event {self.reason}: {self.message}"


@dataclass(frozen=True)
class GaugeFinding:
    """The enforcement gauge as /metrics shows it, by namespace, and as it should be."""

    values: Mapping[str, float]
    expected: Mapping[str, float]

    def differences(self) -> Iterator[str]:
        """What is not as expected."""
        if self.values != self.expected:
            yield f"{GAUGE}: {dict(self.values)}, expected {dict(self.expected)}"


@dataclass(frozen=True)
class Findings:
    """All that is shown."""

    namespaces: tuple[NamespaceFinding, ...]
    verdicts: tuple[VerdictFinding, ...]
    warnings: tuple[WarningFinding, ...]
    gauge: GaugeFinding
    rejected: tuple[str, ...]

    def differences(self) -> list[str]:
        """Everything that is not as expected, one line each."""
        compared: list[_Compared] = [*self.namespaces, *self.verdicts, *self.warnings, self.gauge]
        rejected = [f"Cilium rejects {policy}" for policy in self.rejected]
        return [*rejected, *(line for finding in compared for line in finding.differences())]

    def count(self) -> int:
        """How many things were compared with what was expected."""
        return len(self.namespaces) + len(self.verdicts) + len(self.warnings) + 1


def find(
    homelab: Homelab,
    snapshot: Snapshot,
    judge: Judge,
    metrics: str,
    latencies: Mapping[str, Latency],
    domain: str,
) -> Findings:
    """Compares what is there with what is expected.

    Args:
        homelab: what is expected.
        snapshot: what is on the API server.
        judge: asks Cilium's engine.
        metrics: the text of the operator's /metrics.
        latencies: measured latencies, by namespace.
        domain: the label domain.
    """
    rejected = judge.rejected(snapshot)
    verdicts = judge.verdicts([expected.question for expected in homelab.verdicts])
    return Findings(
        namespaces=tuple(
            NamespaceFinding(
                namespace,
                snapshot.labels(namespace.name).get(f"{domain}/profile"),
                read_in_force(snapshot, namespace.name, domain),
                latencies.get(namespace.name, Latency()),
            )
            for namespace in homelab.namespaces
        ),
        verdicts=tuple(map(VerdictFinding, homelab.verdicts, verdicts)),
        warnings=tuple(_warnings(homelab, snapshot)),
        gauge=GaugeFinding(
            _gauge(metrics), {ns.name: 1.0 for ns in homelab.namespaces if ns.hatch}
        ),
        rejected=tuple(rejected),
    )


def _warnings(homelab: Homelab, snapshot: Snapshot) -> Iterator[WarningFinding]:
    names = set(homelab.names())
    missing = list(homelab.warnings)
    found = []
    for event in snapshot.events():
        namespace, reason = event["metadata"]["namespace"], event.get("reason", "")
        ours = event.get("reportingComponent") == FIELD_MANAGER and namespace in names
        if not ours or event.get("type") != "Warning":
            continue
        message = event.get("message", "")
        matching = [
            expected
            for expected in missing
            if (expected.namespace, expected.reason) == (namespace, reason)
            and expected.says in message
        ]
        missing = [expected for expected in missing if expected not in matching]
        found.append(WarningFinding(namespace, reason, message, bool(matching)))
    order = homelab.names()
    yield from sorted(found, key=lambda finding: order.index(finding.namespace))
    for expected in missing:
        yield WarningFinding(expected.namespace, expected.reason, None, True)


def _gauge(metrics: str) -> dict[str, float]:
    return {
        sample.labels["namespace"]: sample.value
        for family in text_string_to_metric_families(metrics)
        if family.name == GAUGE
        for sample in family.samples
    }


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
