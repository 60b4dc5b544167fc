"""What an inspection wants to know of the cluster, by what labels, settings and resources say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.snapshot import Wanted
from homelab_netpol.findings.own_addresses import names_of
from homelab_netpol.findings.rule_ports import opened_by, opened_elsewhere
from homelab_netpol.findings.targets import GrantedPort
from homelab_netpol.settings import SharedResource

_LONGEST_RANGE = 1024


def wanted(cache: ClusterCache) -> Wanted:
    """What the checks look at, beside what is always listed."""
    settings, in_use = cache.catalogue.settings, resources_in_use(cache).values()
    homes = {each.namespace for each in in_use if each.namespace is not None}
    platform = (settings.dns, settings.gateways, settings.prometheus)
    asked = names_of(in_use)
    return Wanted(
        pods=homes.union(each.namespace for each in platform),
        pods_behind=_ports_opened(cache),
        names=asked.means if asked else None,
    )


def resources_in_use(cache: ClusterCache) -> dict[str, SharedResource]:
    """The shared resources that somebody holds a grant on."""
    held = {name for intent in cache.intents for name in intent.grants}
    return {
        name: cache.catalogue.resource(name)
        for name in list(cache.catalogue.vocabulary.resources)
        if name in held
    }


def _ports_opened(cache: ClusterCache) -> dict[str, set[int]]:
    """The TCP, UDP or SCTP ports that annotations and NetworkProfiles open, by namespace."""
    ports: dict[str, set[int]] = defaultdict(set)
    catalogue = cache.catalogue
    for intent in cache.intents:
        if intent.gateway_ports and intent.profile is not None:
            ports[intent.namespace] |= set(intent.gateway_ports)
    for name in catalogue.vocabulary.profiles:
        custom = catalogue.custom_profile(name)
        users = cache.intents.using_profile([name]) if custom is not None else []
        if custom is None or not users:
            continue
        own = _numbers(opened_by(custom.ingress))
        for user in users if own else ():
            ports[user] |= own
        for peers in opened_elsewhere(custom.egress):
            ports[peers.namespace] |= _numbers(peers.ports)
    return dict(ports)


def _numbers(ports: Iterable[GrantedPort]) -> set[int]:
    """Of a very long range, which no Service's port was meant by, only the ends."""
    return {
        number
        for port in ports
        for number in (
            range(port.number, port.last + 1)
            if port.last - port.number < _LONGEST_RANGE
            else (port.number, port.last)
        )
    }
