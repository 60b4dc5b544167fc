"""What `preflight` calls cut off, Cilium's engine denies; and what that denies, it finds."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from homelab_netpol.preflight import Severity, preflight
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Identity
from tests.detect.dumps import CLUSTERS, cluster
from tests.truth.written import DOMAIN, allows, enforce

SETTINGS = parse_settings(
    """
defaultDeny: workload
gateways:
  internal: []
  external: [{namespace: traefik, podLabels: {app.kubernetes.io/name: traefik}}]
platformNamespaces: [kube-system, traefik]
"""
)
ENDS = {
    "gateway": Identity.pod("traefik", {"app.kubernetes.io/name": "traefik"}),
    "internet": Identity.address("203.0.113.7/32"),
    "lan": Identity.address("192.168.1.20/32"),
    "api server": Identity.entity("kube-apiserver"),
}
# The connections that the objects below speak of, by the word of the check.
CLIENTS = {
    "load-balancer": ("internet", "lan"),
    "gateway": ("gateway",),
    "webhook": ("api server",),
}
OBJECTS = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: photos}
spec:
  type: LoadBalancer
  selector: {app.kubernetes.io/name: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: photos}
spec: {ingressClassName: traefik, defaultBackend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.photos.example.org}
spec: {service: {namespace: photos, name: web, port: 80}}
"""
PROFILES = ("isolated", "internal", "internal-egress", "standard")
ALSO: tuple[dict[str, str], ...] = (
    {},
    {"lan-ports": "8080"},
    {"world-ports": "8080", "gateway-ports": "9090"},
)


@pytest.mark.parametrize(
    ("profile", "also", "hook"), list(itertools.product(PROFILES, ALSO, (False, True)))
)
def test_what_is_called_cut_off_is_denied_and_nothing_else_is(
    profile: str, also: dict[str, str], hook: bool, engine: Engine
) -> None:
    words = {"profile": profile, **({"webhooks": "allow"} if hook else {}), **also}
    enforce(engine, SETTINGS, {"photos": words, "traefik": {}}, ENDS)
    denied = {
        check
        for check, clients in CLIENTS.items()
        if not any(allows(engine, client, "photos", 8080) for client in clients)
    }
    # By where the API server is, a rule for networks may mean it: that is only a warning.
    assert found(words, Severity.CUT_OFF) <= denied
    assert denied <= found(words, Severity.CUT_OFF) | found(words, Severity.WARNING)
    if not also:
        assert found(words, Severity.CUT_OFF) == denied


def test_a_namespace_without_a_profile_is_closed_to_all_of_them(engine: Engine) -> None:
    enforce(engine, SETTINGS, {"photos": {}, "traefik": {}}, ENDS)
    assert not any(allows(engine, client, "photos", 8080) for client in ENDS)
    assert found({}, Severity.CUT_OFF) == {"closed-namespace"}


def found(words: dict[str, str], severity: Severity) -> set[str]:
    """What `preflight` says, by the word of its checks."""
    parts: dict[str, list[str]] = {"labels": [], "annotations": []}
    for key, value in words.items():
        where = "annotations" if key.endswith("-ports") else "labels"
        parts[where].append(f'{DOMAIN}/{key}: "{value}"')
    said = "".join(f", {where}: {{{', '.join(lines)}}}" for where, lines in parts.items())
    base, traefik = ((CLUSTERS / f"{name}.yaml").read_text("utf-8") for name in ("base", "traefik"))
    given = base.replace("metadata: {name: photos}\n", f"metadata: {{name: photos{said}}}\n")
    report = preflight(SETTINGS, cluster(given, traefik, OBJECTS), datetime.now(UTC))
    return {each.check for each in report.of(severity)}
