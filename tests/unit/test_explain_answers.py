"""For whom an answer is, where workloads, ports and policies beside Cilium's make it differ."""

from __future__ import annotations

import re

import pytest

from homelab_netpol.access.ends import EndError
from homelab_netpol.access.explain_answer import explain
from homelab_netpol.access.explain_judge import Reply
from homelab_netpol.access.explain_text import (
    first_line,
)
from homelab_netpol.cilium.evaluation import Outcome
from tests.explained import deployment, model_of, namespace, policy


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
