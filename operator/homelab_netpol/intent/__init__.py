"""From a Namespace's labels and annotations to what it wants. Pure: no Kopf, no cluster."""

from homelab_netpol.intent.deadline import format_moment, parse_moment
from homelab_netpol.intent.in_force import facts_in_force
from homelab_netpol.intent.model import (
    GATEWAY_GRANT,
    NONE,
    Intent,
    LastGood,
    NamespaceFacts,
    Problem,
    Reason,
)
from homelab_netpol.intent.ports import (
    PortRange,
    parse_port_ranges,
    parse_ports,
    port_ranges_text,
)
from homelab_netpol.intent.read import read_intent
from homelab_netpol.intent.vocabulary import (
    GATEWAYS,
    NOTHING,
    WHOLE,
    ResourceWords,
    Vocabulary,
)
from homelab_netpol.intent.waypoint import (
    GATEWAY_NAME_LABEL,
    USE_WAYPOINT,
    Waypoint,
    waypoint_by_labels,
    waypoint_of_facts,
)

__all__ = [
    "GATEWAYS",
    "GATEWAY_GRANT",
    "GATEWAY_NAME_LABEL",
    "NONE",
    "NOTHING",
    "USE_WAYPOINT",
    "WHOLE",
    "Intent",
    "LastGood",
    "NamespaceFacts",
    "PortRange",
    "Problem",
    "Reason",
    "ResourceWords",
    "Vocabulary",
    "Waypoint",
    "facts_in_force",
    "format_moment",
    "parse_moment",
    "parse_port_ranges",
    "parse_ports",
    "port_ranges_text",
    "read_intent",
    "waypoint_by_labels",
    "waypoint_of_facts",
]
