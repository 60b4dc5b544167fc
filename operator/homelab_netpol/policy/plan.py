"""Which policies should stand: for one namespace, for one shared resource, for the cluster.

A profile's policy alone switches on default deny, beside the baselines; grants and the hatch only
add, so that they can never cut off a namespace without a profile.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from homelab_netpol.intent import Intent, format_moment
from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import (
    GATEWAYS,
    Component,
    Kind,
    PolicyKey,
    gateway_policy_name,
    policy_name,
)
from homelab_netpol.policy.notes import ExpiredHatch, gateway_ports_text
from homelab_netpol.policy.objects import Policy
from homelab_netpol.policy.plan_clusterwide import (
    NO_OTHERS,
    PlatformNamespaces,
    clusterwide_policies,
)
from homelab_netpol.policy.plan_mesh import MeshPlanner
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.settings import DefaultDeny, SharedResource, TargetSide


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
        self._builder = PolicyBuilder(catalogue.renderer, catalogue.settings.label_domain)
        self._keys = self._builder.keys
        self._mesh = MeshPlanner(catalogue, self._builder, self._scope) if istio else None

    def check(self) -> None:
        """Renders everything once, so that a wrong template ends the start, and not a later run.

        It also leaves the templates compiled and the usual renderings remembered, so that the first
        label is followed as quickly as the rest.

        Raises:
            RenderError: a template cannot be rendered, with and without its options.
        """
        always, never = (lambda _: True), (lambda _: False)
        self.clusterwide({"example": ExpiredHatch(datetime.now(UTC), "")})
        self.clusterwide({})
        resources = tuple(sorted(self._catalogue.vocabulary.resources))
        for profile in self._catalogue.vocabulary.profiles:
            self._catalogue.gateways_of(profile)
            for intra, ports, meshed in itertools.product(
                (False, True), (None, (), (8080,)), (False, True)
            ):
                intent = Intent(
                    namespace="example",
                    profile=profile,
                    intra_namespace=intra,
                    gateway_ports=ports,
                    grants=resources,
                    hatch_open=True,
                    meshed=meshed,
                )
                plan = self.namespace(intent, always if meshed else never)
                for error in plan.failed.values():
                    raise error
        owner = Intent(namespace="example", profile="isolated", meshed=True)
        for resource in resources:
            self.beside(resource, ["example"], owner, always)
        for which in GATEWAYS:
            self.gateway(which, ["example"], always)

    def namespace(self, intent: Intent, is_meshed: Callable[[str], bool]) -> NamespacePlan:
        """The policies of one namespace: its hatch, its profile, its side of its grants.

        Args:
            intent: what the namespace wants.
            is_meshed: whether another namespace, by name, is part of the mesh.
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
            add(policy_name(Component.ACCESS, resource), self._access, resource, is_meshed)
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

    def uses(self, intent: Intent, resource: str) -> bool:
        """A shared resource lets a namespace in: by a grant, or as its hatch is open.

        An open hatch does not lead past a resource's `allowFrom`.
        """
        return resource in intent.grants or (
            intent.hatch_open and resource not in intent.may_not_ask
        )

    def serves(self, which: str, intent: Intent) -> bool:
        """A gateway, `internal` or `external`, reaches a namespace through the mesh."""
        return intent.meshed and self.lets_in(which, intent)

    def lets_in(self, which: str, intent: Intent) -> bool:
        """A namespace's profile lets a gateway in, `internal` or `external`."""
        if intent.profile is None:
            return False
        template = self._catalogue.template_of(intent.profile)
        # Ports that cannot be read close what the template opens; a profile's own rules stand.
        by_template = intent.gateway_ports is not None
        return (by_template and which in self._catalogue.gateways_of(template)) or (
            which in self._catalogue.gateways_named_by(intent.profile)
        )

    def beside(
        self,
        name: str,
        consumers: Collection[str],
        owner: Intent | None,
        is_meshed: Callable[[str], bool],
    ) -> list[Policy]:
        """The policies in a shared resource's own namespace.

        Args:
            name: the shared resource.
            consumers: the namespaces that hold a grant on it, or whose hatch is open.
            owner: what the resource's namespace wants; None: it is not there.
            is_meshed: whether a namespace, by name, is part of the mesh.

        Raises:
            RenderError: a template cannot be rendered.
        """
        policy = self.target(name, consumers, is_meshed)
        if policy is None:
            return []
        meshed = [consumer for consumer in consumers if is_meshed(consumer)]
        in_mesh = self._mesh.grant(name, owner, meshed) if self._mesh is not None else None
        return [policy] if in_mesh is None else [policy, in_mesh]

    def target(
        self, name: str, consumers: Collection[str], is_meshed: Callable[[str], bool]
    ) -> Policy | None:
        """Of the policies beside a resource Cilium's, which lets consumers in; None: there is none.

        Arguments and errors are those of `beside`.
        """
        resource = self._catalogue.resource(name)
        exclusive = resource.target is TargetSide.EXCLUSIVE
        if resource.namespace is None or resource.target is TargetSide.NONE:
            return None
        if not consumers and not exclusive:
            return None
        in_mesh = _is_reached_by_tunnel(resource, is_meshed)
        meshed = [each for each in consumers if is_meshed(each)] if in_mesh else []
        return self._builder.render(
            PolicyKey(Kind.CNP, resource.namespace, policy_name(Component.GRANT, name)),
            Component.GRANT,
            "grants/target",
            labels={self._keys.resource: name},
            remember=False,
            name=name,
            resource=self._catalogue.resource_data(name),
            exclusive=exclusive,
            consumers=sorted(consumers),
            meshed_consumers=sorted(meshed),
        )

    def gateway(
        self, which: str, consumers: Collection[str], is_meshed: Callable[[str], bool]
    ) -> Policy | None:
        """The policy beside a gateway, for its side of the mesh; None: there is none.

        Args:
            which: `internal` or `external`.
            consumers: the meshed namespaces whose profile lets this gateway in.
            is_meshed: whether a namespace, by name, is part of the mesh.

        Raises:
            RenderError: a template cannot be rendered.
        """
        namespace = self._catalogue.settings.gateways.namespace
        if not consumers or not is_meshed(namespace):
            return None
        return self._builder.render(
            PolicyKey(Kind.CNP, namespace, gateway_policy_name(which)),
            Component.GRANT,
            "grants/gateway",
            remember=False,
            which=which,
            consumers=sorted(consumers),
        )

    def clusterwide(
        self, expired: Mapping[str, ExpiredHatch], platform: PlatformNamespaces = NO_OTHERS
    ) -> list[Policy]:
        """The baselines, and the hatch's clusterwide policy.

        Args:
            expired: the hatches that have closed by themselves, by Namespace.
            platform: the platform Namespaces beside those that the settings name.

        Raises:
            RenderError: a template cannot be rendered.
        """
        return clusterwide_policies(self._catalogue, self._builder, self._scope, expired, platform)

    def _hatch(self, key: PolicyKey, intent: Intent) -> Policy:
        notes = {}
        if intent.hatch_since is not None:
            notes[self._keys.since] = format_moment(intent.hatch_since)
        until = intent.hatch_until
        notes[self._keys.until] = "" if until is None else format_moment(until)
        return self._builder.render(key, Component.HATCH, "hatch/namespace", annotations=notes)

    def _profile(self, key: PolicyKey, intent: Intent, profile: str) -> Policy:
        ports = intent.gateway_ports
        rendered = self._catalogue.profile_body(
            profile,
            intra_namespace=intent.intra_namespace,
            gateway_ports=None if ports is None else list(ports),
            meshed=intent.meshed,
        )
        labels = {
            self._keys.profile: profile,
            self._keys.intra_namespace: "allow" if intent.intra_namespace else "deny",
        }
        notes = {self._keys.gateway_ports: gateway_ports_text(ports)}
        return self._builder.build(key, Component.PROFILE, rendered, labels, notes)

    def _access(
        self, key: PolicyKey, intent: Intent, name: str, is_meshed: Callable[[str], bool]
    ) -> Policy:
        resource = self._catalogue.resource(name)
        return self._builder.render(
            key,
            Component.ACCESS,
            "access/consumer",
            labels={self._keys.resource: name},
            name=name,
            resource=self._catalogue.resource_data(name),
            hbone=intent.meshed and _is_reached_by_tunnel(resource, is_meshed),
        )


def _is_reached_by_tunnel(resource: SharedResource, is_meshed: Callable[[str], bool]) -> bool:
    """The tunnel carries TCP, and carries all of it: other protocols do not need it opened."""
    return resource.has_tcp and resource.namespace is not None and is_meshed(resource.namespace)
