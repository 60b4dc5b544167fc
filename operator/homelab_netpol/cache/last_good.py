"""What was last in force in each Namespace, for labels that cannot be understood.

Once this process has carried out an intent, that; until then what stands in the cluster says it. A
standby, which carries out nothing, so learns from what the leader writes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from homelab_netpol.cache.policies import PolicyCache
from homelab_netpol.intent import (
    NONE,
    WHOLE,
    Intent,
    LastGood,
    PortRange,
    parse_moment,
    parse_port_ranges,
)
from homelab_netpol.policy.applied import applied
from homelab_netpol.policy.keys import (
    CLUSTERWIDE_HATCH,
    LAN,
    WORLD,
    Component,
    Kind,
    PolicyKey,
    Scope,
    WorkKey,
    parse_policy_name,
    policy_name,
)
from homelab_netpol.policy.notes import (
    parse_expired_text,
    parse_gateway_ports_text,
    parse_internet_ports_text,
    parse_platform_labels,
)
from homelab_netpol.policy.objects import LabelKeys, LivePolicy, read_live
from homelab_netpol.policy.plan_clusterwide import NOTING_BASELINE

_PROFILE = policy_name(Component.PROFILE)
_HATCH = policy_name(Component.HATCH)


class LastGoodCache:
    """What was last good, by Namespace."""

    def __init__(self, policies: PolicyCache, label_keys: LabelKeys) -> None:
        self._policies = policies
        self._label_keys = label_keys
        self._applied: dict[str, LastGood] = {}

    def has_applied(self, namespace: str) -> bool:
        """This process has carried out an intent there."""
        return namespace in self._applied

    def record_applied(self, intent: Intent) -> None:
        """Keeps an intent whose policies are all written as the last good one."""
        self._applied[intent.namespace] = applied(intent)

    def forget(self, namespace: str) -> None:
        """Forgets a Namespace that is gone."""
        self._applied.pop(namespace, None)

    def last_good(self, namespace: str, uid: str) -> LastGood:
        """What was last in force in a Namespace of this uid."""
        applied = self._applied.get(namespace)
        if applied is not None:
            return applied
        standing = self._policies.owned_by(WorkKey(Scope.NAMESPACE, namespace))
        named = {key: one for key in standing if (one := parse_policy_name(key)) is not None}
        values = {
            one.about: standing[key].labels.get(self._label_keys.value, WHOLE)
            for key, one in named.items()
            if one.component is Component.ACCESS
        }
        grants = frozenset(values) or NONE
        parts = {resource: value for resource, value in values.items() if value != WHOLE}
        opened = (one.about for one in named.values() if one.component is Component.INGRESS)
        ingress = frozenset(opened) or NONE
        hatch_open = PolicyKey(Kind.CNP, namespace, _HATCH) in standing
        since = self._noted_since(namespace, uid)
        platform = self._noted_platform(namespace, uid)
        found = LastGood(
            ingress=ingress,
            grants=grants,
            grant_values=parts,
            hatch_open=hatch_open,
            hatch_since=since,
            platform_label=platform,
        )
        profile = standing.get(PolicyKey(Kind.CNP, namespace, _PROFILE))
        if profile is None:
            return found
        keys = self._label_keys
        return dataclasses.replace(
            found,
            profile=profile.labels.get(keys.profile),
            intra_namespace=profile.labels.get(keys.intra_namespace) == "allow",
            gateway_ports=parse_gateway_ports_text(profile.annotations.get(keys.gateway_ports)),
            internet_ports=parse_internet_ports_text(profile.annotations.get(keys.internet_ports)),
            lan_ports=_noted_ports(standing, namespace, LAN, keys.lan_ports),
            world_ports=_noted_ports(standing, namespace, WORLD, keys.world_ports),
        )

    def before(self, namespace: str, uid: str, known: Intent | None) -> LastGood:
        """What was last good, and since when we, or the cluster, know of the hatch.

        Args:
            namespace: its name.
            uid: its uid.
            known: the intent that was read of it before, if one was.
        """
        last_good = self.last_good(namespace, uid)
        if known is None:
            return last_good
        since = known.hatch_since
        if since is not None and not self.has_applied(namespace):
            # The leader, or we before a restart, saw it first.
            since = self._noted_since(namespace, uid) or since
        # Opened a moment ago, though its policy may not stand yet.
        is_open = last_good.hatch_open if since is None else known.hatch_open
        return dataclasses.replace(last_good, hatch_since=since, hatch_open=is_open)

    def _noted_platform(self, namespace: str, uid: str) -> bool:
        """Its label made it a platform namespace, as the cluster remembers it."""
        baseline = self._policies.get(PolicyKey(Kind.CCNP, "", NOTING_BASELINE))
        text = (
            "" if baseline is None else baseline.annotations.get(self._label_keys.platform_labels)
        )
        # Asked for every Namespace, and hardly ever is one noted.
        if not text or namespace not in text:
            return False
        return parse_platform_labels(text).get(namespace) == uid

    def _noted_since(self, namespace: str, uid: str) -> datetime | None:
        """Since when the hatch is asked for, as the cluster remembers it."""
        hatch = self._policies.get(PolicyKey(Kind.CNP, namespace, _HATCH))
        if hatch is not None:
            noted = hatch.annotations.get(self._label_keys.since, "")
            return parse_moment(noted) or parse_moment(hatch.created)
        clusterwide = self._policies.get(CLUSTERWIDE_HATCH)
        if clusterwide is None:
            return None
        text = clusterwide.annotations.get(self._label_keys.expired_hatches, "")
        # Asked for every Namespace, and hardly ever is one noted.
        note = parse_expired_text(text).get(namespace) if namespace in text else None
        return note.since if note is not None and note.uid == uid else None


def standing_last_good(
    manifests: Iterable[Mapping[str, Any]], uids: Mapping[str, str], label_keys: LabelKeys
) -> dict[str, LastGood]:
    """What was last good in each Namespace, by what stands.

    Args:
        manifests: the operator's Cilium policies, as the API server gives them.
        uids: of the Namespaces, by their names.
        label_keys: the operator's own.
    """
    policies = PolicyCache()
    for each in manifests:
        policies.observe(read_live(Kind(each["kind"]), each))
    cache = LastGoodCache(policies, label_keys)
    return {name: cache.last_good(name, uid) for name, uid in uids.items()}


def _noted_ports(
    standing: Mapping[PolicyKey, LivePolicy], namespace: str, where: str, note: str
) -> tuple[PortRange, ...]:
    """The ports that a policy for ingress says it opens; one that was edited says none."""
    live = standing.get(PolicyKey(Kind.CNP, namespace, policy_name(Component.INGRESS, where)))
    return () if live is None else parse_port_ranges(live.annotations.get(note, "")) or ()
