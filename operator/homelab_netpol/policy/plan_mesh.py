"""Which of Istio's policies should stand, so that ports hold inside the mesh's tunnel too.

An AuthorizationPolicy that allows something denies the rest to the pods that it selects. So there
is one only where Cilium's policies deny the rest as well: in governed namespaces, and beside
exclusive resources.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from homelab_netpol.intent import GATEWAY_NAME_LABEL, WHOLE, Intent, Waypoint
from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.consumers import consumers_by_value
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name
from homelab_netpol.policy.mesh import AllowedPeers, allowed_peers, tcp_ports
from homelab_netpol.policy.objects import Policy
from homelab_netpol.settings import DefaultDeny, Mtls, TargetSide, namespaces_of_peers


class MeshPlanner:
    """Renders Istio's policies. Pure: the same arguments give the same policies."""

    def __init__(self, catalogue: Catalogue, builder: PolicyBuilder, scope: DefaultDeny) -> None:
        """Prepares; `scope` is where default deny is in force, never `auto`."""
        self._scope = scope
        self._catalogue = catalogue
        self._settings = catalogue.settings
        self._builder = builder

    def is_governed(self, intent: Intent) -> bool:
        """Cilium denies to the namespace's pods what nothing allows."""
        match self._scope:
            case DefaultDeny.CLUSTER:
                return intent.namespace != self._catalogue.vocabulary.own_namespace
            case DefaultDeny.LABELLED:
                return intent.profile is not None
            case _:
                return not intent.platform

    def parts(self, intent: Intent) -> Iterator[tuple[PolicyKey, Callable[[], Policy]]]:
        """The policies of one namespace: which object, and how to render it."""
        mesh, name = self._settings.mesh, intent.namespace
        # There Istio takes a policy without a selector for the whole mesh's.
        if not intent.meshed or name == mesh.root_namespace:
            return
        if mesh.authorization_policies and intent.hatch_open:
            key = PolicyKey(Kind.AUTHORIZATION, name, policy_name(Component.HATCH))
            yield key, partial(self._builder.render, key, Component.HATCH, "mesh/hatch")
        # The kept policies of a profile that is not known now include the one beside them.
        if intent.retained_profile is not None or not self.is_governed(intent):
            return
        if mesh.authorization_policies:
            key = PolicyKey(Kind.AUTHORIZATION, name, policy_name(Component.MESH))
            yield key, partial(self._namespace, key, intent)
        # An open hatch frees the namespace from the tunnel too.
        if mesh.mtls is Mtls.STRICT and not intent.hatch_open:
            key = PolicyKey(Kind.PEER_AUTHENTICATION, name, policy_name(Component.MESH))
            yield key, partial(self._builder.render, key, Component.MESH, "mesh/strict")

    def grants(
        self, name: str, owner: Intent | None, meshed_consumers: Mapping[str, str]
    ) -> list[Policy]:
        """The policies beside a shared resource: one for all of it, and one for each part.

        Args:
            name: the shared resource.
            owner: what the resource's namespace wants; None: it is not there.
            meshed_consumers: the namespaces in the mesh that may use it, each with the value of its
                grant.

        Raises:
            RenderError: a template cannot be rendered.
        """
        mesh = self._settings.mesh
        if not mesh.authorization_policies or owner is None or not owner.meshed:
            return []
        if owner.namespace == mesh.root_namespace:
            return []
        exclusive = self._catalogue.resource(name).target is TargetSide.EXCLUSIVE
        by_value = consumers_by_value(meshed_consumers)
        if exclusive:
            by_value = {WHOLE: by_value.get(WHOLE, [])} | by_value
        elif not self.is_governed(owner):
            return []
        # A consumer of all of it is on the list of each part as well: so a consumer whose grant
        # goes from all to a part, or back, is always on one list of the part's.
        whole = by_value.get(WHOLE, [])
        return [
            self._grant(name, owner, value, sorted({*whole, *names}))
            for value, names in by_value.items()
        ]

    def _grant(self, name: str, owner: Intent, value: str, consumers: Sequence[str]) -> Policy:
        peers = []
        resource = self._catalogue.resource(name)
        ports = tcp_ports([port.model_dump(by_alias=True) for port in resource.ports])
        if consumers and ports is not None:
            peers.append(AllowedPeers(namespaces=tuple(consumers), ports=ports))
            peers += self._by_waypoint(owner, ports)
        part = "" if value == WHOLE else value
        policy = policy_name(Component.GRANT, name, part)
        return self._builder.render(
            PolicyKey(Kind.AUTHORIZATION, owner.namespace, policy),
            Component.GRANT,
            "mesh/grant",
            labels={self._builder.keys.resource: name},
            remember=False,
            resource=self._catalogue.resource_data(name, value),
            admissions=[each.data() for each in peers],
        )

    def _namespace(self, key: PolicyKey, intent: Intent) -> Policy:
        peers = [each.data() for each in self._allowed_peers(intent)]
        return self._builder.render(
            key, Component.MESH, "mesh/namespace", remember=False, admissions=peers
        )

    def _allowed_peers(self, intent: Intent) -> Iterator[AllowedPeers]:
        settings, catalogue = self._settings, self._catalogue
        for scraper in settings.scrapers:
            if scraper.namespaces:
                yield AllowedPeers(namespaces=scraper.namespaces, ports=scraper.ports)
        for companion in settings.companions.values():
            ports = tcp_ports([port.model_dump(by_alias=True) for port in companion.ports])
            names = sorted(namespaces_of_peers(companion.from_))
            if names and ports is not None:
                yield AllowedPeers(namespaces=tuple(names), ports=ports)
        if intent.profile is None:
            return
        waypoint = intent.waypoint
        if intent.intra_namespace:
            yield AllowedPeers(namespaces=(intent.namespace,))
            if waypoint is not None and waypoint.namespace != intent.namespace:
                yield AllowedPeers(principals=(self._principal(waypoint),))
        # Rules of a profile's own that let a gateway in come with ports of their own, below.
        gateways = catalogue.profiles.gateways_of(catalogue.profiles.template_of(intent.profile))
        if gateways and intent.gateway_ports is not None:
            yield from self._gateways(gateways, intent.gateway_ports)
            if waypoint is not None and intent.ingress_by_waypoint:
                by_waypoint = (self._principal(waypoint),)
                yield AllowedPeers(principals=by_waypoint, ports=intent.gateway_ports)
        custom = catalogue.profiles.custom.get(intent.profile)
        if custom is not None:
            yield from allowed_peers(custom.ingress, intent.namespace)

    def _by_waypoint(self, owner: Intent, ports: tuple[int, ...]) -> Iterator[AllowedPeers]:
        """The waypoints on the way to a resource: what they call on, comes as theirs."""
        namespaces: list[str] = []
        known = [] if owner.waypoint is None else [owner.waypoint]
        for peer in self._settings.mesh.waypoints:
            name = peer.pod_labels.get(GATEWAY_NAME_LABEL)
            if peer.namespace is not None and name is not None:
                known.append(Waypoint(peer.namespace, name))
            else:
                namespaces += peer.namespaces
        principals = [self._principal(waypoint) for waypoint in dict.fromkeys(known)]
        if principals:
            yield AllowedPeers(principals=tuple(principals), ports=ports)
        if namespaces:
            yield AllowedPeers(namespaces=tuple(dict.fromkeys(namespaces)), ports=ports)

    def _principal(self, waypoint: Waypoint) -> str:
        """Istio runs a waypoint under a service account of the waypoint's own name."""
        trust = self._settings.mesh.trust_domain
        return f"{trust}/ns/{waypoint.namespace}/sa/{waypoint.name}"

    def _gateways(self, which: Collection[str], ports: tuple[int, ...]) -> Iterator[AllowedPeers]:
        """Gateways by their service accounts, else by the namespaces of their pods."""
        settings, trust = self._settings, self._settings.mesh.trust_domain
        peers = [peer for each in sorted(which) for peer in settings.gateways.of(each)]
        principals = [
            f"{trust}/ns/{name}/sa/{peer.service_account}"
            for peer in peers
            if peer.service_account is not None
            for name in peer.namespaces
        ]
        if principals:
            yield AllowedPeers(principals=tuple(dict.fromkeys(principals)), ports=ports)
        others = [peer for peer in peers if peer.service_account is None]
        namespaces = dict.fromkeys(name for peer in others for name in peer.namespaces)
        if namespaces:
            yield AllowedPeers(namespaces=tuple(namespaces), ports=ports)
