"""What `diagnose` proposes for each row of the vocabulary's table, against Cilium's engine."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.fixes import Trials
from homelab_netpol.diagnosis.patch import joint_patch
from lab.control_plane import Engine
from tests.flow_lines import GATEWAY, Json, end, flow
from tests.truth.diagnosed import DOMAIN, PORTS, allowed, by_namespace, diagnosed

_GATEWAY_POD = end("istio-gateway/gateway", **{GATEWAY: "external"})
_INTERNAL_POD = end("istio-gateway/gateway", **{GATEWAY: "internal"})


@dataclass(frozen=True)
class Row:
    """One drop, and what the documentation's table says of it.

    Attributes:
        dropped: as Hubble shows it.
        labels: labels and annotations for the Namespace `of`, without the vocabulary's domain.
        of: the Namespace.
        passes: the flow, as the engine is asked: who, to whom, on which port.
        opens: what else the change is said to open.
    """

    dropped: Json
    labels: dict[str, str]
    passes: tuple[str, str, int]
    of: str = "my-app"
    opens: frozenset[tuple[str, str, int]] = frozenset()


def _every_port(source: str, target: str, *but: int) -> set[tuple[str, str, int]]:
    return {(source, target, port) for port in PORTS if port not in but}


_HTTPS = {
    ("my-app", "internet", 443),
    ("my-app", "lan", 443),
    ("my-app's other", "internet", 443),
    ("my-app's other", "lan", 443),
}
ROWS = {
    "database, 5432: no grant on postgres": Row(
        flow("my-app/web", "database/postgres", "5432/TCP", "EGRESS"),
        {"access/postgres": "true"},
        ("my-app", "database", 5432),
    ),
    "cache, 6379: no grant on dragonfly": Row(
        flow("my-app/web", "cache/dragonfly", "6379/TCP", "EGRESS"),
        {"access/dragonfly": "true"},
        ("my-app", "cache", 6379),
    ),
    "garage, 3900: no grant on garage-s3": Row(
        flow("my-app/web", "garage/garage", "3900/TCP", "EGRESS"),
        {"access/garage-s3": "true"},
        ("my-app", "garage", 3900),
    ),
    "kube-apiserver, 6443: no grant on kube-api": Row(
        flow("my-app/web", "kube-apiserver", "6443/TCP", "EGRESS"),
        {"access/kube-api": "true"},
        ("my-app", "kube-apiserver", 6443),
        opens=frozenset({("my-app", "kube-apiserver", 443)}),
    ),
    "world, 443: a profile without HTTPS": Row(
        flow("my-app/web", "world 203.0.113.7", "443/TCP", "EGRESS"),
        {"profile": "internal-egress"},
        ("my-app", "internet", 443),
        opens=frozenset({("my-app", "lan", 443)}),
    ),
    "world, another port: the annotation internet-ports": Row(
        flow("other-app/client", "world 203.0.113.7", "80/TCP", "EGRESS"),
        {"internet-ports": "443,80"},
        ("other-app", "internet", 80),
        of="other-app",
        opens=frozenset({("other-app", "lan", 80)}),
    ),
    "istio-gateway, internal: a profile without the gateway": Row(
        flow(_INTERNAL_POD, "jobs/job", "8080/TCP", "INGRESS"),
        {"profile": "internal"},
        ("internal", "jobs", 8080),
        of="jobs",
        opens=frozenset({*_every_port("internal", "jobs", 8080), *_every_port("jobs", "jobs")}),
    ),
    "istio-gateway, external: a profile without this gateway": Row(
        flow(_GATEWAY_POD, "my-app/web", "8080/TCP", "INGRESS"),
        {"profile": "standard"},
        ("external", "my-app", 8080),
        opens=frozenset(
            {
                *_every_port("external", "my-app", 8080),
                ("my-app", "internet", 443),
                ("my-app", "lan", 443),
            }
        ),
    ),
    "within the Namespace: isolated": Row(
        flow(end("jobs/job"), end("jobs/other"), "8080/TCP", "EGRESS"),
        {"intra-namespace": "allow"},
        ("jobs", "jobs", 8080),
        of="jobs",
        opens=frozenset(_every_port("jobs", "jobs", 8080)),
    ),
    "kube-apiserver at a webhook: the label webhooks": Row(
        flow("kube-apiserver", "my-app/web", "8080/TCP", "INGRESS"),
        {"webhooks": "allow"},
        ("kube-apiserver", "my-app", 8080),
        opens=frozenset(_every_port("kube-apiserver", "my-app", 8080)),
    ),
    "world or an address, without a gateway: lan-ports": Row(
        flow("world 192.168.1.10", "my-app/web", "8080/TCP", "INGRESS"),
        {"lan-ports": "8080"},
        ("lan", "my-app", 8080),
    ),
    "world or an address, without a gateway: world-ports": Row(
        flow("world 203.0.113.7", "my-app/web", "8080/TCP", "INGRESS"),
        {"world-ports": "8080"},
        ("internet", "my-app", 8080),
        opens=frozenset({("lan", "my-app", 8080)}),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_the_change_helps_by_the_engine_and_opens_nothing_else_than_said(
    engine: Engine, diagnosed_model: ClusterModel, row: Row
) -> None:
    [found] = diagnosed(diagnosed_model, row.dropped)
    change = found.change
    assert change is not None, found
    keys = {
        f"access.{DOMAIN}/{key[7:]}" if key.startswith("access/") else f"{DOMAIN}/{key}": value
        for key, value in row.labels.items()
    }
    assert {each.key: each.value for each in change.settings} == keys
    assert {each.namespace for each in change.settings} == {row.of}
    before = allowed(engine, diagnosed_model, row.of)
    assert row.passes not in before
    opened = allowed(engine, Trials(diagnosed_model).after(change), row.of) - before
    assert row.passes in opened
    assert by_namespace(opened) - {row.passes} == row.opens


def test_the_changes_of_several_drops_go_together_by_the_engine(
    engine: Engine, diagnosed_model: ClusterModel
) -> None:
    """`internal-egress` for the one and `standard` for the other: `standard` is for both."""
    rows = [row for row in ROWS.values() if row.of == "my-app"]
    found = [each for row in rows for each in diagnosed(diagnosed_model, row.dropped)]
    patch = joint_patch(diagnosed_model, found)
    assert {each.group.key for each in patch.covered} == {each.group.key for each in found}
    opened = allowed(engine, Trials(diagnosed_model).after(patch.change), "my-app")
    assert {row.passes for row in rows} <= opened
    labels = {each.key: each.value for each in patch.change.settings}
    assert labels[f"{DOMAIN}/profile"] == "standard"
