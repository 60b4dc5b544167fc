"""What stands of the operator's own policies in a cluster that was read, and what that says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.cache.last_good import standing_last_good
from homelab_netpol.cilium.terms import CCNP, CNP
from homelab_netpol.intent import LastGood
from homelab_netpol.manifests import ManifestSet
from homelab_netpol.policy.objects import LabelKeys, is_managed
from homelab_netpol.settings import Settings


def standing_policies(manifests: ManifestSet) -> list[Mapping[str, Any]]:
    """The operator's Cilium policies as an API server gave them; none, where files are given."""
    return [
        each.data
        for kind in (CNP, CCNP)
        for each in manifests.of(kind)
        if is_managed(each.labels) and each.stands
    ]


def last_good_in(settings: Settings, manifests: ManifestSet) -> dict[str, LastGood]:
    """What was in force in each Namespace, by these policies; nothing, where files are given."""
    standing = standing_policies(manifests)
    if not standing:
        return {}
    metadata = [each["metadata"] for each in manifests.namespaces()]
    uids = {each["name"]: each.get("uid") or "" for each in metadata}
    return standing_last_good(standing, uids, LabelKeys(settings.label_domain))
