"""The rows of docs/dropped.md beside the vocabulary's own labels: what is said, and proposed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from homelab_netpol.access.explain_judge import Reply
from homelab_netpol.access.fixes import Trials, moved
from homelab_netpol.diagnosis.diagnosis import Kind
from homelab_netpol.diagnosis.report import advice_words
from homelab_netpol.settings import Settings
from lab.control_plane import Engine
from tests.explained import deployment, model_of, namespace, policy
from tests.flow_lines import GATEWAY, Json, end, flow
from tests.truth.diagnosed import CLUSTER, PORTS, allowed, by_namespace, diagnosed
from tests.truth.explained_world import engine_allows

_FQDN = policy(
    "my-app",
    "names",
    {
        "endpointSelector": {},
        "egress": [
            {
                "toFQDNs": [{"matchName": "api.example.com"}],
                "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
            }
        ],
    },
)
_HTTP = policy(
    "my-app",
    "http",
    {
        "endpointSelector": {"matchLabels": {"app": "web"}},
        "ingress": [
            {
                "fromEntities": ["cluster"],
                "toPorts": [
                    {
                        "ports": [{"port": "8080", "protocol": "TCP"}],
                        "rules": {"http": [{"method": "GET", "path": "/ok"}]},
                    }
                ],
            }
        ],
    },
)
_WAYPOINT = end("my-app/waypoint", **{GATEWAY: "waypoint"})
_AMBIENT = end("other-app/client", **{"app": "client", "istio.io/dataplane-mode": "ambient"})
_PLATFORM = policy(
    "database",
    "own",
    {
        "endpointSelector": {},
        "ingress": [{"fromEntities": ["host"]}],
    },
)


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        dropped: the flow.
        kind: what it is said to be.
        said: words of the cause or the advice.
        proposed: the kind of object that is proposed; "": none.
        beside: more of the cluster.
        settings: the operator's.
        opens: all that a change opens, by Namespaces: what was dropped, and what else is said.
    """

    dropped: Json
    kind: Kind
    said: str
    proposed: str = ""
    beside: str = ""
    settings: Settings | None = None
    opens: frozenset[tuple[str, str, int]] = frozenset()


def _node(source: str, target: str, port: int) -> frozenset[tuple[str, str, int]]:
    """A way with another node; an API server is on one, and has its label too."""
    way = (source, target, port)
    api = tuple("kube-apiserver" if each == "remote-node" else each for each in (source, target))
    return frozenset({way, (api[0], api[1], port)})


