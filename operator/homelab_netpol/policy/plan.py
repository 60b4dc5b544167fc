"""Which policies should stand: for one namespace, for one shared resource, for the cluster.

A profile's policy alone switches on default deny, beside the baselines; grants and the hatch only
add, so that they can never cut off a namespace without a profile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from homelab_netpol.intent import (
    GATEWAY_GRANT,
    WHOLE,
    Intent,
    PortRange,
    format_moment,
    port_ranges_text,
)
from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import (
    LAN,
    WEBHOOKS,
    WORLD,
    Component,
    Kind,
    PolicyKey,
    policy_name,
)
from homelab_netpol.policy.notes import ExpiredHatch, gateway_ports_text, internet_ports_text
from homelab_netpol.policy.objects import Policy
from homelab_netpol.policy.plan_clusterwide import (
    NO_OTHERS,
    PlatformNamespaces,
    clusterwide_policies,
)
from homelab_netpol.policy.plan_gateways import GatewayPlanner
from homelab_netpol.policy.plan_mesh import MeshPlanner
from homelab_netpol.policy.plan_target import is_reached_by_tunnel, target_policy
from homelab_netpol.policy.plan_waypoints import WaypointOf, WaypointPlanner, no_waypoint
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.settings import DefaultDeny


@dataclass(frozen=True, slots=True)
class NamespacePlan:
    """What should stand in a namespace.

    Attributes:
        policies: those that could be rendered.
        failed: those that could not, and why; what stands in their place is to be left alone.
    """

    policies: list[Policy]
    failed: dict[PolicyKey, RenderError]


class Planner:
    """Renders what should stand. Pure: the same arguments give the same policies."""

    def __init__(
        self, catalogue: Catalogue, *, istio: bool = True, scope: DefaultDeny | None = None
    ) -> None:
        """Prepares planning.

        Args:
            catalogue: what is defined.
            istio: Istio's policies can be written, if the settings ask for them.
            scope: where default deny is in force now; None: where the settings say, `auto` being
                what it comes to in the end.
        """
        self._catalogue = catalogue
        self._scope = (scope or catalogue.settings.default_deny).in_the_end
        self._builder = PolicyBuilder(
            catalogue.renderer, catalogue.settings.label_domain, catalogue.own_cluster.selected
        )
        self._keys = self._builder.keys
        internet = catalogue.settings.internet.ports
        self._internet = [port.model_dump(mode="json", by_alias=True) for port in internet]
        self._mesh = MeshPlanner(catalogue, self._builder, self._scope) if istio else None
        self.gateways = GatewayPlanner(catalogue, self._builder)
        self.waypoints = WaypointPlanner(catalogue, self._builder, self.gateways)

    def namespace(
        self,
        intent: Intent,
        is_meshed: Callable[[str], bool],
        waypoint_of: WaypointOf = no_waypoint,
    ) -> NamespacePlan:
        """The policies of one namespace: its hatch, its profile, its side of its grants.

        Args:
            intent: what the namespace wants.
            is_meshed: whether another namespace, by name, is part of the mesh.
            waypoint_of: the waypoint of another namespace, by name.
        """
        parts: list[tuple[PolicyKey, Callable[[], Policy]]] = []

        def add(name: str, build: Callable[..., Policy], *arguments: object) -> None:
            key = PolicyKey(Kind.CNP, intent.namespace, name)
            parts.append((key, partial(build, key, intent, *arguments)))

        if intent.hatch_open:
            add(policy_name(Component.HATCH), self._hatch)
        if intent.profile is not None:
            add(policy_name(Component.PROFILE), self._profile, intent.profile)
        for resource in intent.grants:
            add(
                policy_name(Component.ACCESS, resource),
                self._access,
                resource,
                is_meshed,
                waypoint_of,
            )
        if intent.gateway_access:
            add(policy_name(Component.ACCESS, GATEWAY_GRANT), self.gateways.access, is_meshed)
        for ports, where in ((intent.lan_ports, LAN), (intent.world_ports, WORLD)):
            if ports:
                add(policy_name(Component.INGRESS, where), self._ingress, where, ports)
        if intent.webhooks:
            add(policy_name(Component.INGRESS, WEBHOOKS), self._ingress, WEBHOOKS)
        own_way = self.waypoints.own_way(intent)
        if own_way is not None:
            parts.append(own_way)
        if self._mesh is not None:
            parts += self._mesh.parts(intent)
        plan = NamespacePlan([], {})
        for key, render in parts:
            try:
                plan.policies.append(render())
            except RenderError as error:
                # One wrong template must not keep the others from standing, least of all the hatch.
                plan.failed[key] = error
        return plan

    def let_in(self, intent: Intent, resource: str) -> str | None:
        """As what a shared resource lets a namespace in: by a grant, or as its hatch is open.

        An open hatch does not lead past a resource's `allowFrom`; else it counts as a grant on all
        of it, whatever value the label has.

        Returns:
            The value of the grant; None: the resource does not let it in.
        """
        if intent.hatch_open and resource not in intent.may_not_ask:
            return WHOLE
        return intent.grant_values.get(resource, WHOLE) if resource in intent.grants else None

    def beside(
        self,
        name: str,
        consumers: Mapping[str, str],
        owner: Intent | None,
        is_meshed: Callable[[str], bool],
        waypoint_of: WaypointOf = no_waypoint,
    ) -> list[Policy]:
        """The policies in a shared resource's own namespace, and beside waypoints on the way to it.

        Args:
            name: the shared resource.
            consumers: the namespaces that it lets in, each with the value of `let_in`.
            owner: what the resource's namespace wants; None: it is not there.
            is_meshed: whether a namespace, by name, is part of the mesh.
            waypoint_of: the waypoint of a namespace, by name.

        Raises:
            RenderError: a template cannot be rendered.
        """
        policy = self.target(name, consumers, is_meshed, waypoint_of)
        if policy is None:
            return []
        meshed = {each: value for each, value in consumers.items() if is_meshed(each)}
        in_mesh = self._mesh.grants(name, owner, meshed) if self._mesh is not None else []
        by_waypoint = self.waypoints.beside(name, consumers, is_meshed, waypoint_of)
        return [policy, *by_waypoint, *in_mesh]

    def target(
        self,
        name: str,
        consumers: Mapping[str, str],
        is_meshed: Callable[[str], bool],
        waypoint_of: WaypointOf = no_waypoint,
    ) -> Policy | None:
        """Of the policies beside a resource Cilium's, which lets consumers in; None: there is none.

        Arguments and errors are those of `beside`.
        """
        home = self._catalogue.resource(name).home
        waypoint = None if home is None else waypoint_of(home)
        selectors = self.waypoints.selectors(waypoint)
        return target_policy(self._catalogue, self._builder, name, consumers, is_meshed, selectors)

    def clusterwide(
        self,
        expired: Mapping[str, ExpiredHatch],
        platform: PlatformNamespaces = NO_OTHERS,
        closed: Collection[str] = (),
    ) -> list[Policy]:
        """The baselines, and the hatch's clusterwide policy.

        Args:
            expired: the hatches that have closed by themselves, by Namespace.
            platform: the platform Namespaces beside those that the settings name.
            closed: the Namespaces whose hatch closed a moment ago.

        Raises:
            RenderError: a template cannot be rendered.
        """
        return clusterwide_policies(
            self._catalogue, self._builder, self._scope, expired, platform, closed
        )

    def _hatch(self, key: PolicyKey, intent: Intent) -> Policy:
        notes = {}
        if intent.hatch_since is not None:
            notes[self._keys.since] = format_moment(intent.hatch_since)
        until = intent.hatch_until
        notes[self._keys.until] = "" if until is None else format_moment(until)
        return self._builder.render(key, Component.HATCH, "hatch/namespace", annotations=notes)

    def _profile(self, key: PolicyKey, intent: Intent, profile: str) -> Policy:
        ports = intent.gateway_ports
        rendered = self._catalogue.profiles.body(
            profile,
            intra_namespace=intent.intra_namespace,
            gateway_ports=None if ports is None else list(ports),
            meshed=intent.meshed,
            internet_ports=self._internet_ports(intent),
        )
        labels = {
            self._keys.profile: profile,
            self._keys.intra_namespace: "allow" if intent.intra_namespace else "deny",
        }
        notes = {
            self._keys.gateway_ports: gateway_ports_text(ports),
            self._keys.internet_ports: internet_ports_text(intent.internet_ports),
        }
        return self._builder.build(key, Component.PROFILE, rendered, labels, notes)

    def _internet_ports(self, intent: Intent) -> list[dict[str, Any]] | None:
        if intent.internet_ports is None:
            return None
        return [port.data() for port in intent.internet_ports] or self._internet

    def _ingress(
        self, key: PolicyKey, _: Intent, where: str, ports: tuple[PortRange, ...] = ()
    ) -> Policy:
        note = {LAN: self._keys.lan_ports, WORLD: self._keys.world_ports}.get(where)
        return self._builder.render(
            key,
            Component.INGRESS,
            f"ingress/{where}",
            annotations={note: port_ranges_text(ports)} if note is not None else None,
            ports=[port.data() for port in ports],
        )

    def _access(
        self,
        key: PolicyKey,
        intent: Intent,
        name: str,
        is_meshed: Callable[[str], bool],
        waypoint_of: WaypointOf,
    ) -> Policy:
        resource = self._catalogue.resource(name)
        hbone = intent.meshed and is_reached_by_tunnel(resource, is_meshed)
        waypoint = waypoint_of(resource.home) if hbone and resource.home is not None else None
        value = intent.grant_values.get(name, WHOLE)
        labels = {self._keys.resource: name}
        if self._catalogue.vocabulary.resources[name].has_parts:
            # The last good one, if the label's value cannot be understood later.
            labels[self._keys.value] = value
        return self._builder.render(
            key,
            Component.ACCESS,
            "access/consumer",
            labels=labels,
            cluster=resource.cluster,
            name=name,
            value=value,
            resource=self._catalogue.resource_data(name, value),
            hbone=hbone,
            waypoints=self.waypoints.selectors(waypoint) if hbone else [],
        )
