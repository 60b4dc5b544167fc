"""Namespaces that flows name and no manifest that is given: of charts installed elsewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from homelab_netpol.access.changed_cluster import changed_cluster, source_of
from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.manifests import Manifest, ManifestSet, kinds

_NAME = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def with_namespaces(model: ClusterModel, names: Iterable[str]) -> ClusterModel:
    """The cluster with these Namespaces too, without labels; the same, if none is missing.

    Where the operator's policies are given, as a cluster has them, a Namespace that is not given is
    gone, and is not added.

    Raises:
        RenderError: a template cannot be rendered with them.
    """
    if model.is_written:
        return model
    missing = sorted(
        each for each in set(names) if each not in model.namespaces and _NAME.fullmatch(each)
    )
    if not missing:
        return model
    more, source = ManifestSet(), source_of(model)
    more.add(
        Manifest({"apiVersion": "v1", "kind": kinds.NAMESPACE, "metadata": {"name": each}}, source)
        for each in missing
    )
    namespaces = (*model.manifests.namespaces(), *more.namespaces())
    return changed_cluster(model, namespaces, model.manifests.manifests)
