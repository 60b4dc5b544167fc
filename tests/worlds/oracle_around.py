"""Who may talk to whom by what the settings say: DNS, the internet, gateways, scrapers, companions.

A part of the oracle: written from the documented words, as all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.worlds.ends import End, Pod
from tests.worlds.peers import is_entity
from tests.worlds.ports import HBONE, Target
from tests.worlds.readings import GATEWAYS_OF, WITH_HTTPS, Reading, grants_gateways
from tests.worlds.surroundings import (
    GATEWAYS,
    Companion,
    covered,
    is_outside,
    opened,
    within,
)
from tests.worlds.world import World

_DNS = (Target(53, "UDP"), Target(53, "TCP"))


class AroundOracle:
    """Judges halves of flows by the settings of one world."""

    def __init__(self, world: World, readings: Mapping[str, Reading]) -> None:
        self._around = world.around
        self._labelled = world.labelled
        self._readings = readings
        self._has_grant = grants_gateways(world)

    def ingress(self, own: Pod, peer: End, target: Target, here: Reading) -> Iterator[str]:
        """Why `own` lets this in."""
        yield from self._straight(peer, target, here)
        yield from self._scraped(peer, target, here)
        yield from self._from_gateways(peer, target, here)
        yield from self._from_callers(own, peer, target, here)
        yield from self._companions(own, peer, target, here, inward=True)

    def egress(self, own: Pod, peer: End, target: Target, here: Reading) -> Iterator[str]:
        """Why `own` lets this out."""
        if target in _DNS and covered(self._around.dns_servers, peer, self._labelled):
            yield "dns"
        https = here.profile is not None and here.profile.built_in in WITH_HTTPS
        if https and opened(here.internet_ports, target) and self._around.is_internet(peer):
            yield "https"
        for which in self._around.classes(peer, self._labelled):
            if which in here.gateways and opened(self._around.gateway_ports, target):
                yield "gateway from inside"
            if which in here.gateways and target == HBONE and self._both_meshed(peer, here):
                yield "grant in the mesh"
        yield from self._companions(own, peer, target, here, inward=False)

    def _straight(self, peer: End, target: Target, here: Reading) -> Iterator[str]:
        if opened(here.lan_ports, target) and within(self._around.lan_cidrs, peer):
            yield "lan-ports"
        if opened(here.world_ports, target) and is_outside(peer):
            yield "world-ports"
        if here.webhooks and is_entity(peer, "kube-apiserver") and target.protocol == "TCP":
            yield "webhooks"

    def _scraped(self, peer: End, target: Target, here: Reading) -> Iterator[str]:
        for scraper in self._around.scrapers:
            if target.protocol != "TCP" or not covered((scraper.peer,), peer, self._labelled):
                continue
            if not scraper.ports or target.number in scraper.ports:
                yield "prometheus"
            elif target == HBONE and self._both_meshed(peer, here):
                yield "prometheus in the mesh"

    def _from_gateways(self, peer: End, target: Target, here: Reading) -> Iterator[str]:
        if here.profile is None or here.gateway_ports is None or target.protocol != "TCP":
            return
        allowed = set(GATEWAYS_OF[here.profile.built_in])
        if not allowed & set(self._around.classes(peer, self._labelled)):
            return
        if not here.gateway_ports or target.number in here.gateway_ports:
            yield "gateway"
        elif here.meshed and target == HBONE and isinstance(peer, Pod):
            yield "gateway in the mesh"

    def _from_callers(self, own: Pod, peer: End, target: Target, here: Reading) -> Iterator[str]:
        """The gateways' side of the grant; a hatched namespace counts as granted everywhere."""
        if not self._has_grant or not isinstance(peer, Pod):
            return
        there = self._readings[peer.namespace]
        called = set(GATEWAYS if there.hatch else there.gateways)
        if not called & set(self._around.classes(own, self._labelled)):
            return
        if opened(self._around.gateway_ports, target):
            yield "gateway from inside"
        if target == HBONE and self._both_meshed(peer, here):
            yield "grant in the mesh"

    def _companions(
        self, own: Pod, peer: End, target: Target, here: Reading, *, inward: bool
    ) -> Iterator[str]:
        """Both sides are written: `own` is one of the pods, or one of those at the other end."""
        for companion in self._around.companions:
            ours = companion.inward == inward and self._is_pod_of(companion, own)
            ours = ours and covered(companion.peers, peer, self._labelled)
            theirs = companion.inward != inward and self._is_pod_of(companion, peer)
            theirs = theirs and covered(companion.peers, own, self._labelled)
            if not (ours or theirs):
                continue
            if opened(companion.ports, target):
                yield "companion"
            tcp = any(item.may_be_tcp for item in companion.ports)
            if tcp and target == HBONE and self._both_meshed(peer, here):
                yield "companion in the mesh"

    def _is_pod_of(self, companion: Companion, end: End) -> bool:
        return (
            isinstance(end, Pod)
            and not self._readings[end.namespace].platform
            and companion.has(end)
        )

    def _both_meshed(self, peer: End, here: Reading) -> bool:
        return here.meshed and isinstance(peer, Pod) and self._readings[peer.namespace].meshed
