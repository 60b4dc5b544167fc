"""What settings mean that their author may not expect: said once, at the start."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from ipaddress import ip_network

from homelab_netpol.settings.model import Settings

# As the vocabulary has it; a node reaches its own pods anyhow.
_PROBING_ENTITIES = frozenset({"health", "host"})

# Platform namespaces serve the others: a profile says nothing of what they need.
_NEEDED_BY_ALL = ("gateways.", "dns.", "mesh.")


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
    for path, named in settings.named_peers():
        for name in named.namespaces if path.startswith(_NEEDED_BY_ALL) else ():
            if not _is_platform(name, settings):
                yield (
                    f"{path} names pods of {name}, which is no platform namespace: like an app's it"
                    " will be denied what no profile or grant allows. Add it to"
                    f" platformNamespaces, or label it {settings.label_domain}/platform=true."
                )
    for name, companion in settings.companions.items():
        if companion.to and settings.mesh.authorization_policies:
            yield (
                f"companions.{name}.to leads to pods whose callers may be in any namespace: with"
                " mesh.authorizationPolicies Istio refuses these, where a governed namespace in the"
                " mesh has the pods called. Admit them there by a policy of your own."
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


def _is_platform(namespace: str, settings: Settings) -> bool:
    """By name or pattern; labels are not known at the start."""
    return any(fnmatchcase(namespace, each) for each in settings.platform_namespaces)
