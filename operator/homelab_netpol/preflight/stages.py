"""The cluster as it is, and as it would be: caches and snapshots made of manifests, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homelab_netpol.cache.cluster import ClusterCache
from homelab_netpol.cache.definitions import read_definition
from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import Agents, CiliumState
from homelab_netpol.cilium.evaluation import PolicyRef, in_cluster, read_policy
from homelab_netpol.cilium.terms import CCNP, CLUSTER_NETWORK_POLICY, CNP, NETWORK_POLICY
from homelab_netpol.cilium.version import Version, read_version
from homelab_netpol.cluster.pods import ContainerPort, ObservedPod
from homelab_netpol.cluster.services import ObservedService, read_service
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.definitions import DefinitionKind
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.manifests import Manifest, ManifestError, ManifestSet, kinds
from homelab_netpol.manifests.workloads import Workload, workloads
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_policies
from homelab_netpol.policy.keys import Kind, PolicyKey
from homelab_netpol.policy.objects import LivePolicy, Policy, is_managed
from homelab_netpol.policy.take_over import OthersPolicy, read_others_policy
from homelab_netpol.reconcile.triggers import Triggers
from homelab_netpol.settings import DefaultDeny, Settings

_POLICY_KINDS = (CCNP, CNP, NETWORK_POLICY, CLUSTER_NETWORK_POLICY)
_DEFINITIONS = {
    DefinitionKind.PROFILE: kinds.NETWORK_PROFILE,
    DefinitionKind.RESOURCE: kinds.SHARED_RESOURCE,
}
_AGENT = "cilium-agent"


@dataclass(frozen=True)
class Stages:
    """Both stages, and what lies between them.

    Attributes:
        manifests: all objects.
        workloads: what makes pods, or pods.
        settings: those that are asked about.
        before: the cluster as it is, without what the operator may have written already.
        after: with the operator, and without the policies that are handed over to it.
        in_the_end: likewise, once all policies that have its names are gone.
        scope: where default deny is in force after; `auto` has been decided.
        still_open: the namespaces that keep `auto` from closing, or that a wider scope closes.
        planned: what the operator wants to write.
        taken: of these the names that policies of others have.
    """

    manifests: ManifestSet
    workloads: Sequence[Workload]
    settings: Settings
    before: Inspection
    after: Inspection
    in_the_end: Inspection
    scope: DefaultDeny
    still_open: Sequence[str]
    planned: Sequence[Policy]
    taken: Mapping[PolicyKey, OthersPolicy]

    @property
    def cache(self) -> ClusterCache:
        """What the operator knows."""
        return self.after.cache


def make_stages(settings: Settings, manifests: ManifestSet, now: datetime) -> Stages:
    """Makes them.

    Raises:
        ManifestError: an object is not described as it must be.
        RenderError: a template cannot be rendered.
    """
    given = workloads(manifests)
    cilium = _cilium_state(settings, manifests)
    catalogue = _catalogue(settings, manifests, cilium)
    bare = _cache(catalogue, cilium, manifests, now, settings.default_deny)
    with_pods = {each.namespace for each in given if not each.host_network}
    still_open = sorted(name for name in with_pods if _is_open(bare, name))
    scope = _decided(settings.default_deny, still_open)
    bare.set_scope(scope)
    namespaces = manifests.namespaces()
    planned = desired_policies(catalogue, namespaces, now, scope=scope)
    foreign = [
        each for kind in _POLICY_KINDS for each in manifests.of(kind) if not is_managed(each.labels)
    ]
    taken = _taken(bare, planned, foreign)
    handed_over = {key for key, other in taken.items() if other.handed_over}
    own_cluster = bare.cluster_of_identities()

    def stage(left_out: Iterable[PolicyKey], own: Iterable[Policy]) -> Inspection:
        cache = _cache(catalogue, cilium, manifests, now, scope)
        for policy in own:
            cache.policies.observe(_live(policy))
        gone = set(left_out)
        remaining = [each for each in foreign if _key(each) not in gone]
        return _sorted(Inspection(cache, _snapshot(manifests, remaining, given, own_cluster)))

    standing = [each for each in planned if each.key not in taken or each.key in handed_over]
    return Stages(
        manifests,
        given,
        settings,
        before=stage((), ()),
        after=stage(handed_over, standing),
        in_the_end=stage(taken, planned),
        scope=scope,
        still_open=still_open,
        planned=planned,
        taken=taken,
    )


def _catalogue(settings: Settings, manifests: ManifestSet, cilium: CiliumState) -> Catalogue:
    """What is defined; once for all stages, as templates take long to compile."""
    cache = ClusterCache(Catalogue(settings))
    for kind, name in _DEFINITIONS.items():
        for manifest in manifests.of(name):
            cache.definitions.observe(kind, read_definition(kind, _stamped(manifest.data)))
    cache.set_cilium(cilium)
    cache.redefine()
    return cache.catalogue


def _cache(
    catalogue: Catalogue,
    cilium: CiliumState,
    manifests: ManifestSet,
    now: datetime,
    scope: DefaultDeny,
) -> ClusterCache:
    cache = ClusterCache(catalogue)
    cache.set_cilium(cilium)
    triggers = Triggers(cache, lambda: now)
    for data in manifests.namespaces():
        triggers.namespace_observed(cache.namespaces.read(_stamped(data)))
    cache.set_scope(scope.in_the_end)
    return cache


def _stamped(data: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with what an API server would have given it."""
    metadata = data["metadata"]
    stamp = {"uid": metadata.get("uid") or metadata["name"], "resourceVersion": "1"}
    return {**data, "metadata": {**metadata, **stamp}}


