"""`homelab-netpol explain` as it is typed: what it prints, and its exit status."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from click.testing import CliRunner, Result

from homelab_netpol.cli.main import main
from lab.control_plane import Engine
from tests.explained import deployment, namespace, policy
from tests.pictures import SVG, parsed

CLUSTER = (
    namespace("photos", profile="internal", access_postgres="true")
    + namespace("wiki", profile="standard")
    + deployment("photos", "web")
    + deployment("wiki", "wiki")
    + deployment("database", "pg", 5432)
)


def explain(*arguments: str, text: str = CLUSTER) -> Result:
    """What the command says of a cluster on its standard input."""
    return CliRunner().invoke(main, ["explain", "-f", "-", *arguments], input=text)


@pytest.mark.parametrize(
    ("arguments", "status", "first"),
    [
        (["photos", "postgres"], 0, "yes: photos may reach postgres (database) on 5432/TCP"),
        (["photos", "internet"], 1, "no: photos may not reach the internet on 443/TCP"),
        (["photos/web", "svc/photos/web"], 2, "Error: svc/photos/web: no such Service is given"),
        (["photos", "10.0.0.0/33"], 2, "Error: 10.0.0.0/33: no Namespace 10.0.0.0 is given"),
        (["photso", "internet"], 2, "Error: photso: nothing of the name is given; did you mean"),
        (["photos", "internet", "--port", "http"], 2, "Error: --port http: neither a number"),
        (["photos", "wiki", "--port", "70000"], 2, "Error: --port 70000: must be from 1 to 65535"),
        (["photos", "wiki", "--port", "80/TCPP"], 2, "Error: --port 80/TCPP: the protocol must"),
        (["host", "internet"], 2, "Error: host and the internet: neither is a pod"),
        (["photos"], 2, "Error: photos: to what?"),
        ([], 2, "Error: give FROM and TO, or -n NAMESPACE"),
        (["photos", "wiki", "-o", "svg"], 2, "Error: -o svg is a picture of a Namespace"),
        (["-n", "nowhere"], 2, "Error: nowhere: no such Namespace is given"),
    ],
)
def test_the_first_line_is_the_answer_and_the_status_says_the_same(
    arguments: list[str], status: int, first: str
) -> None:
    done = explain(*arguments)
    printed = done.stdout if status < 2 else done.stderr
    assert (done.exit_code, first in printed.splitlines()[0]) == (status, True), printed


def test_a_name_that_means_two_things_is_an_error_with_both() -> None:
    done = explain("photos", "postgres", text=CLUSTER + namespace("postgres"))
    assert done.exit_code == 2
    assert "write namespace/postgres or resource/postgres" in done.stderr
    text = CLUSTER + namespace("postgres")
    assert explain("photos", "resource/postgres", text=text).exit_code == 0


def test_what_cannot_be_said_has_a_status_of_its_own() -> None:
    spec = {
        "endpointSelector": {},
        "egress": [{"toEntities": ["world"], "authentication": {"mode": "required"}}],
    }
    text = namespace("photos") + deployment("photos", "web") + policy("photos", "own", spec)
    done = explain("photos", "internet", text=text)
    assert done.exit_code == 3
    assert done.stdout.startswith("unknown: whether photos may reach the internet on 443/TCP: ")


def test_the_fix_can_be_copied_into_git() -> None:
    done = explain("photos", "internet")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "on the Namespace photos (-:2), in git:" in lines
    assert "network-policy.homelab/profile: internal-egress" in lines
    command = "kubectl label namespace photos --overwrite network-policy.homelab/profile="
    assert any(f"{command}internal-egress" in line for line in lines)
    assert lines[-1] == "Asked again with that: yes. It also opens: photos to the LAN on 443/TCP."


def test_json_has_all_of_it() -> None:
    data: dict[str, Any] = json.loads(explain("external", "photos", "-o", "json").stdout)
    assert data["answer"] == "no"
    assert data["ports"] == [{"protocol": "TCP", "first": 8080, "last": 8080}]
    [part] = data["parts"]
    [egress, ingress] = part["ends"]
    assert (egress["outcome"], ingress["outcome"]) == ("allowed", "denied")
    assert ingress["policies"][0]["name"] == "homelab-profile"
    [fix] = data["fixes"]
    assert fix["settings"] == [
        {
            "namespace": "photos",
            "in": "labels",
            "key": "network-policy.homelab/profile",
            "value": "standard",
        }
    ]
    assert {"photos"} == {each["namespace"] for each in fix["alsoOpens"]}
    assert data["incomplete"] == []


def test_markdown_is_for_a_pull_request() -> None:
    printed = explain("photos", "internet", "-o", "markdown").stdout
    assert printed.startswith("**no**: photos may not reach the internet")
    assert "```text\nTo allow it:" in printed


def test_a_namespace_s_ways_are_a_table_and_the_same_as_json() -> None:
    table = explain("-n", "photos").stdout
    rows = [line.split() for line in table.splitlines() if line.strip()]
    assert any(row[:4] == ["ingress", "the", "internal", "gateway,"] for row in rows)
    assert any(row[:2] == ["egress", "postgres"] and "5432/TCP" in row for row in rows)
    data = json.loads(explain("-n", "photos", "-o", "json").stdout)
    ways = {(each["direction"], peer) for each in data["ways"] for peer in each["peers"]}
    assert ("egress", "postgres (database)") in ways
    assert not any("internet" in peer or "external" in peer for _, peer in ways)


def test_the_picture_is_whole_in_itself_and_says_in_text_what_it_shows() -> None:
    printed = explain("-n", "photos", "-o", "svg").stdout
    root = parsed(printed)
    title, described = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "What the Namespace photos may reach, and what may reach it"
    assert described is not None
    assert "photos may reach postgres (database) on 5432/TCP." in str(described.text)
    assert root.get("role") == "img"
    assert "prefers-color-scheme: dark" in printed
    outside = ("http://", "https://", "@import", "<script", "href", "url(")
    without = printed.replace("http://www.w3.org/2000/svg", "")
    assert not [each for each in outside if each in without]


def test_every_card_and_line_of_the_picture_is_inside_of_it() -> None:
    root = parsed(explain("-n", "photos", "-o", "svg").stdout)
    width, height = int(root.get("width", 0)), int(root.get("height", 0))
    for box in root.iter(f"{SVG}rect"):
        right = int(box.get("x", 0)) + int(box.get("width", 0))
        bottom = int(box.get("y", 0)) + int(box.get("height", 0))
        assert (right <= width, bottom <= height) == (True, True)
    assert all(int(each.get("y", 0)) < height for each in root.iter(f"{SVG}text"))


def test_a_name_that_is_none_is_refused_without_its_escapes() -> None:
    odd = '<b>&"[red]\u001b[31m'
    done = explain("-n", "photos", text=CLUSTER + deployment("photos", odd))
    assert done.exit_code == 2
    assert "[red]" in done.stderr
    assert "\u001b" not in done.stderr


def test_a_port_that_a_rule_names_is_the_one_that_containers_give_that_name() -> None:
    ports = [{"port": "main", "protocol": "TCP"}]
    rule = {"fromEntities": ["remote-node"], "toPorts": [{"ports": ports}]}
    text = CLUSTER + policy("photos", "by-name", {"endpointSelector": {}, "ingress": [rule]})
    data = json.loads(explain("-n", "photos", "-o", "json", text=text).stdout)
    [way] = [each for each in data["ways"] if each["peers"] == ["other nodes"]]
    assert way["ports"] == [{"protocol": "TCP", "first": 8080, "last": 8080}]
    assert not way["unknownPorts"]
    assert explain("remote-node", "photos", "--port", "main", text=text).exit_code == 0


def test_icmp_is_asked_about_by_its_type() -> None:
    rule = {"toEntities": ["world"], "icmps": [{"fields": [{"type": 8, "family": "IPv4"}]}]}
    text = CLUSTER + policy("photos", "ping", {"endpointSelector": {}, "egress": [rule]})
    assert explain("photos", "internet", "--port", "8/ICMP", text=text).exit_code == 0
    assert explain("photos", "internet", "--port", "128/icmpv6", text=text).exit_code == 1
    assert explain("photos", "internet", "--port", "300/ICMP", text=text).exit_code == 2


def test_what_http_rules_leave_is_said() -> None:
    http = {"http": [{"method": "GET", "path": "/metrics"}]}
    to_ports = [{"ports": [{"port": "8080", "protocol": "TCP"}], "rules": http}]
    rule = {"fromEntities": ["remote-node"], "toPorts": to_ports}
    text = CLUSTER + policy("photos", "l7", {"endpointSelector": {}, "ingress": [rule]})
    done = explain("remote-node", "photos", text=text)
    assert done.exit_code == 0
    assert "then only HTTP GET /metrics" in done.stdout


def test_dot_is_a_graph_of_the_same_ways() -> None:
    printed = explain("-n", "photos", "-o", "dot").stdout
    assert printed.startswith("digraph access {")
    assert '"photos" -> "postgres (database)" [label="5432/TCP"];' in printed


@pytest.mark.parametrize(
    "spec",
    [
        "7",
        "{endpointSelector: {}, ingress: null, egress: [null]}",
        "{endpointSelector: {}, egress: {a: 1}}",
        "{endpointSelector: {matchLabels: {app: 1}}, egress: [{toPorts: 3}]}",
        "{podSelector: 7, policyTypes: 3, ingress: x}",
    ],
)
@pytest.mark.parametrize("kind", ["CiliumNetworkPolicy", "NetworkPolicy"])
def test_a_policy_of_any_shape_is_no_stack_trace(kind: str, spec: str) -> None:
    version = "cilium.io/v2" if kind.startswith("Cilium") else "networking.k8s.io/v1"
    odd = f"---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, namespace: photos}}\n"
    for arguments in (["photos", "internet"], ["photos", "postgres"], ["-n", "photos"]):
        done = explain(*arguments, text=f"{CLUSTER}{odd}spec: {spec}\n")
        assert done.exit_code in ((2,) if spec == "7" else (0, 1, 3)), done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("Service", "spec: 7"),
        ("Service", "spec: {selector: [1], ports: {a: 1}}"),
        ("Service", "spec: {selector: {app: web}, ports: [7, {port: x}, {port: 80}]}"),
        ("Service", "spec: {clusterIPs: 7, externalIPs: x}\nstatus: {loadBalancer: 7}"),
    ],
)
def test_a_service_of_any_shape_is_no_stack_trace(kind: str, data: str) -> None:
    odd = f"---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: x, namespace: photos}}\n{data}\n"
    for target in ("svc/photos/x", "10.1.2.3", "x.photos.svc"):
        done = explain("wiki", target, text=CLUSTER + odd)
        assert done.exit_code in (0, 1, 2, 3), done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)


def test_cilium_s_engine_is_asked_the_same_and_agrees(engine: Engine) -> None:
    done = explain("external", "photos", "--engine", "cilium")
    assert done.exit_code == 1
    assert "Cilium's engine: the same (2 verdicts)" in done.stdout
    data = json.loads(explain("photos", "postgres", "--engine", "cilium", "-o", "json").stdout)
    assert data["cilium"] == {"same": True, "verdicts": 2, "differences": []}


def test_without_a_checkout_the_engine_is_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "lab.control_plane", None)
    done = explain("photos", "internet", "--engine", "cilium")
    assert done.exit_code == 2
    assert "only in a checkout, after `make lab`" in done.stderr
