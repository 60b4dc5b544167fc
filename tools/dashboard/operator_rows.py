"""How the work goes, and how the replicas that do it are."""

from __future__ import annotations

from collections.abc import Sequence

from tools.dashboard.panel import Column, Panel, Query, View

# The process's own metrics have names that everybody's have; the operator's are those of whoever
# also says which version of the operator it is.
_OURS = "and ignoring (version) homelab_netpol_build_info"
_YES_NO = {0: ("no", "text"), 1: ("yes", "green")}


def _curves(
    title: str, description: str, unit: str, *queries: Query, alarm: float | None = None
) -> Panel:
    return Panel(title, description, View.CURVES, queries, unit, alarm=alarm)


def _quantile(share: float, histogram: str, *by: str) -> str:
    labels = ", ".join(("le", *by))
    rate = f"rate(homelab_netpol_{histogram}_bucket[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({labels}) ({rate}))"


def _per_second(counter: str, *by: str) -> str:
    rate = f"rate(homelab_netpol_{counter}_total[$__rate_interval])"
    return f"sum by ({', '.join(by)}) ({rate})" if by else f"sum({rate})"


_WORK = (
    _curves(
        "From label to policy",
        "From seeing a change of a Namespace to its policies being stored.",
        "s",
        Query(_quantile(0.5, "label_to_policy_seconds"), "p50"),
        Query(_quantile(0.99, "label_to_policy_seconds"), "p99"),
    ),
    _curves(
        "Duration of a reconcile, p99",
        "How long one look at a namespace, a shared resource and so on takes, writes included.",
        "s",
        Query(_quantile(0.99, "reconcile_duration_seconds", "scope"), "{{scope}}"),
    ),
    _curves(
        "Reconciles",
        "By result. In a quiet cluster all are unchanged.",
        "ops",
        Query(_per_second("reconciles", "result"), "{{result}}"),
    ),
    _curves(
        "Writes",
        "Policies created, replaced and deleted. In a quiet cluster there are none.",
        "wps",
        Query(_per_second("writes", "operation"), "{{operation}}"),
    ),
    _curves(
        "Drift reverted",
        "Policies put back after somebody changed or deleted them: who, the audit log knows.",
        "wps",
        Query(_per_second("drift_reverted"), "reverted"),
    ),
    _curves(
        "Queue",
        "Keys that wait for their turn, in the leader. A queue that does not move makes it not"
        " ready.",
        "short",
        Query("max(homelab_netpol_queue_depth and homelab_netpol_leader == 1)", "waiting"),
        Query("sum(homelab_netpol_keys_failing)", "failing"),
    ),
    Panel(
        "What fails",
        "How often in a row; the operator's log says why. At most a hundred.",
        View.TABLE,
        [Query("max by (scope, name) (homelab_netpol_failures_in_a_row)")],
        columns=(
            Column("scope", "Scope"),
            Column("name", "Name"),
            Column("Value", "In a row"),
        ),
    ),
    _curves(
        "Lists and watches that went wrong",
        "Full lists that failed, and events of a watch that could not be taken in.",
        "ops",
        Query(
            'sum(rate(homelab_netpol_resyncs_total{result="failed"}[$__rate_interval]))',
            "resyncs failed",
        ),
        Query(_per_second("intake_errors", "watch"), "{{watch}}"),
    ),
    _curves(
        "Told to nobody",
        "Events that could not be posted, and lines of the log that could not be written.",
        "ops",
        Query(_per_second("events_dropped"), "Events"),
        Query(_per_second("log_lines_dropped"), "lines of the log"),
    ),
)

_OPERATOR = (
    Panel(
        "Leader",
        "Which replica writes.",
        View.STATES,
        [Query("max by (instance, pod) (homelab_netpol_leader)", "{{pod}} {{instance}}")],
        words=_YES_NO,
    ),
    Panel(
        "Ready",
        "A replica that is not says why in its page /readyz.",
        View.STATES,
        [Query("max by (instance, pod) (homelab_netpol_ready)", "{{pod}} {{instance}}")],
        words={0: ("no", "red"), 1: ("yes", "green")},
    ),
    _curves(
        "Silence of watches",
        "Since when a watch has told nothing. A sign of life comes every minute; from 180 s on it"
        " is an alert.",
        "s",
        Query(
            "max by (watch, instance, pod) (homelab_netpol_watch_silent_seconds)",
            "{{watch}} {{pod}}",
        ),
        alarm=180,
    ),
    _curves(
        "Age of the last full list",
        "It goes back to zero every resyncSeconds; three times that is an alert.",
        "s",
        Query(
            "max by (instance, pod) (time() - homelab_netpol_last_resync_timestamp_seconds)",
            "{{pod}} {{instance}}",
        ),
        Query("3 * max(homelab_netpol_resync_interval_seconds)", "alert"),
    ),
    _curves(
        "Memory",
        "Resident memory of each replica.",
        "bytes",
        Query(f"process_resident_memory_bytes {_OURS}", "{{pod}} {{instance}}"),
    ),
    _curves(
        "CPU",
        "Share of one core.",
        "percentunit",
        Query(
            f"rate(process_cpu_seconds_total[$__rate_interval]) {_OURS}",
            "{{pod}} {{instance}}",
        ),
    ),
    Panel(
        "Versions and starts",
        "Which version each replica is, and since when it runs.",
        View.TABLE,
        [
            Query(
                "max by (instance, pod, version) (homelab_netpol_build_info * ignoring (version)"
                " group_left () process_start_time_seconds) * 1000"
            )
        ],
        width=24,
        height=5,
        columns=(
            Column("pod", "Pod"),
            Column("instance", "Instance"),
            Column("version", "Version"),
            Column("Value", "Started", "dateTimeAsIso"),
        ),
    ),
)

ROWS: tuple[tuple[str, Sequence[Panel]], ...] = (("Work", _WORK), ("The operator", _OPERATOR))
