"""A node with an app, a database, a gateway and somebody outside, and labels that change."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.load.api import BASELINES, NAMESPACES, LoadError, policies_of
from bench.load.labels import PROFILE, TARGET
from homelab_netpol.package_data import own_crds
from lab.control_plane import ControlPlane, Lab
from lab.control_plane.api import request_done
from lab.datapath import addresses
from lab.datapath.datapath import Datapath
from lab.datapath.drops import Drops
from lab.datapath.host import Host, outside_host
from lab.datapath.packets import Outcome, Probe, Prober

APP = "app"
_HATCHES = tuple(f"hatch-{number}" for number in range(10))
LONGEST = 90.0
# Closed by hand, as platform namespaces are, so that a grant's other side is needed.
_ONLY_ITSELF = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "only-itself", "namespace": TARGET},
    "spec": {"endpointSelector": {}, "ingress": [{"fromEndpoints": [{}]}]},
}


class DatapathHome:
    """The hosts, and what is done to them.

    Attributes:
        app: A pod of the namespace whose labels change.
        hatches: Pods of others, one each, whose hatches are opened and closed.
        database: One that a grant opens.
        gateway: The external gateway.
        internet: Somebody outside.
    """

    def __init__(self, plane: ControlPlane, datapath: Datapath) -> None:
        self._plane = plane
        self._datapath = datapath
        self._prober = Prober(Drops(datapath.agent.drops))
        gateway = {"gateway.networking.k8s.io/gateway-name": "external"}
        self.database: Host = self._pod(TARGET, {})
        self.gateway: Host = self._pod("istio-gateway", gateway)
        self.app: Host = self._pod(APP, {})
        self.hatches = {name: self._pod(name, {}) for name in _HATCHES}
        for name in self.hatches:
            self.label({PROFILE: "isolated"}, name)
        self.internet = outside_host(datapath.node, "internet", addresses.INTERNET)
        self.write("POST", policies_of(TARGET), _ONLY_ITSELF)

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request, which must succeed."""
        return request_done(self._plane.api, method, path, body).json()

    def populate(self, count: int) -> None:
        """Makes namespaces with a profile, and no pods."""
        for number in range(count):
            metadata = {"name": f"other-{number}", "labels": {PROFILE: "standard"}}
            self.write("POST", NAMESPACES, {"metadata": metadata})

    def apply_clusterwide(self, name: str, spec: Mapping[str, Any]) -> None:
        """Writes a clusterwide policy by hand."""
        body = {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumClusterwideNetworkPolicy",
            "metadata": {"name": name},
            "spec": spec,
        }
        self.write("POST", BASELINES, body)

    def label(self, labels: Mapping[str, str | None], namespace: str = APP) -> float:
        """Sets labels of a namespace, and takes away those that are None; says when."""
        return self._edit("labels", namespace, labels)

    def annotate(self, annotations: Mapping[str, str | None], namespace: str) -> float:
        """The same with annotations."""
        return self._edit("annotations", namespace, annotations)

    def _edit(self, field: str, name: str, texts: Mapping[str, str | None]) -> float:
        path = f"{NAMESPACES}/{name}"
        namespace = self.write("GET", path)
        merged = {**namespace["metadata"].get(field, {}), **texts}
        kept = {key: value for key, value in merged.items() if value is not None}
        namespace["metadata"][field] = kept
        began = time.monotonic()
        self.write("PUT", path, namespace)
        return began

    def opens(self, namespace: str, *, within: float) -> float | None:
        """When a packet of a hatch's pod first passed; None: not in so many seconds."""
        return self._prober.first(self._outwards(namespace), Outcome.PASSED, within)

    def closes(self, namespace: str, *, within: float) -> float | None:
        """The same for the first one that was dropped."""
        return self._prober.first(self._outwards(namespace), Outcome.DROPPED, within)

    def _outwards(self, namespace: str) -> Probe:
        return Probe(self.hatches[namespace], self.internet, "TCP", 80)

    def until(self, source: Host, target: Host, port: int, *, passes: bool, since: float) -> float:
        """Seconds from a moment to the first packet that passes, or is dropped.

        Raises:
            LoadError: it does not come in time.
        """
        wanted = Outcome.PASSED if passes else Outcome.DROPPED
        probe = Probe(source, target, "TCP", port)
        sent = self._prober.first(probe, wanted, LONGEST)
        if sent is None:
            raise LoadError(f"{probe} was not {wanted.value} within {LONGEST:g} s")
        return sent - since

    def _pod(self, namespace: str, labels: Mapping[str, str]) -> Host:
        self.write("POST", NAMESPACES, {"metadata": {"name": namespace}})
        return self._datapath.pods.create(namespace, "pod", labels)


@contextmanager
def datapath_home(lab: Lab, options: Sequence[str]) -> Iterator[tuple[DatapathHome, ControlPlane]]:
    """A fresh control plane with a fresh node, whose agent has further options."""
    with (
        ControlPlane(lab=lab, crds=own_crds()) as plane,
        Datapath(plane.kubeconfig, agent_options=options) as datapath,
    ):
        yield DatapathHome(plane, datapath), plane
