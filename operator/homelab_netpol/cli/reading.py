"""Reads all of a cluster that says how it is set up: for `detect` and `preflight`."""

from __future__ import annotations

from collections.abc import Collection

from homelab_netpol.cli.inputs import ask_cluster, read_manifests
from homelab_netpol.cli.options import InputOptions
from homelab_netpol.manifests import ManifestSet

_CILIUM_CONFIG = "cilium-config"
# Where Cilium's configuration is by default, and Istio's.
_CONFIG_MAPS = (("kube-system", _CILIUM_CONFIG), ("istio-system", "istio"))


def read_all(
    inputs: InputOptions,
    more_kinds: Collection[str] = (),
    config_maps: Collection[tuple[str, str]] = _CONFIG_MAPS,
) -> ManifestSet:
    """What is given, or what a cluster has of it.

    Args:
        inputs: where from.
        more_kinds: of a cluster, beside those that say how it is set up.
        config_maps: of a cluster; Cilium's is looked for where its agents are as well.

    Raises:
        InputError: something given cannot be used.
        ClusterError: the cluster cannot be read.
    """
    from homelab_netpol.cluster.manifests import read_cluster
    from homelab_netpol.manifests.kinds import FOR_DETECTION

    found = read_manifests(inputs, (*FOR_DETECTION, *more_kinds), config_maps=config_maps)
    if not inputs.from_cluster:
        return found
    # An installation of Cilium may be in a namespace of its own.
    places = {each.namespace for each in found.of("Pod") if each.labels.get("k8s-app") == "cilium"}
    others = [(each, _CILIUM_CONFIG) for each in sorted(places - {n for n, _ in config_maps})]
    if others and not any(found.get("ConfigMap", _CILIUM_CONFIG, n) for n, _ in config_maps):
        more = ask_cluster(inputs.cluster, lambda api: read_cluster(api, (), config_maps=others))
        found.add(more.manifests)
        found.gaps += more.gaps
        found.unread |= more.unread
    return found
