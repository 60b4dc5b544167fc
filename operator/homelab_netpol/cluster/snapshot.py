"""What others wrote and run, as listed for one inspection. Read, and never written."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homelab_netpol.cilium.evaluation import PolicyRef, ReadPolicy, in_cluster, read_policy
from homelab_netpol.cilium.terms import CLUSTER_NETWORK_POLICY, NETWORK_POLICY
from homelab_netpol.cluster.optional import OptionalLists
from homelab_netpol.cluster.pods import WITH_POLICY, ObservedPod, read_pod
from homelab_netpol.cluster.public_names import PublicName, PublicNames
from homelab_netpol.cluster.services import ObservedService, read_service
from homelab_netpol.manifests.workloads import OF_REPLICAS
from homelab_netpol.policy.keys import API_VERSION, Kind
from homelab_netpol.policy.objects import FIELD_MANAGER, MANAGED_BY_LABEL

if TYPE_CHECKING:
    # A command that reads files only must not wait for the Kubernetes client.
    from homelab_netpol.cluster.client import Api

Labels = Mapping[str, str]
_Mark = frozenset[tuple[str, str]]

_POLICIES = {
    Kind.CCNP: f"/apis/{API_VERSION}/{Kind.CCNP.plural}",
    Kind.CNP: f"/apis/{API_VERSION}/{Kind.CNP.plural}",
    NETWORK_POLICY: "/apis/networking.k8s.io/v1/networkpolicies",
}
_CLUSTER_POLICIES = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies"
# A page is parsed at once, while the event loop stands still.
_PAGE = 100
# Enough pods to see who is behind a grant, and few enough to hold in memory.
_MAX_PODS = 500
# Namespaces whose pods are read as a Service there has a suspicious port: each is a request.
_MAX_BEHIND = 100
# The event loop has other work to do.
_TURN_SECONDS = 0.004


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a snapshot, beside what is always in it.

    Attributes:
        pods: the namespaces whose pods are read in full.
        pods_behind: likewise, but only if a Service there has one of these ports, and its pods
            another one; of very many such namespaces only the first ones.
        names: which public names; None: none, and what says them is not listed.
        own_cluster: the cluster whose pods policies are asked about; None: its name is not known.
    """

    pods: Collection[str] = ()
    pods_behind: Mapping[str, Collection[int]] = field(default_factory=dict)
    names: Callable[[str], bool] | None = None
    own_cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Policies, pods and Services of a moment.

    Attributes:
        policies: those that the operator did not write, of both of Cilium's kinds and of
            Kubernetes' own two, by namespace; "" for clusterwide ones.
        annotations: of such a policy those under the operator's label domain, if it has any.
        pods: the labels of each namespace's pods, each set once; replicas count as one. Without
            pods on the host's network, and those that have ended.
        targets: the pods of the namespaces that were asked for, all of them; a namespace with too
            many to look at is missing.
        services: those of each namespace; none at all where they may not be listed.
        public_names: those that were asked for.
    """

    policies: Mapping[str, Sequence[ReadPolicy]] = field(default_factory=dict)
    annotations: Mapping[PolicyRef, Labels] = field(default_factory=dict)
    pods: Mapping[str, Sequence[Labels]] = field(default_factory=dict)
    targets: Mapping[str, Sequence[ObservedPod]] = field(default_factory=dict)
    services: Mapping[str, Sequence[ObservedService]] = field(default_factory=dict)
    public_names: Sequence[PublicName] = ()

    def selecting(self, namespace: str) -> tuple[ReadPolicy, ...]:
        """The policies that may select pods of a namespace."""
        return (*self.policies.get(namespace, ()), *self.policies.get("", ()))


class Pause:
    """Lets the event loop turn, between steps that are each short."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._since = clock()

    async def between_steps(self) -> None:
        """Waits for a turn if the last one was some milliseconds ago."""
        if self._clock() - self._since >= _TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = self._clock()


