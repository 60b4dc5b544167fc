"""What should stand, by what Namespaces say: the operator's pure function, asked piece by piece.

Its history is the judge's business. Namespaces outside the mesh, and labels that can be understood:
what a mistyped one leaves standing depends on more than the present.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state
from homelab_netpol.policy.keys import Component, Scope, WorkKey, gateway_policy_name, policy_name
from homelab_netpol.policy.notes import parse_closed_text
from homelab_netpol.policy.objects import LabelKeys, Policy, digest_of
from homelab_netpol.settings import Settings
from tests.chaos.ledger import labels_of
from tests.cluster.kube import CCNP, CNP, Manifest
from tests.cluster.spaces import DOMAIN, HATCH_POLICY, access
from tests.cluster.words import consumers

# The mission's table: whose namespace each shared resource lives in.
TARGETS = {"postgres": "database", "dragonfly": "cache", "garage-s3": "garage"}
UNTIL = f"{DOMAIN}/disabled-until"

# Likewise the gateways', which the grant `gateway` shares.
_GATEWAY_HOME, _GATEWAYS = "istio-gateway", ("internal", "external")
HOMES = {**TARGETS, **dict.fromkeys(_GATEWAYS, _GATEWAY_HOME)}

# Kind, namespace and name of a policy.
Key = tuple[str, str, str]


def key_of_grant(shared: str) -> Key:
    """The policy beside a shared resource, or a gateway."""
    name = policy_name(Component.GRANT, shared)
    if shared in _GATEWAYS:
        name = gateway_policy_name(WorkKey(Scope.CALLERS, shared))
    return CNP, HOMES[shared], name


_GRANTS = {key_of_grant(shared): shared for shared in HOMES}
_WHENEVER = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = datetime(9000, 1, 1, tzinfo=UTC)


class PureFunction:
    """The pure function for one settings file; remembers what it was asked before."""

    def __init__(self, settings: Settings) -> None:
        self._catalogue = Catalogue(settings)
        self._own: dict[object, dict[Key, Policy]] = {}
        self._uses: dict[object, frozenset[str]] = {}
        self._targets: dict[object, Policy | None] = {}
        self._clusterwide: dict[object, dict[Key, Policy]] = {}

    def own(self, space: Manifest | None, now: float) -> Mapping[Key, Policy]:
        """The policies of a Namespace's own: hatch, profile, its side of grants; None: not there.

        Args:
            space: the Namespace.
            now: the operator's clock, which closes hatches by themselves; since the epoch.
        """
        if space is None:
            return {}
        moment = datetime.fromtimestamp(now, UTC) if has_deadline(space) else _WHENEVER
        key = (_essence(space), moment)
        if key not in self._own:
            self._own[key] = {
                place: policy
                for place, policy in self._ask([space], moment).items()
                if place[1] == space["metadata"]["name"] and place not in _GRANTS
            }
        return self._own[key]

    def uses(self, space: Manifest | None, now: float) -> frozenset[str]:
        """The shared resources, and the gateways, whose own side lets a Namespace in."""
        if space is None:
            return frozenset()
        moment = datetime.fromtimestamp(now, UTC) if has_deadline(space) else _WHENEVER
        key, name = (_essence(space), moment), space["metadata"]["name"]
        if key not in self._uses:
            others = [_bare(each) for each in set(HOMES.values()) if each != name]
            found = self._ask([space, *others], moment)
            self._uses[key] = frozenset(
                resource
                for place, resource in _GRANTS.items()
                if place in found and name in consumers(_manifest(found[place]))
            )
        return self._uses[key]

    def target(self, resource: str, names: Iterable[str]) -> Policy | None:
        """The policy beside a shared resource or gateway when exactly these Namespaces use it."""
        key = (resource, *sorted(names))
        if key not in self._targets:
            home = HOMES[resource]
            spaces = {home: _bare(home)} | {name: _bare(name, resource) for name in key[1:]}
            found = self._ask([*spaces.values()], _WHENEVER)
            self._targets[key] = found.get(key_of_grant(resource))
        return self._targets[key]

    def clusterwide(
        self, closed: Sequence[Manifest] = (), out: frozenset[str] = frozenset()
    ) -> Mapping[Key, Policy]:
        """The clusterwide policies.

        Args:
            closed: the Namespaces whose hatches have closed by themselves.
            out: those that are left out because their label has just gone.
        """
        names = {space["metadata"]["name"] for space in closed}
        key = (*sorted(names), None, *sorted(out))
        if key not in self._clusterwide:
            bare = [_bare(name) for name in out - names]
            found = self._ask([*closed, *bare], _LATER, out)
            self._clusterwide[key] = {k: each for k, each in found.items() if k[0] == CCNP}
        return self._clusterwide[key]

    def clusterwide_between(
        self, surely: Sequence[Manifest], perhaps: Sequence[Manifest], out: frozenset[str]
    ) -> list[Mapping[Key, Policy]]:
        """The same when some hatches have closed surely, and any of some others."""
        choices = [(each, None) for each in perhaps]
        return [
            self.clusterwide([*surely, *(each for each in chosen if each is not None)], out)
            for chosen in itertools.product(*choices)
        ]

    def asks_for_hatch(self, space: Manifest | None) -> bool:
        """The Namespace's label opens its hatch, whether its time is over or not."""
        return any(key[2] == HATCH_POLICY for key in self.own(space, 0.0))

    def has_closed(self, space: Manifest | None, now: float) -> bool:
        """The Namespace's hatch has closed by itself though its label is there."""
        return self.asks_for_hatch(space) and not any(
            key[2] == HATCH_POLICY for key in self.own(space, now)
        )

    def _ask(
        self, spaces: Sequence[Manifest], now: datetime, out: frozenset[str] = frozenset()
    ) -> dict[Key, Policy]:
        policies = desired_state(self._catalogue, spaces, now, closed=out).policies
        return {
            (each.key.kind.plural, each.key.namespace, each.key.name): each for each in policies
        }


