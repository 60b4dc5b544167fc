"""What manifests say of CIDR groups, Services and the cluster's own addresses. Pure.

What has an unexpected shape is left out: then it is not known, and verdicts that depend on it are
in doubt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.cilium.evaluation import CidrGroup, Service, Surroundings
from homelab_netpol.cilium.terms import IpNetwork, parse_cidr
from homelab_netpol.manifests import Manifest, ManifestSet, kinds

_SERVICE_NAME = "kubernetes.io/service-name"
# The Service of the API server.
API_SERVER = ("default", "kubernetes")
# Of a node's status: what is its address; the others are names.
_ADDRESSES = ("InternalIP", "ExternalIP")
_FROM_CLUSTER = "cluster"
# Cilium leaves these labels of a CIDR group out.
_OF_CILIUM = "io.cilium."

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class OwnAddresses:
    """The addresses of nodes and of the API server.

    Attributes:
        nodes: the addresses of each node, by its name.
        api_server: those behind the Service `default/kubernetes`; none: not known.
    """

    nodes: Mapping[str, tuple[IpNetwork, ...]] = field(default_factory=dict)
    api_server: tuple[IpNetwork, ...] = ()

    @property
    def api_server_place(self) -> str:
        """Where pods meet the API server: on a node of theirs or another, or outside; "": unknown.

        It is `remote-node` if there are several nodes: but for the pods beside it, that is so.
        """
        of_nodes = {each for found in self.nodes.values() for each in found}
        known = {*self.api_server}
        if not known or not of_nodes:
            return ""
        if known <= of_nodes:
            return "host" if len(self.nodes) == 1 else "remote-node"
        return "" if known & of_nodes else "world"


def surroundings_of(manifests: ManifestSet, cluster: str | None) -> Surroundings:
    """What policies may name by other objects.

    Args:
        manifests: all objects.
        cluster: its name; None: not known.
    """
    behind = backends(manifests)
    groups = (_group(each) for each in manifests.of(kinds.CIDR_GROUP))
    services = (_service(each, behind) for each in manifests.of(kinds.SERVICE))
    return Surroundings(
        cluster,
        tuple(each for each in groups if each is not None),
        tuple(each for each in services if each is not None),
        is_complete=_is_whole_cluster(manifests),
    )


def own_addresses(manifests: ManifestSet) -> OwnAddresses:
    """The addresses of nodes and of the API server, as far as they are given."""
    nodes = {
        each.name: tuple(
            found
            for address in listed(mapping(each.data.get("status")).get("addresses"))
            if mapping(address).get("type") in _ADDRESSES
            for found in address_of(mapping(address).get("address"))
        )
        for each in manifests.of("Node")
    }
    return OwnAddresses(
        {name: found for name, found in nodes.items() if found},
        tuple(backends(manifests).get(API_SERVER, ())),
    )


def backends(manifests: ManifestSet) -> dict[_Key, list[IpNetwork]]:
    """The addresses behind each Service of which some EndpointSlice or Endpoints is given.

    Cilium counts those that are not ready too, and nothing of a slice without ports.
    """
    found: defaultdict[_Key, list[IpNetwork]] = defaultdict(list)
    for each in manifests.of("EndpointSlice"):
        name = each.labels.get(_SERVICE_NAME)
        if name and listed(each.data.get("ports")):
            of_it = found[each.namespace, name]
            for endpoint in listed(each.data.get("endpoints")):
                for address in listed(mapping(endpoint).get("addresses")):
                    of_it += address_of(address)
    for each in manifests.of("Endpoints"):
        for subset in map(mapping, listed(each.data.get("subsets"))):
            if listed(subset.get("ports")):
                of_it = found[each.namespace, each.name]
                for key in ("addresses", "notReadyAddresses"):
                    for address in listed(subset.get(key)):
                        of_it += address_of(mapping(address).get("ip"))
    return {key: list(dict.fromkeys(addresses)) for key, addresses in found.items()}


def address_of(text: Any) -> Iterator[IpNetwork]:
    """An address as a network of its own; nothing if it is none."""
    if isinstance(text, str):
        made = parse_cidr(f"{text}/{128 if ':' in text else 32}")
        if made is not None:
            yield made


def mapping(value: Any) -> Mapping[str, Any]:
    """An object; an empty one in the place of anything else."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> list[Any]:
    """A list; an empty one in the place of anything else."""
    return value if isinstance(value, list) else []


def _group(manifest: Manifest) -> CidrGroup | None:
    given = mapping(manifest.data.get("spec")).get("externalCIDRs")
    if not isinstance(given, list):
        return None
    # Cilium passes over what is no network.
    networks = (parse_cidr(each) for each in given if isinstance(each, str))
    labels = {key: value for key, value in manifest.labels.items() if not _is_ciliums(key)}
    return CidrGroup(manifest.name, labels, tuple(each for each in networks if each is not None))


def _is_ciliums(key: str) -> bool:
    return key.startswith(_OF_CILIUM)


def _service(manifest: Manifest, behind: Mapping[_Key, list[IpNetwork]]) -> Service | None:
    spec = manifest.data.get("spec")
    selector = mapping(spec).get("selector")
    if not isinstance(spec, Mapping) or not isinstance(selector, Mapping | None):
        return None
    if spec.get("type") == "ExternalName":
        return Service(manifest.namespace, manifest.name, manifest.labels, {})
    found = behind.get((manifest.namespace, manifest.name))
    return Service(
        manifest.namespace,
        manifest.name,
        manifest.labels,
        {str(key): str(value) for key, value in (selector or {}).items()},
        tuple(found) if found is not None else None,
    )


def _is_whole_cluster(manifests: ManifestSet) -> bool:
    given = manifests.manifests
    return (
        bool(given)
        and not manifests.gaps
        and all(each.source.file == _FROM_CLUSTER for each in given)
    )
