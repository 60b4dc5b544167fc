"""Keeps what the agent exported, with the cluster that it came from: for tests/recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.kube import Kube, Manifest, cnp_path, namespace_path
from tests.cluster.own_crds import PROFILES, RESOURCES
from tests.cluster.spaces import MANAGED_BY
from tests.datapath.home import APP
from tests.recorded.corpus import write_case, write_cluster

_NAMESPACES = "/api/v1/namespaces"
_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
# What an API server and others add, which says nothing of who may talk to whom.
_METADATA = ("name", "namespace", "labels", "annotations")
_STATUS = ("podIP", "podIPs", "hostIP", "phase", "addresses")


class Recorder:
    """Writes cases into tests/recorded, if that is asked for.

    Args:
        kube: The cluster.
        wanted: It is asked for.
    """

    def __init__(self, kube: Kube, *, wanted: bool) -> None:
        self._kube = kube
        self._wanted = wanted
        self._has_cluster = False

    def state(self) -> list[Manifest]:
        """What differs from case to case: the app's Namespace and the custom resources."""
        found = [(self._kube.get(namespace_path(APP)) or {}, "v1", "Namespace")]
        for path, kind in ((PROFILES, "NetworkProfile"), (RESOURCES, "SharedResource")):
            version = "network-policy.homelab/v1alpha1"
            found += [(each, version, kind) for each in self._kube.items(path)]
        return [_cut(*each) for each in found]

    def keep(
        self,
        folder: str,
        name: str,
        state: Sequence[Manifest],
        flows: Sequence[Mapping[str, Any]],
        proven: Mapping[str, Any],
    ) -> None:
        """Writes a case.

        Args:
            folder: Of which kind it is.
            name: Its name.
            state: What `state` said when the flows were seen.
            flows: As the agent exported them.
            proven: What was proposed, with which packets did as they should.
        """
        if not self._wanted:
            return
        if not self._has_cluster:
            write_cluster(self._cluster())
            self._has_cluster = True
        write_case(folder, name, state, flows, proven)

    def _cluster(self) -> list[Manifest]:
        namespaces = self._kube.items(_NAMESPACES)
        found = [
            _cut(each, "v1", "Namespace") for each in namespaces if each["metadata"]["name"] != APP
        ]
        found += [_cut(each, "v1", "Node") for each in self._kube.items("/api/v1/nodes")]
        found += [_cut(each, "v1", "Pod") for each in self._kube.items("/api/v1/pods")]
        slices = self._kube.items(_SLICES)
        found += [_cut(each, "discovery.k8s.io/v1", "EndpointSlice") for each in slices]
        for namespace in namespaces:
            for each in self._kube.items(cnp_path(namespace["metadata"]["name"])):
                # The operator's own follow from labels.
                if MANAGED_BY not in each["metadata"].get("labels", {}):
                    found.append(_cut(each, "cilium.io/v2", "CiliumNetworkPolicy"))
        return found


def _cut(item: Manifest, version: str, kind: str) -> Manifest:
    metadata = {key: item["metadata"][key] for key in _METADATA if item["metadata"].get(key)}
    rest = {
        key: value
        for key, value in item.items()
        if key in ("spec", "endpoints", "ports", "addressType")
    }
    status = {key: value for key, value in item.get("status", {}).items() if key in _STATUS}
    found = {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
    return {**found, "status": status} if kind in ("Pod", "Node") else found
