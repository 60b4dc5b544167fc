"""Who may talk to whom in a random world, by the mission's rules: the answers to compare with.

Each half of a flow is judged by itself, as Cilium does: what the source's policies let out, what
the target's let in. A half is allowed if nothing denies there, or if any reason allows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.worlds.ends import End, Outside, Pod
from tests.worlds.oracle_around import AroundOracle
from tests.worlds.peers import DnsNames, Pods, is_entity
from tests.worlds.ports import HBONE, Target
from tests.worlds.readings import GATEWAYS_OF, Reading, may_ask, read, resources_of
from tests.worlds.surroundings import GATEWAY_NAME, is_outside
from tests.worlds.world import Resource, Rule, World

NOT_DENIED = "nothing denies"
HATCH = "hatch"
# Link-local addresses, and what ambient mode gives to probes on IPv6.
_PROBING = ("169.254.", "fd16:9254:7127:1337:ffff:")


class Oracle:
    """Judges flows in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.readings = {name: read(world, space) for name, space in world.spaces.items()}
        self.resources = resources_of(world)
        self._around = AroundOracle(world, self.readings)

    def ingress(self, own: Pod, peer: End, target: Target) -> tuple[str, ...]:
        """Why `own` lets this in; empty: it does not."""
        return tuple(dict.fromkeys(self._ingress(own, peer, target)))

    def egress(self, own: Pod, peer: End, target: Target) -> tuple[str, ...]:
        """Why `own` lets this out; empty: it does not."""
        return tuple(dict.fromkeys(self._egress(own, peer, target)))

    def looks_up_names(self, namespace: str) -> bool:
        """Whether rules by DNS name are in force for a namespace: then Cilium must see its DNS."""
        reading = self.readings[namespace]
        rules = reading.profile.egress if reading.profile else ()
        peers = [peer for rule in rules for peer in rule.peers]
        peers += [peer for name in reading.grants for peer in self.resources[name].peers]
        return any(isinstance(peer, DnsNames) for peer in peers)

    def consumes(self, namespace: str, resource: Resource) -> str | None:
        """By which value a resource's own side lets a namespace in; None: it does not.

        The design: a hatched namespace counts as granted everywhere, and on all pods; but nobody
        gets past somebody else's allowFrom by opening a hatch of his own.
        """
        reading = self.readings[namespace]
        hatched = reading.hatch and may_ask(self.world, resource, namespace)
        return "true" if hatched else reading.grants.get(resource.name)

    def _ingress(self, own: Pod, peer: End, target: Target) -> Iterator[str]:
        here = self.readings[own.namespace]
        if not self._denies_ingress(own, here):
            yield NOT_DENIED
        yield from self._either(own, peer, target, here)
        if is_entity(peer, "health", "host"):
            yield "probes"
        if isinstance(peer, Outside) and peer.address.startswith(_PROBING):
            yield "probes"
        yield from self._around.ingress(own, peer, target, here)
        yield from self._custom(own, peer, target, here, "ingress")
        if not isinstance(peer, Pod):
            return
        for resource in self.resources.values():
            yield from self._target_side(resource, own, peer, target, here)
        if target == HBONE and self._by_waypoint(peer, own, own):
            yield "by waypoint"

    def _egress(self, own: Pod, peer: End, target: Target) -> Iterator[str]:
        here = self.readings[own.namespace]
        if not self._denies_egress(own, here):
            yield NOT_DENIED
        yield from self._either(own, peer, target, here)
        yield from self._around.egress(own, peer, target, here)
        yield from self._custom(own, peer, target, here, "egress")
        for name, value in here.grants.items():
            yield from self._consumer_side(self.resources[name], value, own, peer, target, here)
        if isinstance(peer, Pod) and target == HBONE and self._by_waypoint(own, peer, own):
            yield "by waypoint"
        if isinstance(peer, Pod) and target == HBONE:
            there = self.readings[peer.namespace]
            if here.meshed and there.meshed and self._serves(own, peer.namespace):
                yield "gateway in the mesh"

    def _denies_ingress(self, own: Pod, here: Reading) -> bool:
        exclusive = any(
            each.target == "exclusive" and each.has(own) for each in self.resources.values()
        )
        written = any(p.namespace == own.namespace and p.ingress for p in self.world.hand_made)
        return here.denies or exclusive or written

    def _denies_egress(self, own: Pod, here: Reading) -> bool:
        written = any(p.namespace == own.namespace and p.egress for p in self.world.hand_made)
        return here.denies or written

    def _either(self, own: Pod, peer: End, target: Target, here: Reading) -> Iterator[str]:
        """What holds for both directions alike."""
        if here.hatch:
            yield HATCH
        if here.intra and isinstance(peer, Pod) and peer.namespace == own.namespace:
            yield "intra-namespace"
        if here.meshed and target == HBONE and _is(peer, "istio-system", "app", "ztunnel"):
            yield "ztunnel"
        for_all = self.world.hbone == "cluster"
        if for_all and here.meshed and target == HBONE and not is_outside(peer):
            yield "tunnel for the cluster"

    def _custom(
        self, own: Pod, peer: End, target: Target, here: Reading, direction: str
    ) -> Iterator[str]:
        """Rules of a NetworkProfile, and of policies written by hand."""
        for written in self.world.hand_made:
            rules = written.ingress if direction == "ingress" else written.egress
            if written.namespace == own.namespace:
                for rule in rules:
                    if rule.opens(target) and self._covers(rule, peer, own.namespace):
                        yield "hand-written"
        if here.profile is None:
            return
        for rule in here.profile.ingress if direction == "ingress" else here.profile.egress:
            if not self._covers(rule, peer, own.namespace):
                continue
            if rule.opens(target):
                yield rule.kind
            if target == HBONE and rule.opens_tcp and here.meshed and self._meshed(peer):
                yield "custom in the mesh"

    def _covers(self, rule: Rule, peer: End, own: str) -> bool:
        return rule.covers(peer, own, self.world.labelled)

    def _meshed(self, end: End) -> bool:
        return isinstance(end, Pod) and self.readings[end.namespace].meshed

    def _serves(self, gateway: Pod, namespace: str) -> bool:
        """Whether a namespace's profile lets a gateway's pod in on TCP, and names its namespace.

        A rule for everybody connects nobody in particular: it opens no side but its own.
        """
        there = self.readings[namespace]
        profile = there.profile
        classes = tuple(self.world.around.classes(gateway, self.world.labelled))
        if profile is None or not classes:
            return False
        named = (
            peer
            for rule in profile.ingress
            for peer in rule.peers
            if rule.opens_tcp and isinstance(peer, Pods) and gateway.namespace in peer.spaces
        )
        built_in = any(which in GATEWAYS_OF[profile.built_in] for which in classes)
        return (built_in and there.gateway_ports is not None) or any(
            peer.covers(gateway, namespace, self.world.labelled) for peer in named
        )

    def _by_waypoint(self, source: Pod, target: Pod, own: Pod) -> bool:
        """One of the two is a waypoint on a way that a grant or a profile opens.

        A call by way of it is two connections: the caller's to the waypoint, and the waypoint's to
        the pod that is called. `own` is the one whose half it is.
        """
        for name, there in self.readings.items():
            if there.waypoint is None:
                continue
            for end, other, is_call in ((target, source, True), (source, target, False)):
                if (end.namespace, end.labels.get(GATEWAY_NAME)) == there.waypoint:
                    # `target: none` is about the resource's side, and not about the caller's.
                    is_callers = is_call and own is other
                    if self._way_of_grant(name, other, is_call, is_callers=is_callers):
                        return True
                    if self._way_of_profile(name, end, other, is_call):
                        return True
        return False

    def _way_of_grant(self, home: str, other: Pod, is_call: bool, *, is_callers: bool) -> bool:
        """Between the waypoint of a resource's namespace, and a consumer or the resource's pods."""
        for resource in self.resources.values():
            if (resource.target == "none" and not is_callers) or not _tunnels(resource, HBONE):
                continue
            if resource.peers or resource.namespace != home:
                continue
            values = {name: self.consumes(name, resource) for name in self.readings}
            meshed = {n: v for n, v in values.items() if v and self.readings[n].meshed}
            if is_call and other.namespace in meshed:
                return True
            if not is_call and any(resource.has(other, v) for v in meshed.values()):
                return True
        return False

    def _way_of_profile(self, called: str, waypoint: Pod, other: Pod, is_call: bool) -> bool:
        """Within a namespace, and of the gateways that call it by way of its waypoint.

        In the waypoint's own namespace its profile opens that, and the hatch everything.
        """
        there = self.readings[called]
        gateways = [pod for pod in self.world.pods if self._serves(pod, called)]
        by_gateway = there.ingress_by_waypoint and bool(gateways)
        elsewhere = waypoint.namespace != called
        within = (there.intra or there.hatch) and elsewhere
        if not is_call:
            return other.namespace == called and (within or by_gateway)
        if by_gateway and other in gateways and elsewhere:
            return True
        return within and other.namespace == called

    def _target_side(
        self, resource: Resource, own: Pod, peer: Pod, target: Target, here: Reading
    ) -> Iterator[str]:
        if resource.peers or resource.target == "none" or not resource.has(own):
            return
        value = self.consumes(peer.namespace, resource)
        if value is not None and resource.has(own, value):
            if any(item.covers(target) for item in resource.ports):
                of_what = "" if value == "true" else " of some pods"
                yield f"grant{of_what}, {resource.target} target"
            if here.meshed and self._meshed(peer) and _tunnels(resource, target):
                yield "grant in the mesh"

    def _consumer_side(
        self, resource: Resource, value: str, own: Pod, peer: End, target: Target, here: Reading
    ) -> Iterator[str]:
        opened = any(item.covers(target) for item in resource.ports)
        if resource.peers:
            for each in resource.peers:
                if opened and each.covers(peer, own.namespace, self.world.labelled):
                    yield f"grant of {each.kind}"
        elif isinstance(peer, Pod) and resource.has(peer, value):
            if opened:
                yield "grant of pods" if value == "true" else "grant of some pods"
            if here.meshed and self._meshed(peer) and _tunnels(resource, target):
                yield "grant in the mesh"


def _is(end: End, namespace: str, key: str, value: str) -> bool:
    return isinstance(end, Pod) and end.namespace == namespace and end.labels.get(key) == value


def _tunnels(resource: Resource, target: Target) -> bool:
    """HBONE carries TCP: a grant of nothing but UDP has no use for the tunnel."""
    return target == HBONE and any(item.may_be_tcp for item in resource.ports)
