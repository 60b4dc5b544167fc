"""What is given of a cluster, as the operator would have read it from the API server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from homelab_netpol.cilium.agent_config import read_agent_config
from homelab_netpol.cilium.enforcement import Agents, CiliumState
from homelab_netpol.cilium.evaluation import PolicyRef, in_cluster, read_policy
from homelab_netpol.cilium.version import Version, agent_versions
from homelab_netpol.cluster.pods import ContainerPort, ObservedPod, is_ready
from homelab_netpol.cluster.services import ObservedService, read_service
from homelab_netpol.cluster.snapshot import Snapshot
from homelab_netpol.manifests import Manifest, ManifestError, ManifestSet, kinds
from homelab_netpol.manifests.workloads import Workload, template_of, workloads
from homelab_netpol.settings import Settings
from homelab_netpol.shapes import texts


def snapshot_of(
    manifests: ManifestSet,
    foreign: Iterable[Manifest],
    given: Iterable[Workload],
    own_cluster: str | None,
) -> Snapshot:
    """Policies of others, pods and Services.

    Args:
        manifests: all objects.
        foreign: those of them that are policies of others, as far as they stand.
        given: the workloads.
        own_cluster: the cluster's name, as identities have it; None: not known.

    Raises:
        ManifestError: an object is not described as it must be.
    """
    policies: dict[str, list[Any]] = {}
    annotations: dict[PolicyRef, Mapping[str, str]] = {}
    for manifest in foreign:
        with as_kubernetes_has_it(manifest):
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


def _refuse_odd(service: ObservedService) -> None:
    """Finds what would show only where it is compared."""
    numbers = [port.number for port in service.ports]
    if not all(isinstance(number, int) for number in numbers) or not all(
        isinstance(port.protocol, str) for port in service.ports
    ):
        raise TypeError("a port")
    targets = [port.target for port in service.ports]
    if not all(isinstance(target, int | str) for target in targets):
        raise TypeError("a target port")
    labels = dict(service.selector)
    if not all(isinstance(each, str) for pair in labels.items() for each in pair):
        raise TypeError("a selector")


@contextmanager
def as_kubernetes_has_it(manifest: Manifest) -> Iterator[None]:
    """Turns what a reader of the API server's objects stumbles over into an error to act on."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ManifestError(
            f"{manifest.source}: {manifest}: is not what the API server takes for its kind; leave"
            " it out (--exclude), or correct it"
        ) from None


def _names(manifests: ManifestSet) -> list[str]:
    return [each["metadata"]["name"] for each in manifests.namespaces()]


def _services(manifests: ManifestSet) -> dict[str, list[ObservedService]]:
    found: dict[str, list[ObservedService]] = {}
    for each in manifests.of(kinds.SERVICE):
        with as_kubernetes_has_it(each):
            service = read_service(each.data)
            _refuse_odd(service)
        found.setdefault(each.namespace, []).append(service)
    return found


def cilium_state(settings: Settings, manifests: ManifestSet) -> CiliumState:
    """Cilium's configuration and agents."""
    cilium = settings.cilium
    where = f"{cilium.namespace}/{cilium.config_map}"
    agents = _agents(settings, manifests)
    found = manifests.get("ConfigMap", cilium.config_map, cilium.namespace)
    if found is None:
        return CiliumState(where, agents=agents, unknown_because=_why_unknown(manifests))
    data = texts(found.data, "data")
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
    ready = sum(is_ready(each.data) for each in agents)
    return Agents(ready, len(agents), _versions(settings, manifests))


def _versions(settings: Settings, manifests: ManifestSet) -> frozenset[Version]:
    cilium = settings.cilium
    return agent_versions(
        template_of(each.manifest)
        for each in workloads(manifests)
        if each.namespace == cilium.namespace and cilium.agent_labels.items() <= each.labels.items()
    )
