"""A small cluster with Traefik and one app, and what `preflight` finds in it."""

from __future__ import annotations

from datetime import UTC, datetime

from homelab_netpol.preflight import Problem, Report, Severity, preflight
from homelab_netpol.settings import parse_settings
from tests.detect.dumps import CLUSTERS, cluster

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUT_OFF, WARNING, NOTE = Severity.CUT_OFF, Severity.WARNING, Severity.NOTE

PROFILE = "network-policy.homelab/profile"
# As `detect` writes it for the cluster of most of these.
TRAEFIK = """
gateways:
  internal: [{namespace: traefik, podLabels: {app.kubernetes.io/name: traefik}}]
  external: []
scrapers: []
platformNamespaces: [kube-system, traefik, database, monitoring]
"""
LABELLED = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: photos, labels: {{{PROFILE}: internal}}}}
"""
WIDE = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: chart, namespace: photos}
spec: {podSelector: {}, ingress: [{}]}
"""


def text_of(*names: str) -> str:
    """The objects of clusters/NAME.yaml as one text."""
    return "\n---\n".join((CLUSTERS / f"{name}.yaml").read_text(encoding="utf-8") for name in names)


def read(*texts: str, settings: str = TRAEFIK, labelled: bool = True) -> Report:
    """What is found in a cluster with Traefik and one app, and what is given beside."""
    base = text_of("base", "traefik")
    if labelled:
        base = base.replace(
            "metadata: {name: photos}\n",
            f"metadata: {{name: photos, labels: {{{PROFILE}: internal}}}}\n",
        )
    return preflight(parse_settings(settings), cluster(base, *texts), NOON)


def of(report: Report, check: str) -> list[tuple[Severity, str]]:
    """How bad and where, of what one check found."""
    return [(each.severity, each.where) for each in report.problems if each.check == check]


def only(report: Report, check: str) -> Problem:
    """The one thing that a check found."""
    [found] = [each for each in report.problems if each.check == check]
    return found
