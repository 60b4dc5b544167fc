"""From a Namespace's labels and annotations to what it wants. Pure: no Kopf, no cluster."""

from homelab_netpol.intent.deadline import format_moment, parse_moment
from homelab_netpol.intent.in_force import facts_in_force
from homelab_netpol.intent.model import Intent, LastGood, NamespaceFacts, Problem, Reason
from homelab_netpol.intent.ports import parse_ports
from homelab_netpol.intent.read import read_intent
from homelab_netpol.intent.vocabulary import NOTHING, WHOLE, ResourceWords, Vocabulary

__all__ = [
    "NOTHING",
    "WHOLE",
    "Intent",
    "LastGood",
    "NamespaceFacts",
    "Problem",
    "Reason",
    "ResourceWords",
    "Vocabulary",
    "facts_in_force",
    "format_moment",
    "parse_moment",
    "parse_ports",
    "read_intent",
]