def _is_open(cache: ClusterCache, name: str) -> bool:
    """Its pods would be closed, and nothing of the operator's opens anything for them."""
    intent = cache.intents.get(name)
    if intent is None:
        return True
    return not (intent.platform or intent.profile is not None or intent.hatch_open)


def _decided(setting: DefaultDeny, still_open: Sequence[str]) -> DefaultDeny:
    if setting is not DefaultDeny.AUTO:
        return setting
    return DefaultDeny.LABELLED if still_open else DefaultDeny.WORKLOAD


def _key(manifest: Manifest) -> PolicyKey | None:
    kind = next((kind for kind in Kind if kind.value == manifest.kind), None)
    return PolicyKey(kind, manifest.namespace, manifest.name) if kind is not None else None


def _taken(
    cache: ClusterCache, planned: Iterable[Policy], foreign: Iterable[Manifest]
) -> dict[PolicyKey, OthersPolicy]:
    wanted = {policy.key for policy in planned}
    found: dict[PolicyKey, OthersPolicy] = {}
    for each in foreign:
        key = _key(each)
        if key is not None and key in wanted:
            data = _stamped(each.data)
            found[key] = read_others_policy(key.kind, data, cache.label_keys.take_over)
    return found


def _live(policy: Policy) -> LivePolicy:
    return LivePolicy(policy.key, "uid", "1", policy.labels, policy.annotations, policy.digest, "")


def _snapshot(
    manifests: ManifestSet,
    foreign: Iterable[Manifest],
    given: Iterable[Workload],
    own_cluster: str | None,
) -> Snapshot:
    policies: dict[str, list[Any]] = {}
    annotations: dict[PolicyRef, Mapping[str, str]] = {}
    for manifest in foreign:
        policy = read_policy(manifest.data)
        if own_cluster is not None:
            policy = in_cluster(policy, own_cluster)
        policies.setdefault(policy.ref.namespace, []).append(policy)
        if manifest.annotations:
            annotations[policy.ref] = manifest.annotations
    pods: dict[str, list[Mapping[str, str]]] = {}
    targets: dict[str, list[ObservedPod]] = {name: [] for name in _names(manifests)}
    for each in given:
        known = pods.setdefault(each.namespace, [])
        if not each.host_network and each.labels not in known:
            known.append(each.labels)
        ports = tuple(ContainerPort(p.number, p.protocol, p.name) for p in each.ports)
        targets.setdefault(each.namespace, []).append(
            ObservedPod(each.labels, ports, each.host_network)
        )
    return Snapshot(
        policies,
        annotations,
        pods,
        {name: tuple(of) for name, of in targets.items()},
        _services(manifests),
    )


def _names(manifests: ManifestSet) -> list[str]:
    return [each["metadata"]["name"] for each in manifests.namespaces()]


def _services(manifests: ManifestSet) -> dict[str, list[ObservedService]]:
    found: dict[str, list[ObservedService]] = {}
    for each in manifests.of(kinds.SERVICE):
        try:
            service = read_service(each.data)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ManifestError(
                f"{each.source}: {each}: spec: is not what the API server takes for a Service"
            ) from None
        found.setdefault(each.namespace, []).append(service)
    return found


def _sorted(inspection: Inspection) -> Inspection:
    for _ in inspection.sort():
        continue
    return inspection


def _cilium_state(settings: Settings, manifests: ManifestSet) -> CiliumState:
    cilium = settings.cilium
    where = f"{cilium.namespace}/{cilium.config_map}"
    agents = _agents(settings, manifests)
    found = manifests.get("ConfigMap", cilium.config_map, cilium.namespace)
    if found is None:
        return CiliumState(where, agents=agents, unknown_because=_why_unknown(manifests))
    given = found.data.get("data")
    data = {
        key: value
        for key, value in (given if isinstance(given, Mapping) else {}).items()
        if isinstance(key, str) and isinstance(value, str)
    }
    versions = agents.versions if agents is not None else _versions(settings, manifests)
    return CiliumState(where, config=read_agent_config(data, versions), agents=agents)


def _why_unknown(manifests: ManifestSet) -> str:
    return "it may not be read" if "ConfigMap" in manifests.unread else "it is not given"


def _agents(settings: Settings, manifests: ManifestSet) -> Agents | None:
    """By their pods; None: pods are not given, but perhaps what makes them."""
    cilium, pods = settings.cilium, manifests.of(kinds.POD)
    agents = [
        each
        for each in pods
        if each.namespace == cilium.namespace and cilium.agent_labels.items() <= each.labels.items()
    ]
    if not agents:
        return None
    ready = sum(_is_ready(each.data) for each in agents)
    return Agents(ready, len(agents), _versions(settings, manifests))


def _versions(settings: Settings, manifests: ManifestSet) -> frozenset[Version]:
    cilium, found = settings.cilium, set[Version]()
    for each in workloads(manifests):
        of_agents = cilium.agent_labels.items() <= each.labels.items()
        if each.namespace == cilium.namespace and of_agents:
            for container in _containers(each):
                if container.get("name") == _AGENT:
                    version = read_version(str(container.get("image") or ""))
                    found |= {version} if version is not None else set()
    return frozenset(found)


def _containers(workload: Workload) -> list[Mapping[str, Any]]:
    template: Any = workload.manifest.data
    for step in kinds.WORKLOADS.get(workload.kind, ()):
        template = template.get(step) or {}
    containers = (template.get("spec") or {}).get("containers")
    return [each for each in containers or () if isinstance(each, Mapping)]


def _is_ready(pod: Mapping[str, Any]) -> bool:
    status = pod.get("status")
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    return any(
        isinstance(each, Mapping) and each.get("type") == "Ready" and each.get("status") == "True"
        for each in (conditions if isinstance(conditions, list) else ())
    )
