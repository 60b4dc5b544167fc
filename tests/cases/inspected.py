"""One inspection of a case, as its owner runs it, with the operator beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium.evaluation import read_policy
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.findings import Finding
from homelab_netpol.settings import Settings, parse_settings
from tests.cases.case import Case
from tests.cases.owners import owners_policies
from tests.inspected import known_cluster, run_checks


def findings_of(case: Case, default_deny: str) -> list[Finding]:
    """What one inspection finds."""
    return run_checks(known_cluster(settings_of(case, default_deny), _manifests(case)), _read(case))


def settings_of(case: Case, default_deny: str) -> Settings:
    """The settings that fit the case, as far as they can be said."""
    around = case.surroundings
    platform = ", ".join(around["platform"])
    lines = [f"platformNamespaces: [{platform}]", f"defaultDeny: {default_deny}"]
    for setting in ("dns", "prometheus"):
        pod = around[setting]
        lines.append(
            f"{setting}: {{namespace: {pod.partition('/')[0]}, labels: {dict(case.pods[pod])}}}"
        )
    return parse_settings("\n".join(lines))


def _manifests(case: Case) -> list[Mapping[str, Any]]:
    return [{"metadata": {"name": name, "labels": {}}} for name in case.namespaces]


def _read(case: Case) -> Snapshot:
    policies: dict[str, list[Any]] = {}
    for manifest in owners_policies(case):
        policy = read_policy(manifest)
        policies.setdefault(policy.ref.namespace, []).append(policy)
    pods: dict[str, list[Mapping[str, str]]] = {}
    for name, labels in case.pods.items():
        pods.setdefault(name.partition("/")[0], []).append(labels)
    return Snapshot(policies=policies, pods=pods)
