"""Which fix is proposed beside the table's rows, what else it opens, and where there is none."""

from __future__ import annotations

from homelab_netpol.access.explain_answer import explain
from homelab_netpol.access.explain_judge import Reply
from homelab_netpol.access.explain_text import (
    effect_words,
    reasons_lines,
)
from homelab_netpol.settings import Settings, parse_settings
from tests.explained import DOMAIN, deployment, model_of, namespace, policy


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


def test_nothing_is_proposed_where_the_answer_is_yes() -> None:
    text = namespace("photos", profile="standard") + deployment("photos", "web")
    answer = explain(model_of(text, Settings()), "photos", "internet")
    assert answer.reply is Reply.YES
    assert answer.fixes.best is None
    assert not answer.fixes.hatch


def test_the_label_domain_of_the_settings_is_the_one_of_the_fix() -> None:
    settings = parse_settings("labelDomain: netpol.example.org")
    text = namespace("photos").replace(DOMAIN, "netpol.example.org") + deployment("photos", "web")
    answer = explain(model_of(text, settings), "photos", "postgres")
    assert answer.fixes.best is not None
    keys = [each.key for each in answer.fixes.best.change.settings]
    assert keys == ["access.netpol.example.org/postgres"]
