"""Pods that no policy holds, or that have a second way out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from homelab_netpol.audit.result import OutsidePod
from homelab_netpol.manifests import kinds
from homelab_netpol.manifests.workloads import Workload, template_of
from homelab_netpol.shapes import text

# Multus: https://github.com/k8snetworkplumbingwg/multi-net-spec, "Network Attachment Selection".
_MORE_NETWORKS = "k8s.v1.cni.cncf.io/networks"


def pods_outside(workloads: Iterable[Workload]) -> Iterator[OutsidePod]:
    """Those of a Namespace, with why."""
    for each in workloads:
        name = f"{each.kind} {each.name}"
        if each.host_network:
            yield OutsidePod(name, "it is on its node's network, where no policy of pods holds")
        template = each.manifest.data if each.kind == kinds.POD else template_of(each.manifest)
        networks = text(template, "metadata", "annotations", _MORE_NETWORKS).strip()
        if networks:
            why = f"{_MORE_NETWORKS}: {' '.join(networks.split())}"
            yield OutsidePod(name, f"it has a second interface, which Cilium does not see ({why})")
