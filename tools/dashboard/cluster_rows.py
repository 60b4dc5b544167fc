"""The rows about the cluster: what needs action, and which policies there are.

Only the leader exports metrics of namespaces. `max by` joins its series with those of the replica
that takes over.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.dashboard.panel import Column, Panel, Query, View

_HERE = '{namespace=~"$namespace"}'
AFFECTED = (
    "count by (namespace) ("
    "homelab_netpol_enforcement_disabled or homelab_netpol_invalid_policies"
    " or homelab_netpol_refused_labels or homelab_netpol_conflicts or homelab_netpol_findings)"
)


def _number(title: str, description: str, expr: str) -> Panel:
    return Panel(title, description, View.STAT, [Query(expr)], width=4, height=4, alarm=1)


_NOW = (
    _number(
        "Not enforced",
        "Namespaces whose escape hatch is open.",
        f"count(max by (namespace) (homelab_netpol_enforcement_disabled{_HERE})) or vector(0)",
    ),
    _number(
        "Rejected policies",
        "Policies that Cilium rejects, so that they are not in force.",
        f"count(max by (kind, namespace, name) (homelab_netpol_invalid_policies{_HERE}))"
        " or vector(0)",
    ),
    _number(
        "Refused labels",
        "Labels and annotations that could not be followed as written.",
        f"count(max by (namespace, reason, key) (homelab_netpol_refused_labels{_HERE}))"
        " or vector(0)",
    ),
    _number(
        "Names taken",
        "Policies that cannot be written, as a policy of others has their name.",
        f"count(max by (kind, namespace, name) (homelab_netpol_conflicts{_HERE})) or vector(0)",
    ),
    _number(
        "Failing keys",
        "Namespaces, shared resources and so on whose last reconcile failed.",
        "sum(homelab_netpol_keys_failing)",
    ),
    Panel(
        "Leaders",
        "Replicas that write. Anything but 1 is wrong if it lasts longer than a handover.",
        View.STAT,
        [Query("sum(homelab_netpol_leader)")],
        width=4,
        height=4,
        alarm=2,
        words={0: ("none", "red")},
    ),
)

_ENFORCEMENT = (
    Panel(
        "Cilium's configuration",
        "Whether the operator may read it. Where it does not, nothing is known of enforcement.",
        View.STAT,
        [Query("min(homelab_netpol_enforcement_known)")],
        width=8,
        height=5,
        words={0: ("not known", "orange"), 1: ("known", "green")},
    ),
    Panel(
        "What keeps Cilium from enforcing policies",
        "Empty is well. The page of the alert NetworkPolicyNotEnforced explains each reason.",
        View.TABLE,
        [Query("max by (reason) (homelab_netpol_enforcement_impaired)")],
        width=16,
        height=5,
        columns=(Column("reason", "Reason"), Column("Value", "")),
    ),
)

_HATCHES = (
    Panel(
        "Open escape hatches",
        "All traffic of these namespaces is allowed. Without a time in the"
        " last column a hatch stays open until its label is removed.",
        View.TABLE,
        [
            # Grafana's dates are in milliseconds.
            Query(
                "max by (namespace) ("
                f"homelab_netpol_enforcement_disabled_since_timestamp_seconds{_HERE}) * 1000"
            ),
            Query(
                "time() - max by (namespace) ("
                f"homelab_netpol_enforcement_disabled_since_timestamp_seconds{_HERE})"
            ),
            Query(
                "max by (namespace) ("
                f"homelab_netpol_enforcement_disabled_until_timestamp_seconds{_HERE}) * 1000"
            ),
        ],
        width=12,
        columns=(
            Column("namespace", "Namespace"),
            Column("Value #A", "Open since", "dateTimeAsIso"),
            Column("Value #B", "For", "s"),
            Column("Value #C", "Closes by itself", "dateTimeAsIso"),
        ),
    ),
    Panel(
        "Escape hatches over time",
        "When a namespace's escape hatch was open.",
        View.STATES,
        [
            Query(
                f"max by (namespace) (homelab_netpol_enforcement_disabled{_HERE})", "{{namespace}}"
            )
        ],
        width=12,
        words={1: ("open", "orange")},
    ),
)


def _list(
    title: str, description: str, expr: str, *labels: str, value: str = "", width: int = 8
) -> Panel:
    """A table with a column for each label, and one for the value if it has a title."""
    columns = [Column(label, label.capitalize()) for label in labels]
    return Panel(
        title,
        description,
        View.TABLE,
        [Query(expr)],
        width=width,
        columns=(*columns, Column("Value", value)),
    )


_NEEDS_ACTION = (
    _list(
        "Policies that Cilium rejects",
        "They are not in force. The reason is in the policy's condition Valid.",
        f"max by (kind, namespace, name) (homelab_netpol_invalid_policies{_HERE})",
        "namespace",
        "kind",
        "name",
    ),
    _list(
        "Refused labels and annotations",
        "They could not be followed as written. An Event on the Namespace says what is in force.",
        f"max by (namespace, reason, key) (homelab_netpol_refused_labels{_HERE})",
        "namespace",
        "key",
        "reason",
    ),
    _list(
        "Names taken by policies of others",
        "Each has the name of a policy that the operator must write. It is left as it is.",
        f"max by (kind, namespace, name) (homelab_netpol_conflicts{_HERE})",
        "namespace",
        "kind",
        "name",
    ),
    _list(
        "Findings",
        "What others wrote or run that keeps grants or hatches from working, drops what must flow"
        " on the platform, or lets more through than a profile.",
        f"max by (namespace, reason) (homelab_netpol_findings{_HERE})",
        "namespace",
        "reason",
        value="How many",
    ),
    _list(
        "Custom resources that cannot be used",
        "Namespaces that use them keep the policies that they have.",
        "max by (kind, name, reason) (homelab_netpol_definitions_unusable)",
        "kind",
        "name",
        "reason",
    ),
    _list(
        "Custom resources that are missing",
        "They were deleted while namespaces use them.",
        "max by (kind, name) (homelab_netpol_definitions_missing)",
        "kind",
        "name",
        value="Namespaces",
    ),
    _list(
        "Open until they are labelled",
        "Namespaces with pods for whose profile `defaultDeny: auto` waits; /readyz names them.",
        "max(homelab_netpol_default_deny_open_namespaces)",
        value="Namespaces",
    ),
    _list(
        "Profiles lost",
        "Namespaces that had a profile and have none, and since when, in Unix time.",
        f"max by (namespace) (homelab_netpol_profile_lost_timestamp_seconds{_HERE})",
        "namespace",
        value="Since",
    ),
)


def _bars(title: str, description: str, expr: str, legend: str) -> Panel:
    return Panel(title, description, View.BARS, [Query(expr, legend)])


_POLICIES = (
    _bars(
        "Policies",
        "The operator's policies, by kind and component.",
        "max by (kind, component) (homelab_netpol_policies)",
        "{{kind}} {{component}}",
    ),
    _bars(
        "Namespaces by profile",
        "The profile in force; the bar without a name is of namespaces without a profile.",
        "max by (profile) (homelab_netpol_namespaces)",
        "{{profile}}",
    ),
    _bars(
        "Grants by shared resource",
        "How many namespaces hold a grant on each shared resource.",
        "max by (resource) (homelab_netpol_grants)",
        "{{resource}}",
    ),
)


ROWS: tuple[tuple[str, Sequence[Panel]], ...] = (
    ("Now", _NOW),
    ("Enforcement by Cilium", _ENFORCEMENT),
    ("Escape hatches", _HATCHES),
    ("Needs action", _NEEDS_ACTION),
    ("Policies in the cluster", _POLICIES),
)
