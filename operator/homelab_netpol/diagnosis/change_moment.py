"""When the labels of a Namespace last changed, as the API server keeps it. Pure.

`metadata.managedFields` has a time for each field manager: when what it manages was last changed. A
label that was taken off leaves no trace there, but the policies that follow from the others do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.intent.deadline import parse_moment
from homelab_netpol.manifests import kinds

_RULES = ("f:spec", "f:specs")


def changed_at(model: ClusterModel, namespace: str) -> datetime | None:
    """When a Namespace's labels, or the operator's policies in it, were last changed.

    Returns:
        The last moment that is known; None: nothing is, as in a file.
    """
    given = model.manifests.get(kinds.NAMESPACE, namespace)
    words = model.desired.catalogue.vocabulary
    own = (f"f:{words.domain}/", f"f:{words.access_prefix}")
    moments = list(_moments(given.data, own)) if given is not None else []
    for policy in model.own:
        if policy["metadata"].get("namespace") == namespace:
            moments += _moments(policy, ())
    return max(moments, default=None)


def _moments(manifest: Mapping[str, Any], labels: tuple[str, ...]) -> Iterator[datetime]:
    """The times of who manages rules, or such a label or annotation."""
    for entry in manifest["metadata"].get("managedFields") or ():
        fields = entry.get("fieldsV1") or {}
        metadata = fields.get("f:metadata") or {}
        named = {*(metadata.get("f:labels") or ()), *(metadata.get("f:annotations") or ())}
        concerned = any(each in fields for each in _RULES) or any(
            each.startswith(prefix) for each in named for prefix in labels
        )
        moment = parse_moment(str(entry.get("time"))) if concerned else None
        if moment is not None:
            yield moment
