"""What counts as needed, of flows and of policies."""

from __future__ import annotations

from datetime import UTC, datetime

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.recommendation.from_policies import RuleNeeds, needs_of_policies
from homelab_netpol.recommendation.needs import SeenNeeds
from homelab_netpol.settings import Settings
from tests.cases.modelled import modelled
from tests.models.writing import NAMESPACE, cnp, np
from tests.recommendation.clusters import Json, passed, seen

PODS = {
    "my-app/web": {"app": "web"},
    "my-app/worker": {"app": "worker"},
    "other/client": {"app": "client"},
    "database/postgres": {"app": "postgres"},
}


def cluster(*policies: Json) -> ClusterModel:
    names = sorted({each.partition("/")[0] for each in PODS})
    return modelled("needs", {each: {} for each in names}, PODS, policies, Settings()).model


def words_of(found: SeenNeeds) -> list[tuple[str, int]]:
    return sorted((need.words, need.count) for need in found.needs(cluster()))


def test_a_connection_that_is_seen_at_both_ends_counts_once() -> None:
    out = passed("my-app/web", "other/client", "80/TCP")
    found = seen([out, {**out, "traffic_direction": "INGRESS"}, out])
    assert words_of(found) == [("my-app/web to other/client on 80/TCP", 2)]


def test_what_was_dropped_or_is_an_answer_is_not_needed_and_is_counted() -> None:
    out = passed("my-app/web", "other/client", "80/TCP")
    unsaid = passed("my-app/web", "other/client", "45678/TCP")
    del unsaid["is_reply"]
    found = seen(
        [
            {**out, "verdict": "DROPPED"},
            {**out, "is_reply": True},
            unsaid,
            passed("my-app/web", "other/client", "8/ICMPv4"),
            passed("host", "world", "443/TCP"),
        ]
    )
    assert words_of(found) == []
    left_out = found.left_out
    assert (left_out.dropped, left_out.replies, left_out.portless, left_out.others) == (1, 2, 1, 1)


def test_what_audit_mode_lets_pass_is_needed() -> None:
    found = seen([{**passed("my-app/web", "other/client", "80/TCP"), "verdict": "AUDIT"}])
    assert words_of(found) == [("my-app/web to other/client on 80/TCP", 1)]


def test_flows_before_the_time_and_of_other_namespaces_are_left_out() -> None:
    found = SeenNeeds("my-app", datetime(2026, 3, 2, tzinfo=UTC))
    collected = seen([passed("other/client", "database/postgres", "5432/TCP")], "my-app")
    assert (words_of(collected), collected.left_out.others) == ([], 1)
    assert found.first is None


def test_a_namespace_that_is_gone_is_said_with_the_number_of_its_flows() -> None:
    found = seen([passed("my-app/web", "gone/pod", "80/TCP")])
    assert found.needs(cluster()) == []
    [(words, count)] = found.left_out.unknown.items()
    assert "no Namespace gone" in words
    assert count == 1


def needs(*policies: Json) -> RuleNeeds:
    return needs_of_policies(cluster(*policies), ["my-app"])


def said(read: RuleNeeds) -> set[str]:
    return {each.words for each in read.needs}


def test_each_rule_becomes_the_connections_that_it_allows_at_both_ends() -> None:
    out = cnp(
        "out",
        "my-app",
        {"app": "web"},
        egress=[
            {
                "toEndpoints": [{"matchLabels": {NAMESPACE: "database"}}],
                "toPorts": [{"ports": [{"port": "5432", "protocol": "TCP"}]}],
            },
            {
                "toFQDNs": [{"matchName": "api.example.org"}],
                "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
            },
        ],
    )
    assert said(needs(out)) == {
        "my-app/web to database/postgres on 5432/TCP",
        "my-app/web to api.example.org on 443/TCP",
    }


def test_kubernetes_own_policies_count_and_one_pod_calls_the_other() -> None:
    inward = np(
        "in",
        "my-app",
        {"app": "worker"},
        ingress=[
            {
                "from": [{"podSelector": {"matchLabels": {"app": "web"}}}],
                "ports": [{"port": 9000}],
            }
        ],
    )
    assert said(needs(inward)) == {"my-app/web to my-app/worker on 9000/TCP"}


def test_what_the_other_end_denies_today_is_not_needed_and_is_counted() -> None:
    out = cnp(
        "out",
        "my-app",
        {"app": "web"},
        egress=[
            {
                "toEndpoints": [{"matchLabels": {NAMESPACE: "other"}}],
                "toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}]}],
            }
        ],
    )
    closed = cnp("closed", "other", ingress=[{}])
    read = needs(out, closed)
    assert (said(read), read.denied) == (set(), 1)


def test_rules_that_name_nobody_in_particular_and_those_that_deny_are_told() -> None:
    broad = cnp(
        "broad",
        "my-app",
        ingress=[{"fromEntities": ["cluster"]}],
        egressDeny=[{"toEntities": ["world"]}],
    )
    read = needs(broad)
    assert said(read) == set()
    assert {each.partition(",")[0] for each in read.broad} == {
        "CiliumNetworkPolicy broad in my-app"
    }
    assert len(set(read.deny_rules)) == 1
    assert len(read.notes()) == 2


def test_a_rule_for_a_port_by_a_name_that_no_container_gives_is_told() -> None:
    unclear = cnp(
        "unclear",
        "my-app",
        ingress=[
            {"fromEntities": ["host"], "toPorts": [{"ports": [{"port": "web", "protocol": "TCP"}]}]}
        ],
    )
    read = needs(unclear)
    assert said(read) == set()
    assert {each.rpartition(", ")[2] for each in read.unclear} == {"spec.ingress[0]"}
    assert any("cannot be said" in each for each in read.notes())
