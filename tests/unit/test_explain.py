"""Each row of the vocabulary's table of drops: the answer, its cause, and a fix that is proven."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from homelab_netpol.access.ends import EndError
from homelab_netpol.access.explain_answer import Explanation, explain
from homelab_netpol.access.explain_judge import Reply
from homelab_netpol.access.explain_text import (
    effect_words,
    first_line,
    fix_lines,
    reasons_lines,
)
from homelab_netpol.access.fixes_search import find_fixes
from homelab_netpol.cilium.evaluation import Outcome
from homelab_netpol.settings import Settings, parse_settings
from tests.explained import DOMAIN, deployment, model_of, namespace, policy

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


def test_a_deny_rule_is_named_with_its_place_and_what_passes_without_it() -> None:
    deny = {
        "endpointSelector": {},
        "egressDeny": [{"toEntities": ["world"]}],
        "enableDefaultDeny": {"egress": False},
    }
    text = namespace("photos", profile="standard") + deployment("photos", "web")
    model = model_of(text + policy("photos", "no-internet", deny))
    answer = explain(model, "photos", "internet")
    said = "\n".join(reasons_lines(answer))
    assert "CNP photos/no-internet (spec.egressDeny[0]" in said
    assert "cluster.yaml:6" in said
    best = answer.fixes.best
    assert best is not None
    assert [ref.name for ref in best.change.undenied] == ["no-internet"]
    assert not best.change.settings


def test_with_the_deny_rule_gone_a_label_may_still_be_missing() -> None:
    deny = {"endpointSelector": {}, "egressDeny": [{"toEntities": ["world"]}]}
    text = namespace("photos", profile="internal") + deployment("photos", "web")
    answer = explain(model_of(text + policy("photos", "deny", deny)), "photos", "internet")
    best = answer.fixes.best
    assert best is not None
    assert best.change.undenied
    assert [each.value for each in best.change.settings] == ["internal-egress"]


def test_a_policy_of_others_at_a_platform_namespace_is_what_must_change() -> None:
    closed = {"endpointSelector": {}, "ingress": [{"fromEntities": ["health"]}]}
    text = (
        namespace("photos", profile="internal")
        + deployment("photos", "web")
        + namespace("monitoring")
        + deployment("monitoring", "grafana", 3000)
        + policy("monitoring", "own", closed)
    )
    answer = explain(model_of(text), "internal", "monitoring/grafana")
    assert answer.reply is Reply.NO
    assert "a policy that is not the operator's" in answer.parts[0].reasons[-1].cause
    assert answer.fixes.best is not None
    [added] = answer.fixes.best.change.objects
    assert added["kind"] == "CiliumNetworkPolicy"
    assert added["metadata"]["namespace"] == "monitoring"
    ports = added["spec"]["ingress"][0]["toPorts"][0]["ports"]
    assert ports == [{"port": "3000", "protocol": "TCP"}]
    assert added["spec"]["enableDefaultDeny"] == {"ingress": False, "egress": False}


def test_for_one_name_outside_a_narrower_way_is_shown_beside_the_profile() -> None:
    text = namespace("photos", profile="internal") + deployment("photos", "web")
    answer = explain(model_of(text), "photos", "api.github.com")
    assert answer.fixes.best is not None
    assert [each.value for each in answer.fixes.best.change.settings] == ["internal-egress"]
    opened = {effect.peer for effect in answer.fixes.best.opens}
    assert opened == {"the internet", "the LAN"}
    assert answer.fixes.narrower is not None
    [resource] = answer.fixes.narrower.change.objects
    assert resource["spec"]["fqdns"] == [{"matchName": "api.github.com"}]
    assert not answer.fixes.narrower.opens


def test_what_a_label_opens_for_other_pods_of_the_namespace_is_said() -> None:
    text = (
        namespace("photos", profile="internal")
        + deployment("photos", "web")
        + deployment("photos", "worker")
        + namespace("wiki", profile="internal")
        + deployment("wiki", "web", 3000)
    )
    fix = explain(model_of(text), "photos/web", "wiki").fixes.best
    assert fix is not None
    assert [effect_words(each) for each in fix.opens] == ["photos to wiki on 3000/TCP"]
    whole = explain(model_of(text), "photos", "wiki").fixes.best
    assert whole is not None
    assert not whole.opens


def test_a_grant_on_the_part_that_the_pods_are_is_proposed() -> None:
    settings = parse_settings(
        "sharedResources: {postgres: {namespace: database, ports: [{port: 5432}], valueLabel: app,"
        " allowAll: false}}"
    )
    text = (
        namespace("photos", profile="internal")
        + deployment("photos", "web")
        + deployment("database", "photos-db", 5432)
        + deployment("database", "wiki-db", 5432)
    )
    answer = explain(model_of(text, settings), "photos", "database/photos-db")
    assert answer.fixes.best is not None
    assert [each.value for each in answer.fixes.best.change.settings] == ["photos-db"]


def test_where_workloads_differ_the_answer_says_for_which() -> None:
    spec = {
        "endpointSelector": {"matchLabels": {"app": "web"}},
        "egress": [{"toEntities": ["world"], "toPorts": [{"ports": [{"port": "465"}]}]}],
    }
    text = (
        namespace("photos", profile="internal")
        + deployment("photos", "web")
        + deployment("photos", "worker")
        + policy("photos", "mail", spec)
    )
    answer = explain(model_of(text), "photos", "internet", ["465/TCP"])
    assert answer.reply is Reply.IN_PART
    by_outcome = {part.outcome: part.sources for part in answer.parts}
    assert by_outcome == {
        Outcome.ALLOWED: ("photos/web",),
        Outcome.DENIED: ("photos/worker",),
    }


def test_a_port_of_a_service_is_the_pods_port() -> None:
    service = """---
