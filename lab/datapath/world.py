"""What is outside the cluster: a network namespace at the other end of the node's uplink."""

from lab.datapath import addresses
from lab.datapath.node import Node


def connect(node: Node) -> None:
    """Gives the node its uplink, with the world behind it, and lets it forward packets."""
    uplink, world = addresses.UPLINK, addresses.WORLD
    steps = [
        f"ip netns add {world}",
        f"ip link add {uplink} type veth peer name {uplink} netns {world}",
        f"ip addr add {addresses.NODE}/24 dev {uplink}",
        f"ip link set {uplink} up",
        f"ip -n {world} link set lo up",
        f"ip -n {world} addr add {addresses.ROUTER}/24 dev {uplink}",
        f"ip -n {world} addr add {addresses.API_SERVER}/24 dev {uplink}",
        *(
            f"ip -n {world} addr add {address}/32 dev lo"
            for address in (addresses.INTERNET, *addresses.NAMED)
        ),
        f"ip -n {world} link set {uplink} up",
        f"ip -n {world} route add {addresses.PODS} via {addresses.NODE}",
        f"ip route add default via {addresses.ROUTER}",
        "sysctl -q -w net.ipv4.ip_forward=1",
    ]
    node.run("sh", "-ec", "\n".join(steps))
