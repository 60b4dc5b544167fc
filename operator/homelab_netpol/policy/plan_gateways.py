"""Which policies should stand for the gateways: beside them, and for who calls them from inside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from typing import Any

from homelab_netpol.cilium.terms import SOURCE_K8S
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
from homelab_netpol.policy.peers import peers_data
from homelab_netpol.settings import GatewayPeer, namespaces_of_peers


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

    def serves(self, which: str, intent: Intent) -> bool:
        """A gateway, `internal` or `external`, reaches a namespace through the mesh."""
        return intent.meshed and self.lets_in(which, intent)

    def lets_in(self, which: str, intent: Intent) -> bool:
        """A namespace's profile lets a gateway in, `internal` or `external`."""
        if intent.profile is None:
            return False
        template = self._catalogue.profiles.template_of(intent.profile)
        # Ports that cannot be read close what the template opens; a profile's own rules stand.
        by_template = intent.gateway_ports is not None
        return (by_template and which in self._catalogue.profiles.gateways_of(template)) or (
            which in self._catalogue.profiles.gateways_named_by(intent.profile)
        )

    def consumes(self, key: WorkKey, intent: Intent) -> bool:
        """A namespace is listed in the policies of one of `GATEWAY_KEYS`."""
        if key.scope is Scope.GATEWAY:
            return self.serves(key.name, intent)
        granted = key.name in intent.gateway_access
        return granted or (intent.hatch_open and self._catalogue.vocabulary.gateway_grant)

    def beside(
        self,
        key: WorkKey,
        consumers: Collection[str],
        is_meshed: Callable[[str], bool],
        is_wanted_in: Callable[[str], bool],
    ) -> list[Policy]:
        """The policies beside a gateway, one in each namespace of its pods.

        Args:
            key: one of `GATEWAY_KEYS`.
            consumers: the namespaces that it lists.
            is_meshed: whether a namespace, by name, is part of the mesh.
            is_wanted_in: whether to make the one in a namespace, which may not be there.

        Raises:
            RenderError: a template cannot be rendered.
        """
        if not consumers:
            return []
        return list(self._beside(key, sorted(consumers), is_meshed, is_wanted_in))

    def _beside(
        self,
        key: WorkKey,
        consumers: list[str],
        is_meshed: Callable[[str], bool],
        is_wanted_in: Callable[[str], bool],
    ) -> Iterator[Policy]:
        name = gateway_policy_name(key)
        for namespace, peers in _by_namespace(self._gateways.of(key.name)):
            if not is_wanted_in(namespace):
                continue
            in_mesh = is_meshed(namespace)
            variables: dict[str, Any] = {"consumers": consumers}
            template = "grants/gateway"
            if key.scope is Scope.CALLERS:
                meshed = [each for each in consumers if in_mesh and is_meshed(each)]
                template, variables["meshed_consumers"] = "grants/callers", meshed
            elif not in_mesh:
                continue
            yield self._builder.render(
                PolicyKey(Kind.CNP, namespace, name),
                Component.GRANT,
                template,
                remember=False,
                which=key.name,
                selectors=[_own_pods(peer) for peer in peers],
                **variables,
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


def _by_namespace(peers: Iterable[GatewayPeer]) -> Iterator[tuple[str, list[GatewayPeer]]]:
    """Pods by their namespace. A policy beside pods of any namespace cannot be namespaced."""
    named = sorted(
        (peer for peer in peers if peer.namespace is not None), key=lambda peer: peer.namespaces
    )
    for (namespace,), found in groupby(named, key=lambda peer: peer.namespaces):
        yield namespace, list(found)


def _own_pods(peer: GatewayPeer) -> dict[str, Any]:
    """The selector of a policy in the pods' own namespace."""
    return {"matchLabels": {f"{SOURCE_K8S}:{key}": value for key, value in peer.pod_labels.items()}}
