"""One inspection of a case, as its owner runs it, with the operator beside it."""

from __future__ import annotations

from collections.abc import Mapping

from homelab_netpol.findings import Finding
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import Settings, parse_settings
from tests.cases.case import Case
from tests.cases.owners import owners_policies
from tests.inspected import Cluster, Json, Labels, snapshot


def findings_of(
    case: Case,
    default_deny: str,
    *planted: Json,
    labels: Mapping[str, Labels] | None = None,
) -> list[Finding]:
    """What one inspection finds.

    Args:
        case: the cluster.
        default_deny: the setting.
        planted: policies beside the owner's.
        labels: of namespaces; as the owner runs it, none has any.
    """
    namespaces = {name: (labels or {}).get(name, {}) for name in case.namespaces}
    cluster = Cluster(namespaces, Catalogue(settings_of(case, default_deny)))
    pods: dict[str, list[Mapping[str, str]]] = {}
    for name, of_pod in case.pods.items():
        pods.setdefault(name.partition("/")[0], []).append(of_pod)
    return cluster.inspected(snapshot([*owners_policies(case), *planted], pods))


def settings_of(case: Case, default_deny: str) -> Settings:
    """The settings that fit the case, as far as they can be said."""
    around = case.surroundings
    platform = ", ".join(around["platform"])
    lines = [f"platformNamespaces: [{platform}]", f"defaultDeny: {default_deny}"]
    for setting, pod in (("dns", around["dns"]), ("scrapers", around["prometheus"])):
        peer = f"[{{namespace: {pod.partition('/')[0]}, podLabels: {dict(case.pods[pod])}}}]"
        lines.append(f"dns: {{servers: {peer}}}" if setting == "dns" else f"scrapers: {peer}")
    return parse_settings("\n".join(lines))