class SnapshotReader:
    """Lists policies, pods and Services, and keeps nothing."""

    def __init__(self, api: Api, label_domain: str) -> None:
        self._api = api
        self._domain = f"{label_domain}/"
        self._optional = OptionalLists(api, "Looking at what others wrote")
        self._names = PublicNames(self._optional)

    async def read(self, wanted: Wanted) -> Snapshot:
        """Lists what there is now.

        Raises:
            ApiError: something could not be listed.
        """
        policies: dict[str, list[ReadPolicy]] = {}
        annotations: dict[PolicyRef, Labels] = {}
        pause = Pause()
        async for kind, item in self._policies():
            policy = read_policy({**item, "kind": kind})
            if wanted.own_cluster is not None:
                policy = in_cluster(policy, wanted.own_cluster)
            policies.setdefault(policy.ref.namespace, []).append(policy)
            noted = item["metadata"].get("annotations") or {}
            own = {key: noted[key] for key in noted if key.startswith(self._domain)}
            if own:
                annotations[policy.ref] = own
            await pause.between_steps()
        services = await self._services()
        behind = [
            name
            for name, ports in sorted(wanted.pods_behind.items())
            if name not in wanted.pods and _translates_any(services.get(name, ()), ports)
        ]
        in_full = {
            name: await self._pods_of(name)
            for name in (*sorted(wanted.pods), *behind[:_MAX_BEHIND])
        }
        every = itertools.chain.from_iterable(services.values())
        return Snapshot(
            policies,
            annotations,
            await self._pods(),
            {name: pods for name, pods in in_full.items() if pods is not None},
            services,
            await self._names.read(every, wanted.names) if wanted.names is not None else (),
        )

    async def _policies(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        selector = f"{MANAGED_BY_LABEL}!={FIELD_MANAGER}"
        for kind, path in _POLICIES.items():
            async for items, _ in self._api.pages(path, label_selector=selector, page_size=_PAGE):
                for item in items:
                    yield kind, item
        # Few clusters have this kind, and all others can be inspected without.
        async for item in self._optional.items("clusternetworkpolicies", _CLUSTER_POLICIES):
            yield CLUSTER_NETWORK_POLICY, item

    async def _pods(self) -> dict[str, list[Labels]]:
        found: dict[str, list[Labels]] = {}
        namespace, marks = "", set[_Mark]()
        pause = Pause()
        async for items, _ in self._api.pages(
            "/api/v1/pods", field_selector=WITH_POLICY, metadata_only=True, page_size=_PAGE
        ):
            for item in items:
                metadata = item["metadata"]
                # The API server lists one namespace after the other.
                if metadata["namespace"] != namespace:
                    namespace = metadata["namespace"]
                    marks = {_mark(labels) for labels in found.setdefault(namespace, [])}
                labels = dict(_interned(metadata.get("labels") or {}))
                mark = _mark(labels)
                if mark not in marks:
                    marks.add(mark)
                    found[namespace].append(labels)
                await pause.between_steps()
        return found

    async def _services(self) -> dict[str, list[ObservedService]]:
        found: dict[str, list[ObservedService]] = {}
        pause = Pause()
        async for item in self._optional.items("services", "/api/v1/services"):
            service = read_service(item)
            found.setdefault(service.namespace, []).append(service)
            await pause.between_steps()
        return found

    async def _pods_of(self, namespace: str) -> tuple[ObservedPod, ...] | None:
        path = f"/api/v1/namespaces/{namespace}/pods"
        found: list[ObservedPod | None] = []
        async for items, _ in self._api.pages(path, page_size=_PAGE):
            found += map(read_pod, items)
            if len(found) > _MAX_PODS:
                return None
        return tuple(pod for pod in found if pod is not None)


async def release(contents: Iterable[object]) -> None:
    """Empties dicts bit by bit: to drop all of a large one at once would hold up the event loop."""
    pause = Pause()
    for content in contents:
        while isinstance(content, dict) and content:
            content.popitem()
            await pause.between_steps()


def _mark(labels: Labels) -> _Mark:
    """What distinguishes a pod from those that are no replicas of it."""
    return frozenset(one for one in labels.items() if one[0] not in OF_REPLICAS)


def _translates_any(services: Iterable[ObservedService], ports: Collection[int]) -> bool:
    """Whether a Service has one of the ports, and its pods have another one for it."""
    return any(
        port.number in ports and port.target != port.number
        for service in services
        for port in service.ports
    )


def _interned(labels: Labels) -> Iterator[tuple[str, str]]:
    for key, value in labels.items():
        yield sys.intern(key), sys.intern(value)
