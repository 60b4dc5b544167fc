"""Each row of the vocabulary's table of drops: the answer, its cause, and a fix that is proven."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from homelab_netpol.access.explain_answer import Explanation, explain
from homelab_netpol.access.explain_judge import Reply
from homelab_netpol.access.explain_text import (
    fix_lines,
)
from tests.explained import deployment, model_of, namespace, policy

_DNS_ONLY = {"egress": [{"toEntities": ["kube-apiserver"]}]}


@dataclass(frozen=True)
class Drop:
    """A row: what is asked of the Namespace `photos`, and what must come of it.

    Attributes:
        source: FROM.
        target: TO.
        cause: words that must be in the reason.
        fix: what to put on the Namespace: keys without their domains, and values.
        labels: of the Namespace.
        annotations: likewise.
        port: asked about.
        more: of the cluster.
        kind: of the object that the fix adds.
        on: the Namespace that the fix is on.
    """

    source: str
    target: str
    cause: str
    fix: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    port: str = ""
    more: str = ""
    kind: str = ""
    on: str = "photos"


DROPS = {
    "postgres": Drop(
        "photos", "postgres", "no grant on postgres", {"postgres": "true"}, {"profile": "internal"}
    ),
    "postgres-without-a-profile": Drop(
        "photos", "database", "no grant on postgres", {"postgres": "true"}, port="5432"
    ),
    "dragonfly": Drop("photos", "dragonfly", "no grant on dragonfly", {"dragonfly": "true"}),
    "garage": Drop("photos", "garage-s3", "no grant on garage-s3", {"garage-s3": "true"}),
    "kube-api": Drop("photos", "kube-apiserver", "no grant on kube-api", {"kube-api": "true"}),
    "https": Drop(
        "photos",
        "internet",
        "the profile internal has no HTTPS",
        {"profile": "internal-egress"},
        {"profile": "internal"},
    ),
    "another-port-of-the-internet": Drop(
        "photos",
        "internet",
        "opens the internet on 443/TCP",
        {"internet-ports": "443,UDP/443"},
        {"profile": "standard"},
        port="443/UDP",
    ),
    "the-own-front-door": Drop(
        "photos",
        "internal",
        "no grant on the internal gateway",
        {"gateway": "internal"},
        {"profile": "standard"},
    ),
    "internal-gateway": Drop(
        "internal",
        "photos",
        "the profile isolated does not let the internal gateway in",
        {"profile": "internal"},
        {"profile": "isolated"},
    ),
    "internal-gateway-without-a-profile": Drop(
        "internal", "photos", "no profile", {"profile": "internal"}
    ),
    "external-gateway": Drop(
        "external",
        "photos",
        "the profile internal-egress does not let the external gateway in",
        {"profile": "standard"},
        {"profile": "internal-egress"},
    ),
    "gateway-ports": Drop(
        "internal",
        "photos",
        "gateway-ports leaves 8080/TCP out",
        {"gateway-ports": "8080,9000"},
        {"profile": "internal"},
        {"gateway-ports": "9000"},
    ),
    "lan": Drop(
        "192.168.1.20",
        "photos",
        "without a gateway",
        {"lan-ports": "1883,UDP/10001"},
        {"profile": "internal"},
        {"lan-ports": "1883"},
        port="10001/UDP",
    ),
    "world": Drop(
        "203.0.113.9",
        "photos",
        "without a gateway",
        {"world-ports": "8080"},
        {"profile": "internal"},
    ),
    "webhooks": Drop(
        "kube-apiserver", "photos", "webhook", {"webhooks": "allow"}, {"profile": "internal"}
    ),
    "within-isolated": Drop(
        "photos",
        "photos",
        "keeps pods of the Namespace apart",
        {"intra-namespace": "allow"},
        {"profile": "isolated"},
    ),
    "within-denied": Drop(
        "photos",
        "photos",
        "intra-namespace denies it",
        {"intra-namespace": "allow"},
        {"profile": "standard", "intra_namespace": "deny"},
    ),
    "another-app": Drop(
        "photos",
        "wiki",
        "Namespaces do not reach each other",
        {"wiki": "true"},
        {"profile": "internal"},
        kind="SharedResource",
    ),
    "a-device-at-home": Drop(
        "photos",
        "192.168.1.10",
        "has no way out of the cluster",
        {"192-168-1-10": "true"},
        {"profile": "internal"},
        port="445",
        kind="SharedResource",
    ),
    "another-node": Drop(
        "remote-node",
        "photos",
        "other nodes come in by no profile",
        {"profile": "internal-remote-node"},
        {"profile": "internal"},
        kind="NetworkProfile",
    ),
    "the-wrong-port": Drop(
        "photos",
        "postgres",
        "5433/TCP is the wrong port: postgres is on 5432/TCP",
        {"postgres-2": "true"},
        {"access_postgres": "true"},
        port="5433",
        kind="SharedResource",
    ),
}


def asked(drop: Drop) -> Explanation:
    text = (
        namespace("photos", annotations=drop.annotations, **drop.labels)
        + namespace("wiki", profile="standard")
        + deployment("photos", "web")
        + deployment("photos", "worker")
        + deployment("wiki", "wiki")
        + deployment("database", "pg", 5432)
        + drop.more
    )
    return explain(model_of(text), drop.source, drop.target, [drop.port] if drop.port else [])


@pytest.mark.parametrize("name", DROPS)
def test_a_drop_of_the_table_has_its_cause_and_its_fix(name: str) -> None:
    drop = DROPS[name]
    answer = asked(drop)
    assert answer.reply is Reply.NO
    assert any(drop.cause in each.cause for part in answer.parts for each in part.reasons)
    best = answer.fixes.best
    assert best is not None
    short = {each.key.rpartition("/")[2]: each.value for each in best.change.settings}
    assert short == drop.fix
    assert {each.namespace for each in best.change.settings} == {drop.on}
    assert [each["kind"] for each in best.change.objects] == ([drop.kind] if drop.kind else [])
    assert not best.closes


@pytest.mark.parametrize(
    ("source", "target"), [("photos", "dns"), ("prometheus", "photos"), ("host", "photos")]
)
def test_what_baselines_let_through_should_not_be_dropped(source: str, target: str) -> None:
    text = namespace("photos", profile="isolated") + deployment("photos", "web")
    assert explain(model_of(text), source, target).reply is Reply.YES


@pytest.mark.parametrize(
    ("source", "target", "cause"),
    [
        ("photos", "dns", "baseline-dns-egress does not stand"),
        ("prometheus", "photos", "baseline-prometheus-scrape does not stand"),
    ],
)
def test_a_missing_baseline_is_named_and_nothing_else_is_proposed(
    source: str, target: str, cause: str
) -> None:
    spec = {"endpointSelector": {}, "ingress": [{"fromEntities": ["health"]}], **_DNS_ONLY}
    own = policy("photos", "homelab-profile", spec).replace(
        '"name": "homelab-profile"',
        '"name": "homelab-profile", "uid": "1", "resourceVersion": "1",'
        ' "labels": {"app.kubernetes.io/managed-by": "homelab-netpol"}',
    )
    model = model_of(namespace("photos", profile="isolated") + deployment("photos", "web") + own)
    answer = explain(model, source, target)
    assert answer.reply is Reply.NO
    assert any(cause in each.cause for part in answer.parts for each in part.reasons)
    assert not answer.fixes.written
    assert "see the Events" in "\n".join(fix_lines(model, answer))


def test_a_policy_that_a_file_calls_the_operators_takes_no_other_away() -> None:
    own = policy("photos", "mine", {"endpointSelector": {}, "ingress": [{}]}).replace(
        '"name": "mine"',
        '"name": "mine", "labels": {"app.kubernetes.io/managed-by": "homelab-netpol"}',
    )
    text = namespace("photos", profile="isolated") + deployment("photos", "web") + own
    assert explain(model_of(text), "photos", "dns").reply is Reply.YES
    assert explain(model_of(text), "internal", "photos").reply is Reply.NO
