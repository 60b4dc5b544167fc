"""What people and tools do to a cluster: one function for each, which gets a Namespace's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from tests.chaos.hand import Hand
from tests.chaos.wanted import TARGETS
from tests.cluster.kube import ccnp_path, cnp_path, namespace_path
from tests.cluster.spaces import (
    ENFORCEMENT,
    GATEWAY_PORTS,
    HATCH_POLICY,
    INTERNET_PORTS,
    INTRA_NAMESPACE,
    LAN_PORTS,
    MANAGED_BY,
    PROFILE,
    PROFILE_POLICY,
    WEBHOOKS,
    access,
    hand_made,
)

Deed = Callable[[Hand, str], None]

_PROFILES = ("isolated", "internal", "internal-egress", "standard")
_OPENED = {"spec": {"egress": [{"toEntities": ["all"]}], "ingress": [{"fromEntities": ["all"]}]}}
_LET_IN = [{"op": "add", "path": "/spec/ingress", "value": [{"fromEntities": ["world"]}]}]
_CLUSTERWIDE = ("baseline-dns-egress", "baseline-health-probes", "escape-hatch-allow-all")
# A policy of ours whose name somebody else may have taken for one of his own.
_SQUATTED = "homelab-access-postgres"
_OURS = (PROFILE_POLICY, HATCH_POLICY, "homelab-access-kube-api")


def random_labels(dice: Random) -> dict[str, str | None]:
    """Every label that an ordinary Namespace may carry, or None where it does not."""
    return {
        PROFILE: dice.choice([*_PROFILES, *_PROFILES, None]),
        INTRA_NAMESPACE: dice.choice(["allow", "deny", None, None]),
        ENFORCEMENT: dice.choice(["disabled", "enabled", None, None]),
        **{access(name): dice.choice(["true", None]) for name in (*TARGETS, "kube-api")},
        access("gateway"): dice.choice(["true", "internal", None, None]),
        WEBHOOKS: dice.choice(["allow", "deny", None, None]),
    }


def create(hand: Hand, name: str) -> None:
    """A Namespace comes, unless it is there, or has not gone yet."""
    given = {key: value for key, value in random_labels(hand.dice).items() if value is not None}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": given}}
    hand.ask("POST", "/api/v1/namespaces", body)


def _delete(hand: Hand, name: str) -> None:
    """A Namespace goes, with all that is in it."""
    hand.ask("DELETE", namespace_path(name))


def _relabel(hand: Hand, name: str) -> None:
    """Everything at once, as GitOps does it."""
    _label(hand, name, random_labels(hand.dice))


def _change_one(hand: Hand, name: str) -> None:
    key, value = hand.dice.choice([*random_labels(hand.dice).items()])
    _label(hand, name, {key: value})


def _turn_hatch(hand: Hand, name: str) -> None:
    _label(hand, name, {ENFORCEMENT: hand.dice.choice(["disabled", None])})


def _turn_hatch_of_platform(hand: Hand, _: str) -> None:
    """The hatch works in the namespace of a shared resource, too."""
    _turn_hatch(hand, hand.dice.choice([*TARGETS.values()]))


def _list_ports(hand: Hand, name: str) -> None:
    key = hand.dice.choice([GATEWAY_PORTS, INTERNET_PORTS, LAN_PORTS])
    ports = hand.dice.choice(["8080", "8080,9090", None])
    _patch_space(hand, name, {"annotations": {key: ports}})


def _write_foreign(hand: Hand, name: str) -> None:
    """Somebody writes a policy of his own; sometimes under a name that we want."""
    hand.ask("POST", cnp_path(name), hand_made(hand.dice.choice(["theirs", "theirs", _SQUATTED])))


def _edit(hand: Hand, name: str) -> None:
    """Somebody opens one of our policies by hand."""
    hand.ask("PATCH", cnp_path(name, hand.dice.choice(_OURS)), _OPENED)


def _drop(hand: Hand, name: str) -> None:
    """Somebody deletes one of our policies."""
    hand.ask("DELETE", cnp_path(name, hand.dice.choice(_OURS)))


def _unlabel(hand: Hand, name: str) -> None:
    """Somebody takes our label off one of our policies."""
    off = {"metadata": {"labels": {MANAGED_BY: None}}}
    hand.ask("PATCH", cnp_path(name, PROFILE_POLICY), off)


def _meddle(hand: Hand, _: str) -> None:
    """Somebody opens or deletes a policy that concerns more than one Namespace."""
    resource, name = hand.dice.choice([*TARGETS]), hand.dice.choice(_CLUSTERWIDE)
    grant = cnp_path(TARGETS[resource], f"homelab-grant-{resource}")
    path = hand.dice.choice([grant, ccnp_path(name)])
    if hand.dice.random() < 0.5:
        hand.ask("DELETE", path)
    else:
        hand.ask("PATCH", path, _LET_IN, patch="application/json-patch+json")


def _label(hand: Hand, name: str, labels: Mapping[str, str | None]) -> None:
    if _patch_space(hand, name, {"labels": labels}) == 404 and name in hand.names:
        create(hand, name)


def _patch_space(hand: Hand, name: str, metadata: Mapping[str, object]) -> int:
    return hand.ask("PATCH", namespace_path(name), {"metadata": metadata})


# With how often each is done, in proportion.
DEEDS: tuple[tuple[Deed, int], ...] = (
    (_change_one, 6),
    (_relabel, 3),
    (_turn_hatch, 4),
    (_turn_hatch_of_platform, 1),
    (_list_ports, 1),
    (_delete, 1),
    (_edit, 2),
    (_drop, 2),
    (_unlabel, 1),
    (_write_foreign, 1),
    (_meddle, 1),
)