_NARROW = Settings.model_validate({"internet": {"exceptCidrs": ["192.168.0.0/16"]}})
_MESH = Settings.model_validate({"cluster": {"name": "home"}})
_FAR = end("database/postgres")
_FAR[0]["cluster_name"] = "away"
ROWS = {
    "pods of different clusters": Row(
        flow("my-app/web", _FAR, "5432/TCP", "EGRESS"),
        Kind.MISSING,
        "docs/cluster-mesh.md",
        settings=_MESH,
    ),
    "an operator at its pods in the app's Namespace": Row(
        flow("cert-manager/operator", "my-app/web", "8000/TCP", "INGRESS"),
        Kind.MISSING,
        "the setting companions",
        "SharedResource",
        beside=namespace("cert-manager"),
        opens=frozenset({("cert-manager", "my-app", 8000)}),
    ),
    "a name that a toFQDNs rule allows": Row(
        flow(
            "my-app/web",
            "world 203.0.113.7",
            "443/TCP",
            "EGRESS",
            destination_names=["api.example.com"],
        ),
        Kind.UNEXPECTED,
        "dns: {proxy: true}",
        beside=_FQDN,
    ),
    "the home network, though the profile has HTTPS": Row(
        flow("other-app/client", "world 192.168.1.10", "443/TCP", "EGRESS"),
        Kind.MISSING,
        "internet.exceptCidrs",
        "SharedResource",
        settings=_NARROW,
        opens=frozenset({("other-app", "lan", 443)}),
    ),
    "another app's Namespace": Row(
        flow("my-app/web", "other-app/client", "8080/TCP", "EGRESS"),
        Kind.RIGHT,
        "Namespaces do not reach each other",
        "SharedResource",
        opens=frozenset({("my-app", "other-app", 8080)}),
    ),
    "a pod's port, though its Service's is granted": Row(
        flow("my-app/web", "database/postgres", "15432/TCP", "EGRESS"),
        Kind.MISSING,
        "wrong port",
        "SharedResource",
        opens=frozenset({("my-app", "database", 15432)}),
    ),
    "remote-node, where an app was granted": Row(
        flow("my-app/web", "remote-node", "8080/TCP", "EGRESS"),
        Kind.MISSING,
        "remote-node",
        "SharedResource",
        opens=_node("my-app", "remote-node", 8080),
    ),
    "NodeLocal DNS at host": Row(
        flow("my-app/web", "host", "53/UDP", "EGRESS"),
        Kind.MISSING,
        "dns.servers",
    ),
    "a waypoint": Row(
        flow("other-app/client", _WAYPOINT, "15008/TCP", "EGRESS"),
        Kind.RIGHT,
        "waypoint",
        "SharedResource",
        opens=frozenset({("other-app", "my-app", 15008)}),
    ),
    "a pod in the mesh by its own label": Row(
        flow(_AMBIENT, "database/postgres", "15008/TCP", "EGRESS"),
        Kind.MISSING,
        "label its Namespace",
        "SharedResource",
        opens=frozenset({("other-app", "database", 15008)}),
    ),
    "Cilium's own gateway": Row(
        flow("ingress", "my-app/web", "8080/TCP", "INGRESS"),
        Kind.MISSING,
        "setting gateways",
        "NetworkProfile",
        opens=frozenset({("ingress", "my-app", 8080)}),
    ),
    "ingress from remote-node": Row(
        flow("remote-node", "my-app/web", "8080/TCP", "INGRESS"),
        Kind.MISSING,
        "externalTrafficPolicy: Local",
        "NetworkProfile",
        opens=_node("remote-node", "my-app", 8080),
    ),
    "PacketTooBig": Row(
        flow("world 2001:db8::1", "my-app/web", "2/ICMPv6", "INGRESS"),
        Kind.MISSING,
        "docs/ipv6.md",
    ),
    "anything else, to a platform Namespace": Row(
        flow("remote-node", "database/postgres", "9999/TCP", "INGRESS"),
        Kind.MISSING,
        "not the operator's",
        "CiliumNetworkPolicy",
        beside=_PLATFORM,
        opens=_node("remote-node", "database", 9999),
    ),
    "an HTTP rule that does not name the request": Row(
        flow(
            "my-app/worker",
            "my-app/web",
            "8080/TCP",
            "INGRESS",
            Type="L7",
            drop_reason_desc="DROP_REASON_UNKNOWN",
            l7={"type": "REQUEST"},
        ),
        Kind.DENIED,
        "HTTP or DNS requests",
        beside=_HTTP,
    ),
    "an address that is gone": Row(
        flow(
            "my-app/web",
            "database/postgres",
            "5432/TCP",
            "EGRESS",
            drop_reason_desc="STALE_OR_UNROUTABLE_IP",
        ),
        Kind.NO_POLICY,
        "look it up again",
    ),
    "a router solicitation": Row(
        flow(
            "world fe80::1",
            "my-app/web",
            "133/ICMPv6",
            "INGRESS",
            drop_reason_desc="INVALID_SOURCE_IP",
        ),
        Kind.NO_POLICY,
        "no harm",
    ),
    "audit mode": Row(
        flow(
            "my-app/web",
            "database/postgres",
            "5432/TCP",
            "EGRESS",
            verdict="AUDIT",
            drop_reason_desc="DROP_REASON_UNKNOWN",
        ),
        Kind.MISSING,
        "no grant on postgres",
        opens=frozenset({("my-app", "database", 5432)}),
    ),
    "a misspelt label": Row(
        flow("typo/web", "world 203.0.113.7", "443/TCP", "EGRESS"),
        Kind.MISSING,
        "no profile",
        beside=namespace("typo", profile="standart") + deployment("typo", "web"),
        opens=frozenset(
            {
                *(("internal", "typo", port) for port in PORTS),
                *(("typo", "typo", port) for port in PORTS),
                ("typo", "internet", 443),
                ("typo", "lan", 443),
            }
        ),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_each_row_is_recognised_and_what_is_proposed_helps_by_the_engine(
    engine: Engine, row: Row
) -> None:
    holds(engine, row)


def holds(engine: Engine, row: Row) -> None:
    """Fails unless a row is recognised, and its change does what is said, by the engine."""
    model = model_of(CLUSTER + row.beside, row.settings)
    [found] = diagnosed(model, row.dropped)
    words = "; ".join((found.cause, found.advice, advice_words(found)))
    assert (found.kind, row.said in words) == (row.kind, True), (found.kind, words)
    change = found.change
    kinds = {each["kind"] for each in change.objects} if change is not None else set()
    assert kinds == ({row.proposed} if row.proposed else set())
    if change is None or found.answer is None:
        return
    assert found.answer.reply is Reply.NO
    after, asked = Trials(model).after(change), found.answer.ruling
    source, target = moved(asked.source, after), moved(asked.target, after)
    assert engine_allows(engine, after, source, target, asked.asked[0])
    # Cilium's word on what else opens, and that nothing closes.
    own = found.group.key.own.namespace
    before, now = (by_namespace(allowed(engine, each, own)) for each in (model, after))
    assert (now - before, before - now) == (set(row.opens), set())


def test_a_misspelt_label_is_named_beside_the_drop() -> None:
    row = ROWS["a misspelt label"]
    [found] = diagnosed(model_of(CLUSTER + row.beside), row.dropped)
    assert any("Did you mean 'standard'?" in each for each in found.notes)


def test_audit_mode_is_said_to_drop_nothing() -> None:
    [found] = diagnosed(model_of(CLUSTER), ROWS["audit mode"].dropped)
    assert "audit mode" in found.notes[0]
