"""What labels and settings say of waypoints, and what Istio's policies say of who comes by them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from homelab_netpol.cache.label_grace import LabelGrace
from homelab_netpol.intent import LastGood, NamespaceFacts, Waypoint, read_intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_policies
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.settings import SettingsError, parse_settings

DOMAIN = "network-policy.homelab"
PROFILE, INTRA = f"{DOMAIN}/profile", f"{DOMAIN}/intra-namespace"
AMBIENT = {"istio.io/dataplane-mode": "ambient"}
ELSEWHERE = {"istio.io/use-waypoint": "shared", "istio.io/use-waypoint-namespace": "waypoints"}
SHARED = "cluster.local/ns/waypoints/sa/shared"
WORDS = Catalogue(parse_settings("")).vocabulary
LISTED = """
mesh:
  authorizationPolicies: true
  waypoints:
    - {namespace: waypoints, podLabels: {gateway.networking.k8s.io/gateway-name: shared}}
    - {namespace: others, podLabels: {app: waypoint}}
"""


def facts(labels: dict[str, str]) -> NamespaceFacts:
    return WORDS.facts("ai", labels, None, terminating=False)


def waypoint(found: NamespaceFacts) -> Waypoint | None:
    return read_intent(found, LastGood(), WORDS, datetime.now(UTC)).waypoint


def test_a_waypoint_is_in_the_namespace_itself_unless_another_is_named() -> None:
    assert waypoint(facts({**AMBIENT, **ELSEWHERE})) == ("waypoints", "shared")
    assert waypoint(facts({**AMBIENT, "istio.io/use-waypoint": "shared"})) == ("ai", "shared")
    assert waypoint(facts({**AMBIENT, **ELSEWHERE, "istio.io/use-waypoint": "none"})) is None
    assert waypoint(facts(ELSEWHERE)) is None, "not in the mesh"


def test_a_waypoint_moves_at_once_though_lost_labels_count_for_a_moment() -> None:
    grace = LabelGrace(5, f"{DOMAIN}/enforcement")
    before = facts({**AMBIENT, **ELSEWHERE})
    moved = grace.hold(before, facts({**AMBIENT, "istio.io/use-waypoint": "shared"}))
    assert waypoint(moved) == ("ai", "shared")
    assert waypoint(grace.hold(before, facts(AMBIENT))) == ("waypoints", "shared")


@pytest.mark.parametrize("peer", ["{entities: [cluster]}", "{cidrs: [192.0.2.1/32]}"])
def test_what_is_no_pod_is_no_waypoint(peer: str) -> None:
    with pytest.raises(SettingsError, match=r"waypoints\[0\]` must be pods"):
        parse_settings(f"mesh: {{waypoints: [{peer}]}}")


def rules(
    name: str, labels: dict[str, str], settings: str, target: str = "additive"
) -> list[dict[str, Any]]:
    """The rules of an AuthorizationPolicy in `ai`, without those of every Namespace."""
    pg = f"{{namespace: ai, ports: [{{port: 5432}}], target: {target}}}"
    catalogue = Catalogue(parse_settings(f"sharedResources: {{pg: {pg}}}\n{settings}"))
    spaces = {
        "ai": {**AMBIENT, **labels},
        "app": {**AMBIENT, f"access.{DOMAIN}/pg": "true"},
        "waypoints": {},
        "others": {},
    }
    manifests = [{"metadata": {"name": n, "labels": own}} for n, own in spaces.items()]
    found = {p.key: p for p in desired_policies(catalogue, manifests, datetime.now(UTC))}
    body = found[PolicyKey(Kind.AUTHORIZATION, "ai", name)].body
    said: list[dict[str, Any]] = body["spec"]["rules"]
    common = ({"notPrincipals": ["*"]}, {"namespaces": ["monitoring"]})
    return [rule for rule in said if rule["from"][0]["source"] not in common]


def rule(source: dict[str, list[str]], *ports: str) -> dict[str, Any]:
    held = {"to": [{"operation": {"ports": list(ports)}}]} if ports else {}
    return {"from": [{"source": source}], **held}


ISTIO = "mesh: {authorizationPolicies: true}"


@pytest.mark.parametrize("target", ["additive", "exclusive"])
def test_the_waypoint_is_held_to_the_resources_ports_like_the_consumers(target: str) -> None:
    app = rule({"namespaces": ["app"]}, "5432")
    by_way = rule({"principals": [SHARED]}, "5432")
    assert rules("homelab-grant-pg", {}, ISTIO, target) == [app]
    assert rules("homelab-grant-pg", ELSEWHERE, ISTIO, target) == [app, by_way]
    others = rule({"namespaces": ["others"]}, "5432")
    assert rules("homelab-grant-pg", {}, LISTED, target) == [app, by_way, others]


def test_a_namespace_admits_its_waypoint_as_far_as_its_profile_lets_callers_in() -> None:
    own, by_way = rule({"namespaces": ["ai"]}), rule({"principals": [SHARED]})
    isolated = {PROFILE: "isolated", **ELSEWHERE}
    assert rules("homelab-mesh", isolated, ISTIO) == []
    assert rules("homelab-mesh", {**isolated, INTRA: "allow"}, ISTIO) == [own, by_way]
    internal = {PROFILE: "internal", INTRA: "deny", **ELSEWHERE}
    assert by_way not in rules("homelab-mesh", internal, ISTIO)
    asked = {**internal, "istio.io/ingress-use-waypoint": "true"}
    assert by_way in rules("homelab-mesh", asked, ISTIO)
