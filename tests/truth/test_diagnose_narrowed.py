"""Rows of docs/dropped.md about what a label or annotation has narrowed, and about gateways."""

from __future__ import annotations

import pytest

from homelab_netpol.diagnosis.diagnosis import Kind
from lab.control_plane import Engine
from tests.explained import deployment, namespace
from tests.flow_lines import GATEWAY, end, flow
from tests.truth.diagnosed import PORTS
from tests.truth.test_diagnose_rows import Row, holds

_INTERNAL = end("istio-gateway/gateway", **{GATEWAY: "internal"})
_WEB = deployment("typo", "web")
ROWS = {
    "from a gateway, one port only": Row(
        flow(_INTERNAL, "typo/web", "8080/TCP", "INGRESS"),
        Kind.MISSING,
        "gateway-ports",
        beside=namespace("typo", profile="internal", annotations={"gateway-ports": "9090"}) + _WEB,
        opens=frozenset({("internal", "typo", 8080)}),
    ),
    "within the Namespace: intra-namespace: deny": Row(
        flow("typo/web", "typo/web", "8080/TCP", "EGRESS"),
        Kind.MISSING,
        "intra-namespace",
        beside=namespace("typo", profile="internal", intra_namespace="deny") + _WEB,
        opens=frozenset(("typo", "typo", port) for port in PORTS),
    ),
    "a gateway that serves the own public name": Row(
        flow("my-app/web", _INTERNAL, "443/TCP", "EGRESS"),
        Kind.MISSING,
        "access.network-policy.homelab/gateway=",
        opens=frozenset({("my-app", "internal", 443), ("my-app", "internal", 80)}),
    ),
    "world, another port, without a profile that has HTTPS": Row(
        flow("my-app/web", "world 203.0.113.7", "9999/TCP", "EGRESS"),
        Kind.MISSING,
        "internet-ports=443,9999",
        opens=frozenset(
            ("my-app", where, port) for where in ("internet", "lan") for port in (443, 9999)
        ),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_what_is_proposed_helps_by_the_engine_and_opens_nothing_else(
    engine: Engine, row: Row
) -> None:
    holds(engine, row)
