"""What is last good once an intent has been carried out. Pure."""

from __future__ import annotations

from homelab_netpol.intent import NONE, Intent, LastGood
from homelab_netpol.policy.keys import LAN, WEBHOOKS, WORLD


def applied(intent: Intent) -> LastGood:
    """What stays in force after an intent whose policies all stand."""
    return LastGood(
        profile=intent.profile or intent.retained_profile,
        intra_namespace=intent.intra_namespace if intent.profile else None,
        gateway_ports=intent.gateway_ports if intent.profile else None,
        internet_ports=intent.internet_ports if intent.profile else None,
        ingress=_ingress_of(intent),
        lan_ports=intent.lan_ports,
        world_ports=intent.world_ports,
        grants=frozenset((*intent.granted, *intent.retained_grants)) or NONE,
        grant_values=intent.grant_values,
        hatch_open=intent.hatch_open,
        hatch_since=intent.hatch_since,
        platform_label=intent.platform_label,
    )


def _ingress_of(intent: Intent) -> frozenset[str]:
    """Which policies for ingress beside the profile an intent has."""
    wanted = {LAN: intent.lan_ports, WORLD: intent.world_ports, WEBHOOKS: intent.webhooks}
    opened = frozenset(where for where, is_wanted in wanted.items() if is_wanted)
    return opened | intent.retained_ingress if opened else intent.retained_ingress
