"""The home's network and the pods', by the addresses of nodes, load balancers and Cilium. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting
from homelab_netpol.detect.objects import Address
from homelab_netpol.settings import Settings

# What a network of a home is like, as a node's address does not say how large its network is.
_PREFIXES = {4: 24, 6: 64}
_POD_OPTIONS = (
    "cluster-pool-ipv4-cidr",
    "cluster-pool-ipv6-cidr",
    "ipv4-native-routing-cidr",
    "ipv6-native-routing-cidr",
)
_NAMED = 3

Network = IPv4Network | IPv6Network


def detect_networks(facts: ClusterFacts) -> Findings:
    """`lan.cidrs`."""
    found = Findings()
    default = [ip_network(each) for each in Settings().lan.cidrs]
    addresses = {
        address: f"the node {node.name} is {address}"
        for node in facts.nodes
        for address in node.addresses
        if not address.is_link_local
    }
    of_cluster = _networks_of_pods(facts)
    if not addresses:
        if facts.manifests.of("Pod") and facts.is_read("Node"):
            found.questions.append(
                "no node was found, so the home's network is not known; lan.cidrs stays at all"
                " private networks"
            )
        return found
    homes: dict[Network, str] = {}
    for address, because in addresses.items():
        home = _home(address)
        if not any(each.version == home.version and home.overlaps(each) for each in of_cluster):
            homes.setdefault(home, because)
    outside = {
        home: because
        for home, because in homes.items()
        if not any(_is_within(home, each) for each in default)
    }
    inside = ", ".join(map(str, homes)) or "networks that pods are in as well"
    pods = ", ".join(map(str, of_cluster[:_NAMED])) or "networks that are not known"
    if outside:
        entries = [Entry(str(each)) for each in default]
        for home, because in outside.items():
            kind = "public addresses" if home.is_global else "neither public nor private"
            check = (f"is all of {home} the home's own network? ({kind}; the size is a guess)",)
            entries.append(Entry(str(home), because, check))
        found.settings.append(
            Setting(
                ("lan", "cidrs"),
                tuple(entries),
                f"all private networks, as the default has it, and more; the pods are in {pods}",
            )
        )
        return found
    found.confirmed.append(
        f"lan.cidrs: the nodes are in {inside}, and the pods in {pods}; no rule for the LAN ever"
        " means a pod"
    )
    if homes:
        found.questions.append(
            f"is {inside} all of the home's network (the size is a guess)? Then lan-ports can be"
            f" kept to it: lan: {{cidrs: [{', '.join(map(_quoted, homes))}]}}"
        )
    return found


def _networks_of_pods(facts: ClusterFacts) -> list[Network]:
    given = [cidr for node in facts.nodes for cidr in node.pod_cidrs]
    for option in _POD_OPTIONS:
        given += (facts.cilium_config or {}).get(option, "").replace(",", " ").split()
    found: dict[Network, None] = {}
    for each in given:
        try:
            found[ip_network(each, strict=False)] = None
        except ValueError:
            continue  # not a network: nothing to leave out
    return [
        each
        for each in found
        if not any(each != other and _is_within(each, other) for other in found)
    ]


def _home(address: Address) -> Network:
    return ip_network(f"{address}/{_PREFIXES[address.version]}", strict=False)


def _is_within(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return one.subnet_of(other)
    return False


def _quoted(network: Network) -> str:
    return f'"{network}"' if network.version == 6 else str(network)
