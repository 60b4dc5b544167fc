"""Which policies should stand for the gateways: beside them, and for who calls them from inside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from homelab_netpol.intent import GATEWAY_GRANT, GATEWAYS, WHOLE, Intent
from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import (
    Component,
    Kind,
    PolicyKey,
    Scope,
    WorkKey,
    gateway_policy_name,
)
from homelab_netpol.policy.objects import Policy
from homelab_netpol.policy.peers import labels_selector, peers_data
from homelab_netpol.settings import GatewayPeer, namespaces_of_peers

# A gateway with its place in the settings' list; and what its pods serve, as templates see it.
Placed = tuple[int, GatewayPeer]
Served = dict[str, Any]


class GatewayPlanner:
    """Renders the policies. Pure: the same arguments give the same policies.

    Attributes:
        homes: by gateway, `internal` or `external`, the namespaces that its pods are in.
    """

    def __init__(self, catalogue: Catalogue, builder: PolicyBuilder) -> None:
        self._catalogue = catalogue
        self._gateways = catalogue.settings.gateways
        self.homes = {which: namespaces_of_peers(self._gateways.of(which)) for which in GATEWAYS}
        self._builder = builder

    def lets_in(self, which: str, intent: Intent) -> bool:
        """A namespace's profile lets a gateway in, `internal` or `external`."""
        return bool(self._let_in(which, intent))

    def consumes(self, key: WorkKey, intent: Intent) -> str | None:
        """As what a namespace is listed in the policies of one of `GATEWAY_KEYS`.

        Returns:
            The places of the gateways that are meant, or `WHOLE` for all of them; None: it is not
            listed.
        """
        if key.scope is Scope.GATEWAY:
            places = self._let_in(key.name, intent) if intent.meshed else ()
            is_all = places and len(places) == len(self._gateways.of(key.name))
            return WHOLE if is_all else ",".join(map(str, places)) or None
        hatched = intent.hatch_open and self._catalogue.vocabulary.gateway_grant
        return WHOLE if key.name in intent.gateway_access or hatched else None

    def _let_in(self, which: str, intent: Intent) -> tuple[int, ...]:
        """The places of those gateways of a kind that a namespace's profile lets in."""
        if intent.profile is None:
            return ()
        profiles = self._catalogue.profiles
        # Ports that cannot be read close what the template opens; a profile's own rules stand.
        by_template = intent.gateway_ports is not None
        if by_template and which in profiles.gateways_of(profiles.template_of(intent.profile)):
            return tuple(range(len(self._gateways.of(which))))
        return profiles.gateways_named_by(intent.profile, which)

    def beside(
        self,
        key: WorkKey,
        consumers: Mapping[str, str],
        is_meshed: Callable[[str], bool],
        is_wanted_in: Callable[[str], bool],
    ) -> list[Policy]:
        """The policies beside a gateway, one in each namespace of its pods.

        Args:
            key: one of `GATEWAY_KEYS`.
            consumers: the namespaces that it lists, each with the value of `consumes`.
            is_meshed: whether a namespace, by name, is part of the mesh.
            is_wanted_in: whether to make the one in a namespace, which may not be there.

        Raises:
            RenderError: a template cannot be rendered.
        """
        found = []
        for namespace, peers in _by_namespace(self._gateways.of(key.name)):
            if consumers and is_wanted_in(namespace):
                in_mesh = is_meshed(namespace)
                if key.scope is Scope.CALLERS:
                    found.append(self._callers(key, namespace, peers, consumers, is_meshed))
                elif in_mesh and (served := _served(peers, consumers)):
                    found.append(self._tunnels(key, namespace, served))
        return found

    def _callers(
        self,
        key: WorkKey,
        namespace: str,
        peers: Sequence[Placed],
        consumers: Collection[str],
        is_meshed: Callable[[str], bool],
    ) -> Policy:
        in_mesh = is_meshed(namespace)
        return self._builder.render(
            PolicyKey(Kind.CNP, namespace, gateway_policy_name(key)),
            Component.GRANT,
            "grants/callers",
            remember=False,
            which=key.name,
            selectors=[labels_selector(peer.pod_labels) for _, peer in peers],
            consumers=sorted(consumers),
            meshed_consumers=[each for each in sorted(consumers) if in_mesh and is_meshed(each)],
        )

    def _tunnels(self, key: WorkKey, namespace: str, served: Sequence[Served]) -> Policy:
        return self._builder.render(
            PolicyKey(Kind.CNP, namespace, gateway_policy_name(key)),
            Component.GRANT,
            "grants/gateway",
            remember=False,
            which=key.name,
            served=served,
        )

    def access(self, key: PolicyKey, intent: Intent, is_meshed: Callable[[str], bool]) -> Policy:
        """The policy of a namespace that calls the gateways from inside.

        Args:
            key: which object.
            intent: of the namespace; it holds the grant `gateway`.
            is_meshed: whether a namespace, by name, is part of the mesh.

        Raises:
            RenderError: the template cannot be rendered.
        """
        value = intent.grant_values.get(GATEWAY_GRANT, WHOLE)
        labels = {self._builder.keys.resource: GATEWAY_GRANT, self._builder.keys.value: value}
        peers = [peer for which in intent.gateway_access for peer in self._gateways.of(which)]
        in_mesh = [
            peer for peer in peers if intent.meshed and any(is_meshed(n) for n in peer.namespaces)
        ]
        return self._builder.render(
            key,
            Component.ACCESS,
            "access/gateway",
            labels=labels,
            peers=peers_data(peers),
            hbone=peers_data(in_mesh)["endpoints"],
        )


def _by_namespace(peers: Iterable[GatewayPeer]) -> Iterator[tuple[str, list[Placed]]]:
    """Pods by their namespace. A policy beside pods of any namespace cannot be namespaced."""

    def where(placed: Placed) -> str:
        return placed[1].namespace or ""

    named = (placed for placed in enumerate(peers) if placed[1].namespace is not None)
    for namespace, found in groupby(sorted(named, key=where), key=where):
        yield namespace, list(found)


def _served(peers: Sequence[Placed], consumers: Mapping[str, str]) -> list[Served]:
    """Each gateway's pods, with the namespaces that let these in; those without any left out."""
    found = [
        {
            "selector": labels_selector(peer.pod_labels),
            "namespaces": [
                name
                for name, value in sorted(consumers.items())
                if value == WHOLE or str(place) in value.split(",")
            ],
        }
        for place, peer in peers
    ]
    return [each for each in found if each["namespaces"]]
