"""Which policies should stand: for one namespace, for one shared resource, for the cluster.

A profile's policy alone switches on default deny, beside the baselines; grants and the hatch only
add, so that they can never cut off a namespace that nobody put under a profile.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from homelab_netpol.intent import Intent, format_moment
from homelab_netpol.policy.catalogue import KUBE_API, Catalogue
from homelab_netpol.policy.keys import (
    GATEWAYS,
    HATCH_CCNP,
    Component,
    Kind,
    PolicyKey,
    gateway_policy_name,
    policy_name,
)
from homelab_netpol.policy.notes import ExpiredHatch, expired_text, gateway_ports_text
from homelab_netpol.policy.objects import FIELD_MANAGER, MANAGED_BY_LABEL, LabelKeys, Policy
from homelab_netpol.policy.plan_mesh import MeshPlanner
from homelab_netpol.policy.rendering import RenderError
from homelab_netpol.settings import TargetSide


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

    def __init__(self, catalogue: Catalogue, *, istio: bool = True) -> None:
        """Prepares planning.

        Args:
            catalogue: what is defined.
            istio: Istio's policies can be written, if the settings ask for them.
        """
        self._catalogue = catalogue
        self._keys = LabelKeys(catalogue.settings.label_domain)
        mesh = MeshPlanner(catalogue, self._labels, self._keys.resource)
        self._mesh = mesh if istio else None

    def check(self) -> None:
        """Renders everything once, so that a wrong template ends the start and not a night.

        It also leaves the templates compiled and the usual renderings remembered, so that the first
        label is followed as quickly as the rest.

        Raises:
            RenderError: a template cannot be rendered, with and without its options.
        """
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
                for error in self.namespace(intent, _always if meshed else _never).failed.values():
                    raise error
        owner = Intent(namespace="example", profile="isolated", meshed=True)
        for resource in resources:
            self.beside(resource, ["example"], owner, _always)
        for which in GATEWAYS:
            self.gateway(which, ["example"], _always)

    def namespace(self, intent: Intent, is_meshed: Callable[[str], bool]) -> NamespacePlan:
        """The policies of one namespace: its hatch, its profile, its side of its grants.

        Args:
            intent: what the namespace wants.
            is_meshed: whether another namespace, by name, is part of the mesh.
        """
        key = partial(PolicyKey, Kind.CNP, intent.namespace)
        parts: list[tuple[PolicyKey, Callable[[], Policy]]] = []
        if intent.hatch_open:
            parts.append((key(policy_name(Component.HATCH)), partial(self._hatch, intent)))
        if intent.profile is not None:
            part = partial(self._profile, intent, intent.profile)
            parts.append((key(policy_name(Component.PROFILE)), part))
        for resource in intent.grants:
            part = partial(self._access, intent, resource, is_meshed)
            parts.append((key(policy_name(Component.ACCESS, resource)), part))
        if self._mesh is not None:
            parts += self._mesh.parts(intent)
        plan = NamespacePlan([], {})
        for policy, render in parts:
            try:
                plan.policies.append(render())
            except RenderError as error:
                # One wrong template must not keep the others from standing, least of all the hatch.
                plan.failed[policy] = error
        return plan

    def uses(self, intent: Intent, resource: str) -> bool:
        """A namespace is let in by a shared resource: by a grant, or as its hatch is open.

        Nobody gets past a resource's `allowFrom` by opening his own hatch.
        """
        return resource in intent.grants or (
            intent.hatch_open and resource not in intent.may_not_ask
        )

    def serves(self, which: str, intent: Intent) -> bool:
        """A gateway, `internal` or `external`, reaches a namespace through the mesh."""
        if intent.profile is None or not intent.meshed:
            return False
        template = self._catalogue.template_of(intent.profile)
        # Ports that cannot be read close what the template opens; rules of one's own stand.
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
        """The policy in a shared resource's own namespace, which lets its consumers in.

        Args:
            name: the shared resource.
            consumers: the namespaces that hold a grant on it, or whose hatch is open.
            is_meshed: whether a namespace, by name, is part of the mesh.

        Returns:
            None when nothing is to stand there.

        Raises:
            RenderError: a template cannot be rendered.
        """
        resource = self._catalogue.resource(name)
        exclusive = resource.target is TargetSide.EXCLUSIVE
        if resource.namespace is None or resource.target is TargetSide.NONE:
            return None
        if not consumers and not exclusive:
            return None
        through_tunnel = resource.has_tcp and is_meshed(resource.namespace)
        meshed = [c for c in consumers if is_meshed(c)] if through_tunnel else []
        return self._policy(
            Component.GRANT,
            resource.namespace,
            "grants/target",
            resource_name=name,
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
        """The policy beside a gateway, for its side of the mesh.

        Args:
            which: `internal` or `external`.
            consumers: the meshed namespaces whose profile lets this gateway in.
            is_meshed: whether a namespace, by name, is part of the mesh.

        Returns:
            None when nothing is to stand there.

        Raises:
            RenderError: a template cannot be rendered.
        """
        namespace = self._catalogue.settings.gateways.namespace
        if not consumers or not is_meshed(namespace):
            return None
        variables = {"which": which, "consumers": sorted(consumers)}
        body, digest = self._catalogue.renderer.body(
            "grants/gateway", Kind.CNP, remember=False, **variables
        )
        key = PolicyKey(Kind.CNP, namespace, gateway_policy_name(which))
        return Policy(key, Component.GRANT, self._labels(Component.GRANT), body, digest)

    def clusterwide(self, expired: Mapping[str, ExpiredHatch]) -> list[Policy]:
        """The baselines, and the hatch's clusterwide policy.

        Args:
            expired: the hatches that have closed by themselves, by Namespace.

        Raises:
            RenderError: a template cannot be rendered.
        """
        shared = {
            "selections": self._catalogue.selections(),
            "kube_api": self._catalogue.resource_data(KUBE_API),
        }
        policies = [
            self._clusterwide(Component.BASELINE, name, f"baselines/{name}", shared)
            for name in self._catalogue.baselines()
        ]
        hatch = self._clusterwide(
            Component.HATCH,
            HATCH_CCNP,
            f"hatch/{HATCH_CCNP}",
            {"expired": sorted(expired)},
            annotations={self._keys.expired_hatches: expired_text(expired)},
        )
        return [hatch, *policies]

    def _hatch(self, intent: Intent) -> Policy:
        notes = {}
        if intent.hatch_since is not None:
            notes[self._keys.since] = format_moment(intent.hatch_since)
        until = intent.hatch_until
        notes[self._keys.until] = "" if until is None else format_moment(until)
        return self._policy(Component.HATCH, intent.namespace, "hatch/namespace", annotations=notes)

    def _profile(self, intent: Intent, profile: str) -> Policy:
        ports = intent.gateway_ports
        body, digest = self._catalogue.profile_body(
            profile,
            intra_namespace=intent.intra_namespace,
            gateway_ports=None if ports is None else list(ports),
            meshed=intent.meshed,
        )
        says = {
            self._keys.profile: profile,
            self._keys.intra_namespace: "allow" if intent.intra_namespace else "deny",
        }
        return Policy(
            key=PolicyKey(Kind.CNP, intent.namespace, policy_name(Component.PROFILE)),
            component=Component.PROFILE,
            labels=self._labels(Component.PROFILE) | says,
            annotations={self._keys.gateway_ports: gateway_ports_text(ports)},
            body=body,
            digest=digest,
        )

    def _access(self, intent: Intent, name: str, is_meshed: Callable[[str], bool]) -> Policy:
        resource = self._catalogue.resource(name)
        # The tunnel carries TCP, and carries all of it: other protocols do not need it opened.
        through_mesh = (
            intent.meshed
            and resource.has_tcp
            and resource.namespace is not None
            and is_meshed(resource.namespace)
        )
        return self._policy(
            Component.ACCESS,
            intent.namespace,
            "access/consumer",
            resource_name=name,
            name=name,
            resource=self._catalogue.resource_data(name),
            hbone=through_mesh,
        )

    def _policy(
        self,
        component: Component,
        namespace: str,
        template: str,
        *,
        resource_name: str = "",
        annotations: dict[str, str] | None = None,
        **variables: Any,
    ) -> Policy:
        body, digest = self._catalogue.renderer.body(template, Kind.CNP, **variables)
        own = self._labels(component)
        if resource_name:
            own[self._keys.resource] = resource_name
        return Policy(
            key=PolicyKey(Kind.CNP, namespace, policy_name(component, resource_name)),
            component=component,
            labels=own,
            annotations=annotations or {},
            body=body,
            digest=digest,
        )

    def _clusterwide(
        self,
        component: Component,
        name: str,
        template: str,
        variables: dict[str, Any],
        annotations: Mapping[str, str] | None = None,
    ) -> Policy:
        body, digest = self._catalogue.renderer.body(template, Kind.CCNP, **variables)
        key = PolicyKey(Kind.CCNP, "", name)
        return Policy(key, component, self._labels(component), body, digest, annotations or {})

    def _labels(self, component: Component) -> dict[str, str]:
        return {MANAGED_BY_LABEL: FIELD_MANAGER, self._keys.component: component.value}


def _always(_: str) -> bool:
    return True


def _never(_: str) -> bool:
    return False
