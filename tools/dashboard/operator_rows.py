"""The rows about the operator: its work, and its replicas."""

from __future__ import annotations

from collections.abc import Sequence

from tools.dashboard.panel import Column, Panel, Query, View

# The metrics `process_*` have the same names in every program: the operator's are those of targets
# that export its build info too.
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
        "How long one reconcile of a namespace or a shared resource takes, writes included.",
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
        "Policies restored after others changed or deleted them. The audit log shows who did.",
        "wps",
        Query(_per_second("drift_reverted"), "reverted"),
    ),
    _curves(
        "Queue",
        "Keys that wait in the leader's queue. If it does not move, the leader is not ready.",
        "short",
        Query("max(homelab_netpol_queue_depth and homelab_netpol_leader == 1)", "waiting"),
        Query("sum(homelab_netpol_keys_failing)", "failing"),
    ),
    Panel(
        "Reconciles that fail",
        "How often in a row, for at most a hundred keys. The reason is in the operator's log.",
        View.TABLE,
        [Query("max by (scope, name) (homelab_netpol_failures_in_a_row)")],
        columns=(
            Column("scope", "Scope"),
            Column("name", "Name"),
            Column("Value", "In a row"),
        ),
    ),
    _curves(
        "Lists and watches that fail",
        "Full lists that failed, and watch events that could not be processed.",
        "ops",
        Query(
            'sum(rate(homelab_netpol_resyncs_total{result="failed"}[$__rate_interval]))',
            "resyncs failed",
        ),
        Query(_per_second("intake_errors", "watch"), "{{watch}}"),
    ),
    _curves(
        "Dropped Events and log lines",
        "Events that could not be created, and log lines that could not be written.",
        "ops",
        Query(_per_second("events_dropped"), "Events"),
        Query(_per_second("log_lines_dropped"), "log lines"),
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
        "The reason why a replica is not ready is on its page /readyz.",
        View.STATES,
        [Query("max by (instance, pod) (homelab_netpol_ready)", "{{pod}} {{instance}}")],
        words={0: ("no", "red"), 1: ("yes", "green")},
    ),
    _curves(
        "Silent and late watches",
        "Silent: no event for so long; a bookmark comes every minute, and more than 180 s is an"
        " alert. Late: for how long one of Kopf's watches has not delivered what a list shows.",
        "s",
        Query(
            "max by (watch, instance, pod) (homelab_netpol_watch_silent_seconds)",
            "{{watch}} silent {{pod}}",
        ),
        Query(
            "max by (watch, instance, pod) (homelab_netpol_watch_behind_seconds)",
            "{{watch}} late {{pod}}",
        ),
        alarm=180,
    ),
    _curves(
        "Age of the last full list",
        "It returns to zero every resyncSeconds. Three times that is an alert.",
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
        "The version of each replica, and when it started.",
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
