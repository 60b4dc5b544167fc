"""An audit's counts in Prometheus' text format, as docs/audit-report.md lists them. Pure.

What could not be read has no sample. The names begin with `homelab_netpol_audit_`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from homelab_netpol.audit.result import Audit, Risk

_PREFIX = "homelab_netpol_audit_"


def metrics_text(audit: Audit) -> str:
    """The text, as it is scraped."""
    registry = CollectorRegistry()
    registry.register(_Counts(audit))
    return generate_latest(registry).decode()


class _Counts(Collector):
    """Makes the families."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """All families."""
        audit = self._audit
        states = {state.value: count for state, count in audit.states.items()}
        yield _family("namespaces", "Namespaces by what holds in them.", "state", states)
        risks = {risk.value: audit.count(risk) for risk in Risk}
        yield _family("tasks", "Things to do, by how urgent they are.", "risk", risks)
        ways = {
            "ingress": [each.ingress_closed for each in audit.namespaces],
            "egress": [each.egress_closed for each in audit.namespaces],
        }
        yield _family(
            "namespaces_open",
            "Namespaces with pods that some policy does not close by default, by direction.",
            "direction",
            {way: closed.count(False) for way, closed in ways.items() if None not in closed},
        )
        changes = audit.may_change
        wider = len(audit.wider) + sum(len(each.wider) for each in audit.namespaces)
        singles: Mapping[str, tuple[str, float | None]] = {
            "pods": ("Pods, or objects that make some.", audit.pods),
            "pods_outside": (
                "Those of them that policies do not hold, or not on every interface.",
                audit.pods_outside,
            ),
            "policies": ("Policies of all kinds.", audit.policies),
            "wider_rules": (
                "Rules that are wider than their words, or than the profile.",
                wider if audit.is_inspected else None,
            ),
            "policy_map_entries": (
                "The most entries that an endpoint's policy map is estimated to have.",
                audit.limits.map_entries,
            ),
            "policy_map_max": ("The entries it has room for.", audit.limits.policy_map_max),
            "identities": ("Identities of pods, estimated.", audit.limits.identities),
            "identities_max": ("Those a cluster has numbers for.", audit.limits.identities_max),
            "may_change": (
                "Bindings by which somebody who is no part of Kubernetes may change labels,"
                " custom resources or policies.",
                None if changes is None else sum(not each.system for each in changes),
            ),
            "enforcing": (
                "1: what policies forbid is dropped; 0: it is not.",
                audit.enforcing.enforcing,
            ),
            "not_seen": ("Things that could not be read.", len(audit.not_seen)),
            "timestamp_seconds": ("When the audit was made.", audit.at.timestamp()),
        }
        for name, (help_, value) in singles.items():
            if value is not None:
                yield GaugeMetricFamily(_PREFIX + name, help_, value=float(value))


def _family(name: str, help_: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(_PREFIX + name, help_, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
