"""What an inspection wants to know of the cluster, by what labels, settings and resources say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cluster.snapshot import Wanted
from homelab_netpol.definitions import CustomProfile
from homelab_netpol.findings.own_addresses import Outside, of_resource, of_rule
from homelab_netpol.findings.ports import GrantedPort, listed_ports
from homelab_netpol.findings.rule_ports import opened_by, peers_elsewhere
from homelab_netpol.settings import SharedResource, namespaces_of_peers

_LONGEST_RANGE = 1024


def wanted(cache: ClusterCache) -> Wanted:
    """What the checks look at, beside what is always listed."""
    settings = cache.catalogue.settings
    homes = {each.home for each in resources_in_use(cache).values()}
    platform = namespaces_of_peers(peer for _, peer in settings.named_peers())
    peers = {
        peer.namespace
        for custom, _ in profiles_in_use(cache).values()
        for peer in peers_elsewhere(custom.egress)
    }
    asked = [outside for outside, _ in asked_outside(cache) if outside.names]
    return Wanted(
        pods={name for name in homes | platform | peers if name is not None},
        pods_behind=_ports_opened(cache),
        names=(lambda name: any(each.means(name) for each in asked)) if asked else None,
        own_cluster=cache.cluster_of_identities(),
    )


def resources_in_use(cache: ClusterCache) -> dict[str, SharedResource]:
    """The shared resources that a namespace holds a grant on."""
    held = {name for intent in cache.intents for name in intent.grants}
    return {
        name: cache.catalogue.resource(name)
        for name in list(cache.catalogue.vocabulary.resources)
        if name in held
    }


def profiles_in_use(cache: ClusterCache) -> dict[str, tuple[CustomProfile, list[str]]]:
    """The NetworkProfiles in force somewhere, each with the Namespaces that use it."""
    users: dict[str, list[str]] = defaultdict(list)
    for intent in cache.intents:
        if intent.profile is not None:
            users[intent.profile].append(intent.namespace)
    return {
        name: (custom, sorted(users[name]))
        for name in users
        if (custom := cache.catalogue.profiles.custom.get(name)) is not None
    }


def asked_outside(cache: ClusterCache) -> list[tuple[Outside, list[str]]]:
    """What is opened outside the cluster, and for whom."""
    found = [
        (of_resource(name, resource), cache.intents.holding_grant(name))
        for name, resource in resources_in_use(cache).items()
        if resource.networks or resource.fqdns
    ]
    for name, (custom, users) in profiles_in_use(cache).items():
        for rule in custom.egress:
            outside = of_rule(name, rule)
            if (outside.cidrs or outside.names) and not rule.get("icmps"):
                found.append((outside, users))
    return found


def _ports_opened(cache: ClusterCache) -> dict[str, set[int]]:
    """The ports that annotations and NetworkProfiles open to a namespace's own pods."""
    ports: dict[str, set[int]] = defaultdict(set)
    for intent in cache.intents:
        if intent.gateway_ports and intent.profile is not None:
            ports[intent.namespace] |= set(intent.gateway_ports)
        straight = listed_ports((*intent.lan_ports, *intent.world_ports))
        if straight:
            ports[intent.namespace] |= set(_numbers(straight))
    for custom, users in profiles_in_use(cache).values():
        own = set(_numbers(opened_by(custom.ingress)))
        for user in users if own else ():
            ports[user] |= own
    return dict(ports)


def _numbers(ports: Iterable[GrantedPort]) -> Iterator[int]:
    """Of a very long range, which no Service's port was meant by, only the ends."""
    for port in ports:
        if port.last - port.number < _LONGEST_RANGE:
            yield from range(port.number, port.last + 1)
        else:
            yield from (port.number, port.last)
