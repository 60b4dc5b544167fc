"""The reverse of reading an intent: what a Namespace would say for what is in force. Pure."""

from __future__ import annotations

import dataclasses

from homelab_netpol.intent.model import LastGood, NamespaceFacts
from homelab_netpol.intent.platform import read_platform
from homelab_netpol.intent.ports import port_ranges_text
from homelab_netpol.intent.vocabulary import WHOLE, Vocabulary


def facts_in_force(facts: NamespaceFacts, last_good: LastGood, words: Vocabulary) -> NamespaceFacts:
    """Adds the labels and annotations that are missing for what stands.

    Only what the vocabulary knows, and no profile on a platform namespace: what would be refused is
    not missed.

    Args:
        facts: what the Namespace says.
        last_good: what is in force there.
        words: the vocabulary.
    """
    grantable = words.grantable()
    labels = {
        f"{words.access_prefix}{resource}": last_good.grant_values.get(resource, WHOLE)
        for resource in last_good.grants
        if resource in grantable
    }
    annotations: dict[str, str] = {}
    if "webhooks" in last_good.ingress:
        labels[words.webhooks_key] = "allow"
    if last_good.platform_label:
        labels[words.platform_key] = "true"
    said = dataclasses.replace(facts, labels={**labels, **facts.labels})
    platform = read_platform(said, last_good, words).is_platform
    profile = None if platform else last_good.profile
    if profile is not None and profile in words.profiles:
        labels[words.profile_key] = profile
        intra = last_good.intra_namespace
        if intra is not None and intra != words.profiles[profile]:
            labels[words.intra_namespace_key] = "allow" if intra else "deny"
        if last_good.gateway_ports:
            annotations[words.gateway_ports_key] = ",".join(map(str, last_good.gateway_ports))
        listed = {
            words.internet_ports_key: last_good.internet_ports,
            words.lan_ports_key: last_good.lan_ports,
            words.world_ports_key: last_good.world_ports,
        }
        annotations |= {key: port_ranges_text(ports) for key, ports in listed.items() if ports}
    return dataclasses.replace(
        facts,
        labels={**labels, **facts.labels},
        annotations={**annotations, **facts.annotations},
    )
