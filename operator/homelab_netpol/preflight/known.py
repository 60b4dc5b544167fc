"""What the operator would know of a cluster that is given: caches made of manifests, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.definitions import read_definition
from homelab_netpol.cilium.enforcement import CiliumState
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.manifests import ManifestSet, kinds
from homelab_netpol.manifests.workloads import Workload, workloads
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.keys import Kind
from homelab_netpol.policy.objects import LivePolicy, Policy, read_live
from homelab_netpol.preflight.observed import cilium_state
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import DefaultDeny, Settings

_DEFINITIONS = {
    DefinitionKind.PROFILE: kinds.NETWORK_PROFILE,
    DefinitionKind.RESOURCE: kinds.SHARED_RESOURCE,
}


@dataclass(frozen=True)
class Known:
    """What the operator would know.

    Attributes:
        workloads: what makes pods, or pods.
        cilium: Cilium's configuration and agents.
        catalogue: what is defined.
        cache: all Namespaces that are given, and of policies those that stand.
        still_open: the namespaces that keep `auto` from closing, or that a wider scope closes.
        scope: where default deny is in force; `auto` has been decided.
    """

    workloads: Sequence[Workload]
    cilium: CiliumState
    catalogue: Catalogue
    cache: ClusterCache
    still_open: Sequence[str]
    scope: DefaultDeny


def known_of(
    settings: Settings,
    manifests: ManifestSet,
    now: datetime,
    standing: Iterable[Mapping[str, Any]] = (),
) -> Known:
    """Works it out.

    Args:
        settings: the operator's.
        manifests: all objects.
        now: the time, by which hatches close.
        standing: of the operator's own policies those that stand, as an API server gave them.

    Raises:
        ManifestError: an object is not described as it must be.
        RenderError: a template cannot be rendered.
    """
    given, cilium = workloads(manifests), cilium_state(settings, manifests)
    catalogue = _catalogue_in(settings, manifests, cilium)
    cache = cache_of(catalogue, cilium, manifests, now, settings.default_deny, standing)
    still_open = _namespaces_still_open(cache, given)
    scope = _decided_scope(settings.default_deny, still_open)
    cache.set_scope(scope)
    return Known(given, cilium, catalogue, cache, still_open, scope)


def _catalogue_in(settings: Settings, manifests: ManifestSet, cilium: CiliumState) -> Catalogue:
    """What is defined; once for all stages, as templates take long to compile."""
    cache = ClusterCache(Catalogue(settings))
    for kind, name in _DEFINITIONS.items():
        for manifest in manifests.of(name):
            cache.definitions.observe(kind, read_definition(kind, stamped(manifest.data)))
    cache.set_cilium(cilium)
    cache.redefine()
    return cache.catalogue


def cache_of(
    catalogue: Catalogue,
    cilium: CiliumState,
    manifests: ManifestSet,
    now: datetime,
    scope: DefaultDeny,
    standing: Iterable[Mapping[str, Any]] = (),
) -> ClusterCache:
    """A cache that has seen all Namespaces that are given, and no policy but those that stand.

    These come first, as at the operator's start: they say what was in force in a Namespace.
    """
    cache = ClusterCache(catalogue)
    cache.set_cilium(cilium)
    for data in standing:
        cache.policies.observe(read_live(Kind(data["kind"]), data))
    triggers = Triggers(cache, lambda: now)
    for data in manifests.namespaces():
        triggers.namespace_observed(cache.namespaces.read(stamped(data)))
    cache.set_scope(scope.in_the_end)
    return cache


def stamped(data: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with what an API server would have given it."""
    metadata = data["metadata"]
    stamp = {"uid": metadata.get("uid") or metadata["name"], "resourceVersion": "1"}
    return {**data, "metadata": {**metadata, **stamp}}


def _namespaces_still_open(cache: ClusterCache, given: Iterable[Workload]) -> list[str]:
    """The Namespaces with pods that keep `auto` from closing, or that a wider scope closes."""
    with_pods = {each.namespace for each in given if not each.host_network}
    return sorted(name for name in with_pods if _is_open(cache, name))


def _decided_scope(setting: DefaultDeny, still_open: Sequence[str]) -> DefaultDeny:
    """Where default deny is in force; `auto` waits for the Namespaces that are still open."""
    if setting is not DefaultDeny.AUTO:
        return setting
    return DefaultDeny.LABELLED if still_open else DefaultDeny.WORKLOAD


def as_live(policy: Policy) -> LivePolicy:
    """A policy as it would stand, once it is written."""
    return LivePolicy(policy.key, "uid", "1", policy.labels, policy.annotations, policy.digest, "")


def sorted_inspection(inspection: Inspection) -> Inspection:
    """The same, with all sorted that its checks look things up in."""
    for _ in inspection.sort():
        continue
    return inspection


def _is_open(cache: ClusterCache, name: str) -> bool:
    """Its pods would be closed, and nothing of the operator's opens anything for them."""
    intent = cache.intents.get(name)
    if intent is None:
        return True
    return not (intent.platform or intent.profile is not None or intent.hatch_open)
