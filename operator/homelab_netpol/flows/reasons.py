"""Why Cilium drops packets, by class: which of them are a matter of policy.

Names and numbers: `enum DropReason` in `api/v1/flow/flow.proto` of Cilium 1.20. Numbers below 130
are no reasons to drop.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class DropClass(Enum):
    """What a drop has to do with; the value says it, and what to do, in words."""

    POLICY = "no rule allows it"
    DENY = "a deny rule forbids it"
    AUTHENTICATION = (
        "a policy asks for mutual authentication (`authentication.mode`), and the two ends have"
        " not authenticated: look at SPIRE and the agents' log"
    )
    SPOOFED = (
        "the packet's source is not the pod's own address: ICMPv6 from fe80:: does no harm; else"
        " something in the pod routes or changes its address"
    )
    SERVICE = (
        "a Service has no pods behind it, or its address was called where it leads nowhere: look"
        " at its endpoints (kubectl get endpointslices)"
    )
    ROUTE = (
        "the address leads nowhere now: a pod that has gone, a node that is not reached, or no"
        " route; a client that keeps an old address must look it up again"
    )
    CONNECTION = (
        "connection tracking: a broken or late packet, or a full table (cilium-dbg status, the"
        " setting bpf-ct-global-tcp-max)"
    )
    TRANSLATION = "address translation: no mapping is free or known (cilium-dbg bpf nat list)"
    PROTOCOL = "a protocol, or a kind of packet, that Cilium does not carry"
    FRAGMENT = "a fragment, or a packet that is too large: look at the MTU along the way"
    ENCRYPTION = "encryption between nodes: a key or a peer is not there yet"
    NOT_READY = "the endpoint or its node was just starting: it passes when it is ready"
    RATE = "a limit on bandwidth or on the rate of packets"
    SETUP = "how Cilium itself is set up, or a fault in it: cilium-dbg status, the agents' log"
    UNKNOWN = "a reason that this version of homelab-netpol does not know"

    @property
    def is_policy(self) -> bool:
        """Policies decide it, and labels may change it."""
        return self in (DropClass.POLICY, DropClass.DENY)


@dataclass(frozen=True, slots=True)
class DropReason:
    """One reason.

    Attributes:
        name: as Hubble writes it.
        cause: of which class it is.
    """

    name: str
    cause: DropClass


_C = DropClass
_KNOWN: dict[int, tuple[str, DropClass]] = {
    130: ("INVALID_SOURCE_MAC", _C.SPOOFED),
    131: ("INVALID_DESTINATION_MAC", _C.SPOOFED),
    132: ("INVALID_SOURCE_IP", _C.SPOOFED),
    133: ("POLICY_DENIED", _C.POLICY),
    134: ("INVALID_PACKET_DROPPED", _C.CONNECTION),
    135: ("CT_TRUNCATED_OR_INVALID_HEADER", _C.CONNECTION),
    136: ("CT_MISSING_TCP_ACK_FLAG", _C.CONNECTION),
    137: ("CT_UNKNOWN_L4_PROTOCOL", _C.CONNECTION),
    138: ("CT_CANNOT_CREATE_ENTRY_FROM_PACKET", _C.CONNECTION),
    139: ("UNSUPPORTED_L3_PROTOCOL", _C.PROTOCOL),
    140: ("MISSED_TAIL_CALL", _C.SETUP),
    141: ("ERROR_WRITING_TO_PACKET", _C.SETUP),
    142: ("UNKNOWN_L4_PROTOCOL", _C.PROTOCOL),
    143: ("UNKNOWN_ICMPV4_CODE", _C.PROTOCOL),
    144: ("UNKNOWN_ICMPV4_TYPE", _C.PROTOCOL),
    145: ("UNKNOWN_ICMPV6_CODE", _C.PROTOCOL),
    146: ("UNKNOWN_ICMPV6_TYPE", _C.PROTOCOL),
    147: ("ERROR_RETRIEVING_TUNNEL_KEY", _C.SETUP),
    148: ("ERROR_RETRIEVING_TUNNEL_OPTIONS", _C.SETUP),
    149: ("INVALID_GENEVE_OPTION", _C.SETUP),
    150: ("UNKNOWN_L3_TARGET_ADDRESS", _C.ROUTE),
    151: ("STALE_OR_UNROUTABLE_IP", _C.ROUTE),
    152: ("NO_MATCHING_LOCAL_CONTAINER_FOUND", _C.ROUTE),
    153: ("ERROR_WHILE_CORRECTING_L3_CHECKSUM", _C.SETUP),
    154: ("ERROR_WHILE_CORRECTING_L4_CHECKSUM", _C.SETUP),
    155: ("CT_MAP_INSERTION_FAILED", _C.CONNECTION),
    156: ("INVALID_IPV6_EXTENSION_HEADER", _C.PROTOCOL),
    157: ("IP_FRAGMENTATION_NOT_SUPPORTED", _C.FRAGMENT),
    158: ("SERVICE_BACKEND_NOT_FOUND", _C.SERVICE),
    160: ("NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT", _C.SETUP),
    161: ("FAILED_TO_INSERT_INTO_PROXYMAP", _C.SETUP),
    162: ("REACHED_EDT_RATE_LIMITING_DROP_HORIZON", _C.RATE),
    163: ("UNKNOWN_CONNECTION_TRACKING_STATE", _C.CONNECTION),
    164: ("LOCAL_HOST_IS_UNREACHABLE", _C.ROUTE),
    165: ("NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION", _C.POLICY),
    166: ("UNSUPPORTED_L2_PROTOCOL", _C.PROTOCOL),
    167: ("NO_MAPPING_FOR_NAT_MASQUERADE", _C.TRANSLATION),
    168: ("UNSUPPORTED_PROTOCOL_FOR_NAT_MASQUERADE", _C.TRANSLATION),
    169: ("FIB_LOOKUP_FAILED", _C.ROUTE),
    170: ("ENCAPSULATION_TRAFFIC_IS_PROHIBITED", _C.SETUP),
    171: ("INVALID_IDENTITY", _C.SPOOFED),
    172: ("UNKNOWN_SENDER", _C.SPOOFED),
    173: ("NAT_NOT_NEEDED", _C.TRANSLATION),
    174: ("IS_A_CLUSTERIP", _C.SERVICE),
    175: ("FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND", _C.FRAGMENT),
    176: ("FORBIDDEN_ICMPV6_MESSAGE", _C.PROTOCOL),
    177: ("DENIED_BY_LB_SRC_RANGE_CHECK", _C.SERVICE),
    178: ("SOCKET_LOOKUP_FAILED", _C.SERVICE),
    179: ("SOCKET_ASSIGN_FAILED", _C.SERVICE),
    180: ("PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL", _C.PROTOCOL),
    181: ("POLICY_DENY", _C.DENY),
    182: ("VLAN_FILTERED", _C.PROTOCOL),
    183: ("INVALID_VNI", _C.SETUP),
    184: ("INVALID_TC_BUFFER", _C.SETUP),
    185: ("NO_SID", _C.SETUP),
    186: ("MISSING_SRV6_STATE", _C.SETUP),
    187: ("NAT46", _C.TRANSLATION),
    188: ("NAT64", _C.TRANSLATION),
    189: ("AUTH_REQUIRED", _C.AUTHENTICATION),
    190: ("CT_NO_MAP_FOUND", _C.CONNECTION),
    191: ("SNAT_NO_MAP_FOUND", _C.TRANSLATION),
    192: ("INVALID_CLUSTER_ID", _C.SETUP),
    193: ("UNSUPPORTED_PROTOCOL_FOR_DSR_ENCAP", _C.PROTOCOL),
    194: ("NO_EGRESS_GATEWAY", _C.ROUTE),
    195: ("UNENCRYPTED_TRAFFIC", _C.ENCRYPTION),
    196: ("TTL_EXCEEDED", _C.ROUTE),
    197: ("NO_NODE_ID", _C.ROUTE),
    198: ("DROP_RATE_LIMITED", _C.RATE),
    199: ("IGMP_HANDLED", _C.PROTOCOL),
    200: ("IGMP_SUBSCRIBED", _C.PROTOCOL),
    201: ("MULTICAST_HANDLED", _C.PROTOCOL),
    202: ("DROP_HOST_NOT_READY", _C.NOT_READY),
    203: ("DROP_EP_NOT_READY", _C.NOT_READY),
    204: ("DROP_NO_EGRESS_IP", _C.ROUTE),
    205: ("DROP_PUNT_PROXY", _C.SETUP),
    207: ("DROP_FRAG_NOT_FOUND_WORLD", _C.FRAGMENT),
}
_BY_NUMBER = {number: DropReason(*each) for number, each in _KNOWN.items()}
_BY_NAME = {each.name: each for each in _BY_NUMBER.values()}
#: A proxy's refusal, which has no reason of its own.
REFUSED = DropReason("L7", DropClass.POLICY)
#: It is not said.
UNSAID = DropReason("", DropClass.UNKNOWN)
_MAX_NAME = 64


def reason_numbered(number: int) -> DropReason:
    """The reason that has a number; one that is not known is of the class UNKNOWN."""
    known = _BY_NUMBER.get(number)
    return known or (DropReason(str(number), DropClass.UNKNOWN) if number else UNSAID)


def reason_named(name: str) -> DropReason:
    """Likewise by its name, in capitals or not."""
    name = name.upper()[:_MAX_NAME]
    if name in ("", "DROP_REASON_UNKNOWN"):
        return UNSAID
    return _BY_NAME.get(name) or DropReason(name, DropClass.UNKNOWN)
