"""A cluster as the operator would have it with other Namespaces: relabelled, or more. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.manifests import Manifest, ManifestSet, Source, kinds
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.desired import desired_state


def source_of(model: ClusterModel) -> Source:
    """Where what is added counts as read: with the rest, so that a whole cluster stays one."""
    return next((each.source for each in model.manifests.manifests), Source("-"))


def changed_cluster(
    model: ClusterModel,
    namespaces: Iterable[Mapping[str, Any]],
    others: Iterable[Manifest],
    catalogue: Catalogue | None = None,
) -> ClusterModel:
    """The cluster with the policies that the operator would write then.

    What could not be read of the given one is missing here too, and a label that cannot be
    understood leaves in force what it does there.

    Args:
        model: the cluster that is given.
        namespaces: the manifests of all Namespaces.
        others: all other objects; Namespaces among them count for nothing.
        catalogue: what is defined; None: what is in the given one.

    Raises:
        RenderError: a template cannot be rendered with it.
    """
    source, spaces = source_of(model), list(namespaces)
    manifests = ManifestSet(gaps=model.manifests.gaps, unread=model.manifests.unread)
    manifests.add(each for each in others if each.kind != kinds.NAMESPACE)
    manifests.add(
        Manifest({"apiVersion": "v1", "kind": kinds.NAMESPACE, **each}, source) for each in spaces
    )
    desired = desired_state(
        catalogue or model.desired.catalogue,
        spaces,
        datetime.now(UTC),
        last_good=model.desired.last_good,
    )
    return ClusterModel(manifests, desired, model.config, replace=True, read=model.read)
