"""Which of Istio's policies should stand, so that ports hold inside the mesh's tunnel too.

An AuthorizationPolicy that allows something denies the rest to the pods that it selects. So there
is one only where Cilium's policies deny the rest as well: in governed namespaces, and beside
exclusive resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from homelab_netpol.intent import Intent
from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Component, Kind, PolicyKey, policy_name
from homelab_netpol.policy.mesh import AllowedPeers, allowed_peers, tcp_ports
from homelab_netpol.policy.objects import Policy
from homelab_netpol.settings import DefaultDeny, Mtls, TargetSide


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

    def grant(
        self, name: str, owner: Intent | None, meshed_consumers: Sequence[str]
    ) -> Policy | None:
        """The policy beside a shared resource; None: there is none.

        Args:
            name: the shared resource.
            owner: what the resource's namespace wants; None: it is not there.
            meshed_consumers: the namespaces in the mesh that may use it.

        Raises:
            RenderError: a template cannot be rendered.
        """
        mesh = self._settings.mesh
        if not mesh.authorization_policies or owner is None or not owner.meshed:
            return None
        if owner.namespace == mesh.root_namespace:
            return None
        resource = self._catalogue.resource(name)
        exclusive = resource.target is TargetSide.EXCLUSIVE
        if not exclusive and not (self.is_governed(owner) and meshed_consumers):
            return None
        peers = []
        ports = tcp_ports([port.model_dump(by_alias=True) for port in resource.ports])
        if meshed_consumers and ports is not None:
            peers.append(AllowedPeers(namespaces=tuple(sorted(meshed_consumers)), ports=ports))
        key = PolicyKey(Kind.AUTHORIZATION, owner.namespace, policy_name(Component.GRANT, name))
        return self._builder.render(
            key,
            Component.GRANT,
            "mesh/grant",
            labels={self._builder.keys.resource: name},
            remember=False,
            resource=self._catalogue.resource_data(name),
            admissions=[each.data() for each in peers],
        )

    def _namespace(self, key: PolicyKey, intent: Intent) -> Policy:
        peers = [each.data() for each in self._allowed_peers(intent)]
        return self._builder.render(
            key, Component.MESH, "mesh/namespace", remember=False, admissions=peers
        )

    def _allowed_peers(self, intent: Intent) -> Iterator[AllowedPeers]:
        settings, catalogue = self._settings, self._catalogue
        prometheus = settings.prometheus
        yield AllowedPeers(namespaces=(prometheus.namespace,), ports=prometheus.ports)
        if intent.profile is None:
            return
        if intent.intra_namespace:
            yield AllowedPeers(namespaces=(intent.namespace,))
        # Rules of a profile's own that let a gateway in come with ports of their own, below.
        gateways = catalogue.gateways_of(catalogue.template_of(intent.profile))
        if gateways and intent.gateway_ports is not None:
            principals = tuple(self._gateway(which) for which in sorted(gateways))
            yield AllowedPeers(principals=principals, ports=intent.gateway_ports)
        custom = catalogue.custom_profile(intent.profile)
        if custom is not None:
            yield from allowed_peers(custom.ingress, intent.namespace)

    def _gateway(self, which: str) -> str:
        gateways, trust = self._settings.gateways, self._settings.mesh.trust_domain
        is_internal = which == "internal"
        own = gateways.internal_service_account, gateways.external_service_account
        return f"{trust}/ns/{gateways.namespace}/sa/{own[0] if is_internal else own[1]}"
