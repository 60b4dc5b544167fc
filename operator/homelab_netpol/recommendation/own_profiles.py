"""A NetworkProfile of one's own, for what no label, annotation or resource lets pass. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, Member, Ports
from homelab_netpol.access.fixes import Change, Setting
from homelab_netpol.access.fixes_objects import free_name, own_object, rules_for
from homelab_netpol.recommendation.needs import Need
from homelab_netpol.recommendation.plan import Labels
from homelab_netpol.recommendation.resources import listed


def profile_for(after: ClusterModel, labels: Labels, needs: Sequence[Need]) -> Labels | None:
    """The labels with a NetworkProfile that adds rules to the profile among them.

    Args:
        after: the cluster with all that was found so far.
        labels: of one Namespace.
        needs: what is not covered of what it needs.

    Returns:
        None: a profile would not help, as it is the other end that does not let it pass.
    """
    words = after.desired.catalogue.vocabulary
    name = labels.namespace
    profile = next(
        (each.value for each in labels.change.settings if each.key == words.profile_key), None
    )
    if profile is None:
        return None
    spec: dict[str, Any] = {"extends": profile}
    for section, way in (("ingress", "from"), ("egress", "to")):
        by_peer: defaultdict[str, tuple[Member, set[Ports]]] = defaultdict()
        for need in needs:
            own, peer = (need.target, need.source) if way == "from" else (need.source, need.target)
            if own.pod is not None and own.pod.namespace == name:
                by_peer.setdefault(peer.words, (peer, set()))[1].add(need.ports)
        rules = [
            rule
            for member, ports in by_peer.values()
            for rule in rules_for(End(member.words, (member,)), way, listed(ports))
        ]
        if rules:
            spec[section] = rules
    if len(spec) == 1:
        return None
    made = own_object("NetworkProfile", free_name(name, set(words.profiles)), spec)
    chosen = Setting(name, words.profile_key, made["metadata"]["name"])
    settings = tuple(
        chosen if each.key == words.profile_key else each for each in labels.change.settings
    )
    change = Change(settings, (*labels.change.objects, made))
    return replace(labels, change=change)