def says(manifest: Manifest | None, policy: Policy | None) -> bool:
    """An object says what a policy should, and carries its labels; None: neither is there."""
    if manifest is None or policy is None:
        return manifest is None and policy is None
    return digest_of(manifest) == policy.digest and (
        policy.labels.items() <= labels_of(manifest).items()
    )


def left_out(manifest: Manifest | None) -> frozenset[str]:
    """Whom the hatch's clusterwide policy says it leaves out, as the label has just gone."""
    annotations = (manifest or {}).get("metadata", {}).get("annotations") or {}
    return parse_closed_text(annotations.get(LabelKeys(DOMAIN).closed_hatches))


def has_deadline(space: Manifest) -> bool:
    """The Namespace says when its hatch is to close by itself."""
    return UNTIL in (space["metadata"].get("annotations") or {})


def grant_of(key: Key) -> str | None:
    """The shared resource or gateway that a policy lets consumers into; None for others."""
    return _GRANTS.get(key)


def _essence(space: Manifest) -> object:
    """What the function can depend on."""
    metadata = space["metadata"]
    labels, annotations = labels_of(space), metadata.get("annotations") or {}
    going = bool(metadata.get("deletionTimestamp"))
    return metadata["name"], _sorted(labels), _sorted(annotations), going


def _sorted(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(texts.items()))


def _bare(name: str, *resources: str) -> Manifest:
    labels = {
        access("gateway" if each in _GATEWAYS else each): each if each in _GATEWAYS else "true"
        for each in resources
    }
    return {"metadata": {"name": name, "labels": labels, "uid": ""}}


def _manifest(policy: Policy) -> dict[str, Any]:
    return {"metadata": {"labels": dict(policy.labels)}, **policy.body}
