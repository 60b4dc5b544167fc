"""What an inspection wants to know of the cluster, by what labels, settings and resources say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.snapshot import Wanted
from homelab_netpol.findings.own_addresses import names_of
from homelab_netpol.findings.rule_ports import opened_by, opened_elsewhere
from homelab_netpol.findings.targets import GrantedPort
from homelab_netpol.settings import SharedResource

_LONGEST_RANGE = 1024


def wanted(cache: ClusterCache) -> Wanted:
    """What the checks look at, beside what is always listed."""
    settings = cache.catalogue.settings
    platform = {
        settings.dns.namespace,
        settings.gateways.namespace,
        settings.prometheus.namespace,
    }
    return Wanted(
        pods={name for name in cache.homes_in_use() | platform if cache.namespaces.exists(name)},
        pods_behind=_ports_opened(cache),
        names=_names(cache),
    )


def resources_in_use(cache: ClusterCache) -> dict[str, SharedResource]:
    """The shared resources that somebody holds a grant on."""
    return {
        name: cache.catalogue.resource(name)
        for name in list(cache.catalogue.vocabulary.resources)
        if cache.intents.holding_grant(name)
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


def _names(cache: ClusterCache) -> Callable[[str], bool] | None:
    asked = names_of(resources_in_use(cache).values())
    return asked.means if asked else None
