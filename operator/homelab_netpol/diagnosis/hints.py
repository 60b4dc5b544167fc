"""Rows of docs/dropped.md that no label answers: what settings, a mesh or others decide. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.cilium.terms import ICMP_V6
from homelab_netpol.diagnosis.diagnosis import Kind
from homelab_netpol.diagnosis.group_key import EndKey, GroupKey
from homelab_netpol.intent.waypoint import GATEWAY_NAME_LABEL

_DNS = 53
_NODE_LOCAL_DNS = "169.254.20.10"
_PACKET_TOO_BIG = 2


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known without asking.

    Attributes:
        kind: what the drop is.
        cause: why.
        advice: what to do.
    """

    kind: Kind
    cause: str
    advice: str


def of_settings(model: ClusterModel, key: GroupKey) -> Hint | None:
    """What settings decide, and no label; None: ask."""
    own = model.desired.catalogue.own_cluster.name
    elsewhere = [each.cluster for each in (key.source, key.destination) if each.cluster]
    if own and any(each != own for each in elsewhere):
        return Hint(
            Kind.MISSING,
            "policies mean this cluster's pods, and the other end is in another of the mesh",
            "name the other cluster: docs/cluster-mesh.md",
        )
    if key.protocol == ICMP_V6 and key.port == _PACKET_TOO_BIG:
        return Hint(
            Kind.MISSING,
            "a router's word on the size of packets (PacketTooBig), which no profile lets in",
            "the example of docs/ipv6.md",
        )
    peer = key.peer
    is_dns = key.direction is not Direction.INGRESS and key.port == _DNS
    if is_dns and _is_node_dns(peer) and not _names(model, peer):
        return Hint(
            Kind.MISSING,
            "NodeLocal DNS, which the setting dns.servers does not name",
            "name it there: docs/clusters.md has a file to copy",
        )
    return None


def advice_for(model: ClusterModel, key: GroupKey) -> str:
    """What else may be right, beside a label."""
    peer, catalogue = key.peer, model.desired.catalogue
    into = key.direction is Direction.INGRESS
    if key.port == catalogue.settings.mesh.port:
        of_both = {*peer.labels, *key.own.labels}
        if any(label == GATEWAY_NAME_LABEL for label, _ in of_both):
            return "the waypoint must be named: docs/mesh.md, waypoints"
        if catalogue.vocabulary.mesh_label in of_both:
            return "a pod is in the mesh by its own label: label its Namespace (docs/mesh.md)"
        return "in a mesh the tunnel follows the grant or profile for the port that the app wants"
    if into and peer.entity == "ingress":
        return "a gateway of Cilium's own: name it in the setting gateways (docs/clusters.md)"
    if into and peer.entity == "remote-node":
        return (
            "a client from outside comes by another node: externalTrafficPolicy: Local on the"
            " Service, or the setting gateways (docs/dropped.md, straight in)"
        )
    if into and peer.entity == "world":
        return "externalTrafficPolicy: Local on the Service keeps the client's address"
    return ""


def _is_node_dns(peer: EndKey) -> bool:
    return peer.address == _NODE_LOCAL_DNS or peer.entity == "host"


def _names(model: ClusterModel, peer: EndKey) -> bool:
    servers = model.desired.catalogue.settings.dns.servers
    return any(
        peer.entity in each.entities or any(cidr.startswith(peer.address) for cidr in each.cidrs)
        for each in servers
        if peer.entity in each.entities or peer.address
    )