apiVersion: v1
kind: Service
metadata: {name: pg, namespace: database}
spec: {selector: {app: pg}, ports: [{port: 15432, targetPort: main}]}
"""
    text = (
        namespace("photos", access_postgres="true")
        + deployment("photos", "web")
        + deployment("database", "pg", 5432)
        + service
    )
    for target, ports in (("svc/database/pg", []), ("svc/database/pg", ["15432"])):
        answer = explain(model_of(text), "photos", target, ports)
        assert answer.reply is Reply.YES
        assert [str(each) for each in answer.ruling.asked] == ["5432/TCP"]
        assert any("5432/TCP" in note for note in answer.notes)


def test_a_port_that_a_service_does_not_have_or_a_name_of_several_is_an_error() -> None:
    service = """---
apiVersion: v1
kind: Service
metadata: {name: pg, namespace: database}
spec: {selector: {app: pg}, ports: [{port: 15432, targetPort: main}, {port: 80, targetPort: web}]}
"""
    model = model_of(
        namespace("photos", access_postgres="true")
        + deployment("photos", "web")
        + deployment("database", "pg", 5432)
        + deployment("database", "other", 5433)
        + service
    )
    for target, port, says in (
        ("svc/database/pg", "443", "the Service has no port 443/TCP; it has 15432/TCP, 80/TCP"),
        ("svc/database/pg", "80", "none of the given containers has"),
        ("database", "main", "more than one: 5432/TCP or 5433/TCP"),
    ):
        with pytest.raises(EndError, match=re.escape(says)):
            explain(model, "photos", target, [port])


def test_pods_of_the_same_labels_are_told_apart_by_their_service_accounts() -> None:
    account = {"io.cilium.k8s.policy.serviceaccount": "one"}
    allowed = {
        "endpointSelector": {"matchLabels": {"app": "pg"}},
        "ingress": [{"fromEndpoints": [{"matchLabels": account}]}],
    }
    one = deployment("database", "web", serviceAccountName="one")
    other = one.replace('"serviceAccountName": "one"', '"serviceAccountName": "other"')
    model = model_of(
        one
        + other.replace('"name": "web"', '"name": "other"', 1)
        + deployment("database", "pg", 5432)
        + policy("database", "pg", allowed)
    )
    answer = explain(model, "database/app=web", "database/pg")
    assert answer.reply is Reply.IN_PART


def test_pods_on_their_nodes_network_are_known_as_nodes() -> None:
    text = (
        namespace("photos", profile="internal")
        + deployment("photos", "web")
        + deployment("photos", "agent", hostNetwork=True)
    )
    answer = explain(model_of(text), "photos/agent", "photos/web")
    assert answer.reply is Reply.IN_PART  # as its own node yes, as another one no
    assert {part.sources for part in answer.parts} == {
        ("photos/agent on its node's network (host)",),
        ("photos/agent on its node's network (remote-node)",),
    }


def test_an_open_hatch_is_said_and_allows() -> None:
    text = namespace("photos", profile="isolated", enforcement="disabled")
    answer = explain(model_of(text + deployment("photos", "web")), "photos", "internet")
    assert answer.reply is Reply.YES
    assert any("escape hatch of photos is open" in note for note in answer.notes)


def test_a_misspelt_label_is_said_beside_the_answer() -> None:
    text = namespace("photos", profile="standart") + deployment("photos", "web")
    answer = explain(model_of(text), "photos", "internet")
    assert any("Did you mean 'standard'?" in note for note in answer.notes)


def test_the_mesh_s_tunnel_that_carries_every_port_is_said() -> None:
    text = namespace("photos", profile="internal") + deployment("photos", "web")
    meshed = text.replace('"labels": {', '"labels": {"istio.io/dataplane-mode": "ambient", ', 1)
    answer = explain(model_of(meshed), "photos", "photos/web", ["8080"])
    assert answer.reply is Reply.YES
    assert not any("mesh" in note for note in answer.notes)


@pytest.mark.parametrize(
    ("selector", "reply"), [("app == 'web'", Reply.UNKNOWN), ("app == 'other'", Reply.YES)]
)
def test_calico_s_own_policies_make_an_answer_unknown_where_they_select_an_end(
    selector: str, reply: Reply
) -> None:
    calico = f"""---
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: {{name: tiers}}
spec: {{selector: "{selector}", types: [Egress]}}
"""
    text = namespace("photos", profile="standard") + deployment("photos", "web") + calico
    answer = explain(model_of(text), "photos", "internet")
    assert answer.reply is reply
    assert any("1 GlobalNetworkPolicy of Calico's own" in note for note in answer.notes)
    assert ("GlobalNetworkPolicy tiers" in first_line(answer)) is (reply is Reply.UNKNOWN)


def test_nothing_is_proposed_where_the_answer_is_yes() -> None:
    text = namespace("photos", profile="standard") + deployment("photos", "web")
    answer = explain(model_of(text, Settings()), "photos", "internet")
    assert answer.reply is Reply.YES
    assert answer.fixes == find_fixes(model_of(text), None, answer.ruling)  # type: ignore[arg-type]


def test_the_label_domain_of_the_settings_is_the_one_of_the_fix() -> None:
    settings = parse_settings("labelDomain: netpol.example.org")
    text = namespace("photos").replace(DOMAIN, "netpol.example.org") + deployment("photos", "web")
    answer = explain(model_of(text, settings), "photos", "postgres")
    assert answer.fixes.best is not None
    keys = [each.key for each in answer.fixes.best.change.settings]
    assert keys == ["access.netpol.example.org/postgres"]
