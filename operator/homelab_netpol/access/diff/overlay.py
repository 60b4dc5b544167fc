"""What a cluster would hold if a tree were applied to it. Pure.

A tree speaks for the objects in it, and for no others: what GitOps does not keep stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.intent import Vocabulary
from homelab_netpol.manifests import Manifest, ManifestSet, kinds


def overlaid(cluster: ManifestSet, tree: ManifestSet, words: Vocabulary) -> ManifestSet:
    """Puts the objects of a tree in the place of the cluster's, and beside them.

    Labels and annotations that the cluster has beside the tree's stay on a Namespace, but for those
    of the vocabulary: of these the tree has all.

    Args:
        cluster: what there is.
        tree: what is applied.
        words: the vocabulary.
    """
    found = ManifestSet(tree.skipped + cluster.skipped, [*cluster.gaps, *tree.gaps])
    given = {(each.group, each.kind, each.namespace, each.name) for each in tree.manifests}
    found.add(
        each
        for each in cluster.manifests
        if (each.group, each.kind, each.namespace, each.name) not in given
    )
    for each in tree.manifests:
        there = cluster.get(kinds.NAMESPACE, each.name) if each.kind == kinds.NAMESPACE else None
        found.add([each if there is None else _joined(there, each, words)])
    return found


def _joined(there: Manifest, given: Manifest, words: Vocabulary) -> Manifest:
    was, now = (dict(each.data["metadata"]) for each in (there, given))
    for key in ("labels", "annotations"):
        kept = {
            name: value
            for name, value in (was.get(key) or {}).items()
            if not _is_of_vocabulary(name, words)
        }
        now[key] = {**kept, **(now.get(key) or {})}
    data: Mapping[str, Any] = {**given.data, "metadata": {**was, **now}}
    return Manifest(data, given.source)


def _is_of_vocabulary(key: str, words: Vocabulary) -> bool:
    return key == words.mesh_label[0] or key.startswith((f"{words.domain}/", words.access_prefix))
