"""Rules that are wider than they need to be: every port, and the world by its addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from homelab_netpol.cilium.terms import LAST_PORT, SOURCE_RESERVED
from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.peers import EVERYWHERE, networks_of
from homelab_netpol.lint.policies import RuleView, SpecView, mapping
from homelab_netpol.lint.rule import Hit, Rule, Severity

# They probe pods, on whatever ports these have; so do the addresses of an ambient mesh.
_PROBES = frozenset({"health", "host", "169.254.0.0/16", "169.254.7.127/32"})


def _every_port(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        judged = (spec for spec in policy.specs if not _is_of_cilium(spec))
        for rule in (rule for spec in judged for rule in spec.rules):
            if rule.deny or rule.allows_nothing or _is_of_probes(rule):
                continue
            peers = (
                [rule.way + kind for kind in rule.peer_kinds if kind != "Requires"]
                if rule.cilium
                else [rule.way]
            )
            if not rule.has_ports and any(rule.body.get(each) for each in peers):
                yield Hit(policy.manifest, rule.path, "lists no ports: it opens every one of them")
            for path, port in rule.ports():
                if _is_every(port, rule.cilium):
                    yield Hit(policy.manifest, path, "is every port of its protocol")


def _is_of_cilium(spec: SpecView) -> bool:
    """It is for Cilium's own health endpoints, as Cilium's documentation has such a policy."""
    return any(
        one.source == SOURCE_RESERVED and one.key == "health" and not one.operator.is_negative
        for one in spec.subject or ()
    )


def _is_every(port: Mapping[str, Any], cilium: bool) -> bool:
    number, end = port.get("port"), port.get("endPort")
    if not cilium:
        return number is None or (number == 1 and end == LAST_PORT)
    return str(number) == "0" or (str(number) == "1" and end == LAST_PORT)


def _is_of_probes(rule: RuleView) -> bool:
    if not rule.cilium or rule.direction != "ingress":
        return False
    peers = [*rule.peers("Entities"), *rule.peers("CIDR")]
    peers += [mapping(each).get("cidr") for each in rule.peers("CIDRSet")]
    others = any(rule.peers(kind) for kind in ("Endpoints", "Nodes", "Groups"))
    return (
        bool(peers)
        and not others
        and all(isinstance(each, str) and each in _PROBES for each in peers)
    )


EVERY_PORT = Rule(
    id="NP008",
    name="every-port",
    severity=Severity.WARNING,
    summary="A rule that allows lists no ports, or all of them.",
    why="The peer reaches whatever the pods listen on, also what a later version begins to listen"
    " on: a debug port, a metrics port, a database beside the app. Rules for probes alone"
    " (`health`, `host`, 169.254.0.0/16) may be without.",
    fix="List the ports, with their protocol.",
    wrong=cilium_policy(
        "photos-from-dashboard",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: dashboard, app: homepage}
""",
    ),
    right=cilium_policy(
        "photos-from-dashboard",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: dashboard, app: homepage}
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_every_port,
)


def _world_by_address(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        if not policy.cilium:
            continue
        for rule in policy.rules:
            for path, network, whole in networks_of(rule):
                if network not in EVERYWHERE or not whole:
                    continue
                yield Hit(
                    policy.manifest,
                    path,
                    f"{network} is meant for all addresses outside the cluster: that is the entity"
                    " `world`. No address stands for a pod, a node or the API server",
                )


WORLD_BY_ADDRESS = Rule(
    id="NP007",
    name="world-by-address",
    severity=Severity.WARNING,
    summary="0.0.0.0/0 or ::/0 where the entity `world` says it.",
    why="Cilium asks addresses only for peers outside the cluster: a reader takes 0.0.0.0/0 for"
    " every peer, and the rule lets no pod, no node and no API server pass. It also leaves out the"
    " other IP family.",
    fix="Write `toEntities: [world]` or `fromEntities: [world]`; for pods and nodes their own"
    " selectors and entities.",
    wrong=cilium_policy(
        "photos-from-outside",
        """\
  endpointSelector: {}
  ingress:
    - fromCIDR: [0.0.0.0/0]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-from-outside",
        """\
  endpointSelector: {}
  ingress:
    - fromEntities: [world]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
""",
    ),
    check=_world_by_address,
)

RULES = (WORLD_BY_ADDRESS, EVERY_PORT)
