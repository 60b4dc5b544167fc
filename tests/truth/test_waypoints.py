"""Ways by Istio's waypoints, judged by Cilium's engine: each call is two connections.

The worlds are those of fault F6, and of what is near to it: who may go by way of a waypoint, and
that nobody else gets anything by that.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Flow, Identity

DOMAIN = "network-policy.homelab"
PROFILE, INTRA = f"{DOMAIN}/profile", f"{DOMAIN}/intra-namespace"
OLLAMA, WHISPER = f"access.{DOMAIN}/ollama", f"access.{DOMAIN}/whisper"
AMBIENT = {"istio.io/dataplane-mode": "ambient"}
USE, WHERE = "istio.io/use-waypoint", "istio.io/use-waypoint-namespace"
INGRESS = "istio.io/ingress-use-waypoint"
GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"

RESOURCES = (
    "sharedResources: {ollama: {namespace: ai, podLabels: {app: ollama}, ports: [{port: 11434}]},"
    " whisper: {namespace: ai, podLabels: {app: whisper}, ports: [{port: 9000}]}}"
)
LISTED = (
    f"mesh: {{waypoints: [{{namespace: istio-waypoints, podLabels: {{{GATEWAY_NAME}: shared}}}}]}}"
)
ISOLATED = {PROFILE: "isolated", **AMBIENT}
SPACES = {
    "chat": {**ISOLATED, OLLAMA: "true"},
    "voice": {**ISOLATED, WHISPER: "true"},
    "plain": {PROFILE: "isolated", OLLAMA: "true"},
    "stranger": ISOLATED,
    "istio-waypoints": {},
    "istio-gateway": {f"{DOMAIN}/platform": "true", **AMBIENT},
}
PODS = {
    "ollama": ("ai", {"app": "ollama"}),
    "whisper": ("ai", {"app": "whisper"}),
    "own": ("ai", {GATEWAY_NAME: "waypoint"}),
    "other": ("ai", {GATEWAY_NAME: "other"}),
    "shared": ("istio-waypoints", {GATEWAY_NAME: "shared"}),
    "internal": ("istio-gateway", {GATEWAY_NAME: "internal"}),
    **{name: (name, {"app": name}) for name in ("chat", "voice", "plain", "stranger")},
}
HERE = {USE: "waypoint"}
ELSEWHERE = {USE: "shared", WHERE: "istio-waypoints"}


def enforce(engine: Engine, ai: dict[str, str], settings: str = "") -> None:
    """Gives the engine all pods, and what the operator writes where `ai` has these labels."""
    labels = {**SPACES, "ai": {**AMBIENT, **ai}}
    catalogue = Catalogue(parse_settings("\n".join((RESOURCES, settings))))
    namespaces = [{"metadata": {"name": name, "labels": own}} for name, own in labels.items()]
    engine.identities(
        {name: Identity.pod(where, own, labels[where]) for name, (where, own) in PODS.items()}
    )
    assert (
        engine.policies(desired_state(catalogue, namespaces, datetime.now(UTC)).cilium_objects)
        == []
    )


def tunnels(engine: Engine) -> set[tuple[str, str]]:
    """All pairs of pods of which one may reach the other's tunnel."""
    pairs = [(one, other) for one in PODS for other in PODS if one != other]
    verdicts = engine.verdicts([Flow(one, other, 15008) for one, other in pairs])
    return {pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict.allowed}


STRAIGHT = {("chat", "ollama"), ("voice", "whisper")}


def by(waypoint: str) -> set[tuple[str, str]]:
    """Both connections of what the two grants allow."""
    return {
        ("chat", waypoint),
        ("voice", waypoint),
        (waypoint, "ollama"),
        (waypoint, "whisper"),
    }


@pytest.mark.parametrize(
    ("labels", "settings", "waypoints"),
    [
        ({}, "", set()),
        ({USE: "none"}, "", set()),
        (HERE, "", by("own")),
        (ELSEWHERE, "", by("shared")),
        ({}, LISTED, by("shared")),
        (HERE, LISTED, by("own") | by("shared")),
        (ELSEWHERE, LISTED, by("shared")),
        ({USE: "missing", WHERE: "nowhere"}, "", set()),
    ],
)
def test_a_grant_leads_by_way_of_the_waypoint_and_nowhere_else(
    engine: Engine, labels: dict[str, str], settings: str, waypoints: set[tuple[str, str]]
) -> None:
    """A profile without traffic of its own in `ai`: all that is open is what the grants open."""
    enforce(engine, {PROFILE: "isolated", **labels}, settings)
    assert tunnels(engine) == STRAIGHT | waypoints
    plain = [Flow("plain", "ollama", 11434), Flow("chat", "ollama", 11434)]
    assert all(verdict.allowed for verdict in engine.verdicts(plain)), "outside the tunnel too"


def test_outside_the_mesh_there_is_no_way_by_a_waypoint(engine: Engine) -> None:
    enforce(engine, {PROFILE: "isolated", **HERE, "istio.io/dataplane-mode": "none"})
    assert tunnels(engine) == set()


WITHIN = {(a, b) for a in ("ollama", "whisper") for b in ("ollama", "whisper") if a != b}


def test_pods_of_one_namespace_reach_each_other_by_way_of_a_waypoint_elsewhere(
    engine: Engine,
) -> None:
    enforce(engine, {PROFILE: "internal", **ELSEWHERE})
    found = tunnels(engine)
    assert {("ollama", "shared"), ("whisper", "shared")} <= found
    assert {("shared", "ollama"), ("shared", "whisper")} | WITHIN <= found
    assert not {("stranger", "shared"), ("shared", "stranger"), ("internal", "shared")} & found
    enforce(engine, {PROFILE: "internal", INTRA: "deny", **ELSEWHERE})
    assert not {("ollama", "shared"), ("whisper", "shared")} & tunnels(engine)


@pytest.mark.parametrize(("labels", "waypoint"), [(HERE, "own"), (ELSEWHERE, "shared")])
def test_a_gateway_goes_by_way_of_the_waypoint_where_the_namespace_asks_for_it(
    engine: Engine, labels: dict[str, str], waypoint: str
) -> None:
    apart = {PROFILE: "internal", INTRA: "deny", **labels}
    enforce(engine, {**apart, INGRESS: "true"})
    found = tunnels(engine)
    assert {("internal", waypoint), (waypoint, "ollama"), (waypoint, "other")} <= found
    assert ("stranger", waypoint) not in found
    enforce(engine, {**apart, PROFILE: "isolated", INGRESS: "true"})
    assert ("internal", waypoint) not in tunnels(engine), "its profile lets no gateway in"
    enforce(engine, {**apart, INGRESS: "false"})
    assert (waypoint, "other") not in tunnels(engine)
    if waypoint == "shared":
        assert ("internal", waypoint) not in tunnels(engine)
