"""What the operator measures, and under which names Prometheus finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from homelab_netpol.telemetry.logs import lines_dropped

PREFIX = "homelab_netpol"

# prometheus_client gives this function no types.
_without_created_series: Callable[[], None] = disable_created_metrics

# From a label to its policy takes milliseconds; a minute is what the runbook promises at the most.
_LATENCY_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Metrics:
    """The operator's metrics, in a registry of their own.

    Attributes:
        registry: all of them, and the process's own memory, CPU and open files.
        labels: the labels of each metric that has any, by the name that the registry gives it.
    """

    def __init__(self) -> None:
        # A second series beside every counter, which no alert or panel looks at.
        _without_created_series()
        self.registry = CollectorRegistry()
        self.labels: dict[str, tuple[str, ...]] = {}
        self.enforcement_disabled = self._gauge(
            "enforcement_disabled", "1 while the escape hatch of a namespace is open.", "namespace"
        )
        self.enforcement_disabled_since = self._gauge(
            "enforcement_disabled_since_timestamp_seconds",
            "Since when the escape hatch of a namespace is open, in Unix time.",
            "namespace",
        )
        self.enforcement_disabled_until = self._gauge(
            "enforcement_disabled_until_timestamp_seconds",
            "When the escape hatch of a namespace closes by itself, in Unix time.",
            "namespace",
        )
        self.profile_lost = self._gauge(
            "profile_lost_timestamp_seconds",
            "When the profile of a namespace went, in Unix time, until it has one again. A restart"
            " of the operator forgets it.",
            "namespace",
        )
        self.enforcement_impaired = self._gauge(
            "enforcement_impaired",
            "1 for each reason for which Cilium does not enforce policies, or not as written.",
            "reason",
        )
        self.enforcement_known = self._gauge(
            "enforcement_known",
            "1 when Cilium's configuration could be read; if not, its enforcement is not known.",
        )
        self.default_deny_waiting = self._gauge(
            "default_deny_waiting",
            "1 while `defaultDeny: auto` acts as `labelled`, as a workload would be cut off.",
        )
        self.default_deny_open_namespaces = self._gauge(
            "default_deny_open_namespaces",
            "Namespaces with pods, and neither a profile nor an open hatch in force, for which"
            " `defaultDeny: auto` waits; as of the last look.",
        )
        self.invalid_policies = self._gauge(
            "invalid_policies",
            "1 for each policy of the operator that Cilium rejects and so does not put in force.",
            "kind",
            "namespace",
            "name",
        )
        self.definitions_unusable = self._gauge(
            "definitions_unusable",
            "1 for each NetworkProfile or SharedResource that cannot be used.",
            "kind",
            "name",
            "reason",
        )
        self.definitions_missing = self._gauge(
            "definitions_missing",
            "Namespaces that use a NetworkProfile or SharedResource that was deleted.",
            "kind",
            "name",
        )
        self.refused_labels = self._gauge(
            "refused_labels",
            "1 for each label or annotation that could not be followed as written.",
            "namespace",
            "reason",
            "key",
        )
        self.findings = self._gauge(
            "findings",
            "What others wrote or run that keeps grants or hatches from working, drops what must"
            " flow, or lets more through than a profile. Without a namespace: clusterwide.",
            "namespace",
            "reason",
        )
        self.conflicts = self._gauge(
            "conflicts",
            "1 for each policy that cannot be written, as a foreign policy has its name.",
            "kind",
            "namespace",
            "name",
        )
        self.policies = self._gauge(
            "policies", "Policies of the operator that stand.", "kind", "component"
        )
        self.namespaces = self._gauge("namespaces", "Namespaces by profile in force.", "profile")
        self.grants = self._gauge(
            "grants", "Namespaces that hold a grant on a shared resource.", "resource"
        )
        self.queue_depth = self._gauge("queue_depth", "Keys that wait for their turn.")
        self.keys_failing = self._gauge(
            "keys_failing", "Keys that could not be worked on at their last turn."
        )
        self.failures_in_a_row = self._gauge(
            "failures_in_a_row",
            "How often a key has failed since it last went well; of those that failed most, a"
            " hundred.",
            "scope",
            "name",
        )
        self.watch_silent_seconds = self._gauge(
            "watch_silent_seconds",
            "For how long the server has sent nothing to a watch of a reflector; a bookmark comes"
            " every minute at least.",
            "watch",
        )
        self.watch_behind_seconds = self._gauge(
            "watch_behind_seconds",
            "For how long one of Kopf's watches has not delivered what a list shows.",
            "watch",
        )
        self.leader = self._gauge("leader", "1 in the replica that writes.")
        self.ready = self._gauge(
            "ready", "1 when /readyz says so; a standby is ready once it knows who leads."
        )
        self.resync_interval = self._gauge(
            "resync_interval_seconds", "How often everything is listed and compared: the setting."
        )
        self.last_resync = self._gauge(
            "last_resync_timestamp_seconds",
            "When everything was last listed, at the start or since, in Unix time.",
        )
        self.reconciles = self._counter(
            "reconciles", "Reconciles by scope and result.", "scope", "result"
        )
        self.writes = self._counter(
            "writes",
            "Policies written, by what was done and for which component.",
            "operation",
            "component",
        )
        self.drift = self._counter(
            "drift_reverted", "Policies put back after they were changed or deleted."
        )
        self.events_dropped = self._counter(
            "events_dropped", "Kubernetes Events that could not be posted."
        )
        self.intake_errors = self._counter(
            "intake_errors",
            "Events of a watch that could not be handled; the next resync makes up for them.",
            "watch",
        )
        self.resyncs = self._counter("resyncs", "Full lists compared, by result.", "result")
        self.reconcile_seconds = self._histogram(
            "reconcile_duration_seconds", "How long one reconcile takes.", "scope"
        )
        self.label_to_policy = self._histogram(
            "label_to_policy_seconds",
            "From seeing a change of a Namespace to its policies being stored.",
        )
        self.registry.register(_LogLines())
        self.build = Info(f"{PREFIX}_build", "The operator's version.", registry=self.registry)
        self.labels[f"{PREFIX}_build"] = ("version",)
        ProcessCollector(registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(self._named(name, labels), text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(self._named(name, labels), text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            self._named(name, labels),
            text,
            labels,
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )

    def _named(self, name: str, labels: tuple[str, ...]) -> str:
        full = f"{PREFIX}_{name}"
        if labels:
            self.labels[full] = labels
        return full


class _LogLines(Collector):
    """Asks the log, which is there before anything is measured."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(
            f"{PREFIX}_log_lines_dropped",
            "Lines of the log that were lost, as they could not be written.",
            value=lines_dropped(),
        )


def drop_series(gauge: Gauge, *labels: str) -> None:
    """Takes a series away with the object it was about; fine if there is none."""
    try:
        gauge.remove(*labels)
    except KeyError:
        return
