"""What settings mean that their author may not expect: said once, at the start."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from homelab_netpol.settings.model import Settings

# As the vocabulary has it; a node reaches its own pods anyhow.
_PROBING_ENTITIES = frozenset({"health", "host"})


def remarks(settings: Settings) -> Iterator[str]:
    """Sentences for the log."""
    gateways = settings.gateways
    for peer in gateways.internal:
        if any(each.model_dump() == peer.model_dump() for each in gateways.external):
            yield (
                f"gateways.internal and gateways.external both name {peer}: what comes in through"
                " it may come from the internet, so that internal and external are one here"
                " (the profile `internal` lets in what `standard` does)."
            )
    entities = {entity for peer in settings.probes for entity in peer.entities}
    wide = sorted(entities - _PROBING_ENTITIES)
    if wide:
        yield (
            f"probes names {', '.join(wide)}: every port of every pod is open to that. With native"
            " routing a client of the home network that comes in by another node is remote-node."
        )
    servers = settings.dns.servers
    addresses = [ip_network(cidr) for peer in servers for cidr in peer.cidrs]
    by_node = any("host" in peer.entities for peer in servers)
    if any(address.is_link_local for address in addresses) and not by_node:
        yield (
            "dns.servers names a link-local address, and not `entities: [host]`: where a node has"
            " the address, Cilium may know it as the node, and deny lookups."
        )
