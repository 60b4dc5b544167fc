"""One end of a connection: who has an address, and in which network namespace."""

from dataclasses import dataclass

from lab.datapath import addresses
from lab.datapath.network_namespace import NetworkNamespace
from lab.datapath.node import NAME, Node


@dataclass(frozen=True)
class Host:
    """Something that sends and takes packets.

    Attributes:
        name: What to call it in messages.
        address: Its IPv4 address.
        network: Its network namespace.
    """

    name: str
    address: str
    network: NetworkNamespace

    def __str__(self) -> str:
        return self.name


def node_host(node: Node) -> Host:
    """The node itself, as kubelet and what is on the host network are seen."""
    return Host(NAME, addresses.NODE, node.network())


def outside_host(node: Node, name: str, address: str) -> Host:
    """Somebody outside the cluster, at one of the world's addresses."""
    return Host(name, address, node.network(addresses.WORLD))
