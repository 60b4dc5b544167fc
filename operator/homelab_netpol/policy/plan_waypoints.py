"""Which policies should stand so that calls may go by way of Istio's waypoints. Pure.

A waypoint takes calls on the tunnel's port and makes them anew, so every way by it has four ends:
out of the caller, into the waypoint, out of it, into what is called. Here are the two at the
waypoint, and those of calls within a namespace; a grant's own are in the policies of its two sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from homelab_netpol.cilium.terms import NAMESPACE_KEY
from homelab_netpol.intent import GATEWAYS, Intent, Waypoint
from homelab_netpol.policy.builder import PolicyBuilder
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.consumers import consumers_by_value
from homelab_netpol.policy.keys import (
    OF_GATEWAYS,
    OWN_WAY,
    SERVED,
    Component,
    Kind,
    PolicyKey,
    waypoint_policy_name,
)
from homelab_netpol.policy.objects import Policy
from homelab_netpol.policy.peers import labels_selector, peers_data
from homelab_netpol.policy.plan_gateways import GatewayPlanner
from homelab_netpol.settings import TargetSide

Selector = dict[str, Any]
WaypointOf = Callable[[str], Waypoint | None]


class Served(NamedTuple):
    """The calls to a namespace's pods that go by way of its waypoint, beside those of grants.

    Attributes:
        namespace: whose pods are called.
        waypoint: of that namespace.
        within: the namespace's own pods call each other.
        gateways: `internal` and `external`, where they call them.
    """

    namespace: str
    waypoint: Waypoint
    within: bool
    gateways: tuple[str, ...]


def no_waypoint(_: str) -> Waypoint | None:
    """No namespace has a waypoint."""
    return None


class WaypointPlanner:
    """Renders the policies. Pure: the same arguments give the same policies."""

    def __init__(
        self, catalogue: Catalogue, builder: PolicyBuilder, gateways: GatewayPlanner
    ) -> None:
        self._catalogue = catalogue
        self._builder = builder
        self._gateways = gateways
        self._listed = catalogue.settings.mesh.waypoints
        self._selectors = peers_data(self._listed)["endpoints"]

    def selectors(self, waypoint: Waypoint | None) -> list[Selector]:
        """The pods of the waypoints on the way of a grant, in Cilium's words.

        Args:
            waypoint: of the resource's namespace.
        """
        own = [] if waypoint is None else [_pods(waypoint)]
        return [*(each for each in self._selectors if each not in own), *own]

    def beside(
        self,
        name: str,
        consumers: Mapping[str, str],
        is_meshed: Callable[[str], bool],
        waypoint_of: WaypointOf,
    ) -> list[Policy]:
        """A grant's policies beside the waypoints, one in each namespace of their pods.

        Args:
            name: the shared resource.
            consumers: the namespaces that it lets in, each with the value of its grant.
            is_meshed: whether a namespace, by name, is part of the mesh.
            waypoint_of: the waypoint of a namespace, by name.

        Raises:
            RenderError: the template cannot be rendered.
        """
        resource = self._catalogue.resource(name)
        home = resource.home
        if home is None or not resource.has_tcp or not is_meshed(home):
            return []
        meshed = {each: value for each, value in consumers.items() if is_meshed(each)}
        if not meshed or resource.target is TargetSide.NONE:
            return []
        targets = [
            _pods_of(home, resource.labels_of(value)) for value in consumers_by_value(meshed)
        ]
        return [
            self._builder.render(
                PolicyKey(Kind.CNP, namespace, waypoint_policy_name(name)),
                Component.GRANT,
                "grants/waypoint",
                labels={self._builder.keys.resource: name},
                remember=False,
                name=name,
                selectors=selectors,
                consumers=sorted(meshed),
                targets=targets,
            )
            for namespace, selectors in self._by_namespace(waypoint_of(home)).items()
        ]

    def _by_namespace(self, waypoint: Waypoint | None) -> dict[str, list[Selector]]:
        """Waypoints on a way, as policies in their own namespaces select them.

        A policy beside pods of any namespace cannot be namespaced.
        """
        found: dict[str, list[Selector]] = {}
        known = [(p.namespace, p.pod_labels) for p in self._listed if p.namespace is not None]
        if waypoint is not None:
            known.append((waypoint.namespace, waypoint.pod_labels))
        for namespace, labels in known:
            selectors, own = found.setdefault(namespace, []), labels_selector(labels)
            if own not in selectors:
                selectors.append(own)
        return {namespace: found[namespace] for namespace in sorted(found)}

    # Calls within a namespace, and of gateways

    def served(self, intent: Intent) -> Served | None:
        """The calls by way of a namespace's waypoint; None: there are none but those of grants."""
        if intent.waypoint is None:
            return None
        within = intent.intra_namespace or intent.hatch_open
        gateways = tuple(
            which
            for which in GATEWAYS
            if intent.ingress_by_waypoint and self._gateways.lets_in(which, intent)
        )
        found = Served(intent.namespace, intent.waypoint, within, gateways)
        return found if within or gateways else None

    def consumes(self, intent: Intent) -> str | None:
        """A namespace that a waypoint elsewhere serves, as text that changes with it; or None."""
        served = self.served(intent)
        elsewhere = served is not None and served.waypoint.namespace != served.namespace
        return str(served) if elsewhere else None

    def own_way(self, intent: Intent) -> tuple[PolicyKey, Callable[[], Policy]] | None:
        """The side of the namespace that is called; None: its other policies say it all.

        Returns:
            Which object, and how to render it, which raises RenderError.
        """
        served = self.served(intent)
        if served is None or not (intent.intra_namespace or served.gateways):
            return None
        is_here = served.waypoint.namespace == intent.namespace
        if is_here and intent.intra_namespace:
            return None
        key = PolicyKey(Kind.CNP, intent.namespace, OWN_WAY)

        def render() -> Policy:
            return self._builder.render(
                key,
                Component.MESH,
                "waypoints/own",
                waypoint=_pods(served.waypoint),
                within=intent.intra_namespace,
                beside=labels_selector(served.waypoint.pod_labels) if is_here else None,
            )

        return key, render

    def serving(self, intents: Iterable[Intent], is_meshed: Callable[[str], bool]) -> list[Policy]:
        """The sides of the waypoints that are elsewhere, and of gateways that call by way of them.

        Args:
            intents: of the namespaces that consume; others are passed over.
            is_meshed: whether a namespace, by name, is part of the mesh.

        Raises:
            RenderError: a template cannot be rendered.
        """
        served = [each for each in map(self.served, intents) if each is not None]
        served = sorted(s for s in served if s.waypoint.namespace != s.namespace)
        return [*self._waypoints(served), *self._callers(served, is_meshed)]

    def _waypoints(self, served: Sequence[Served]) -> Iterator[Policy]:
        gateways = self._catalogue.settings.gateways
        by_namespace: dict[str, dict[Waypoint, list[Served]]] = {}
        for each in served:
            here = by_namespace.setdefault(each.waypoint.namespace, {})
            here.setdefault(each.waypoint, []).append(each)
        for namespace, waypoints in sorted(by_namespace.items()):
            items = []
            for waypoint, users in sorted(waypoints.items()):
                calling = sorted({which for user in users for which in user.gateways})
                peers = [peer for which in calling for peer in gateways.of(which)]
                items.append(
                    {
                        "selector": labels_selector(waypoint.pod_labels),
                        "callers": [user.namespace for user in users if user.within],
                        "gateways": peers_data(peers)["endpoints"],
                        "called": [user.namespace for user in users],
                    }
                )
            key = PolicyKey(Kind.CNP, namespace, SERVED)
            yield self._builder.render(
                key, Component.MESH, "waypoints/served", remember=False, waypoints=items
            )

    def _callers(
        self, served: Sequence[Served], is_meshed: Callable[[str], bool]
    ) -> Iterator[Policy]:
        """In the namespaces of gateways, as far as these are meshed, as beside a gateway itself."""
        found: dict[str, list[dict[str, Any]]] = {}
        for which in GATEWAYS:
            called = {each.waypoint for each in served if which in each.gateways}
            for peer in self._catalogue.settings.gateways.of(which) if called else ():
                if peer.namespace is not None and is_meshed(peer.namespace):
                    item = {
                        "selector": labels_selector(peer.pod_labels),
                        "waypoints": [_pods(waypoint) for waypoint in sorted(called)],
                    }
                    found.setdefault(peer.namespace, []).append(item)
        for namespace, items in sorted(found.items()):
            key = PolicyKey(Kind.CNP, namespace, OF_GATEWAYS)
            yield self._builder.render(
                key, Component.MESH, "waypoints/gateways", remember=False, gateways_here=items
            )


def _pods(waypoint: Waypoint) -> Selector:
    return _pods_of(waypoint.namespace, waypoint.pod_labels)


def _pods_of(namespace: str, labels: Mapping[str, str]) -> Selector:
    return labels_selector({NAMESPACE_KEY: namespace, **labels})
