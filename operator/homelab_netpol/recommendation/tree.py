"""What is recommended as files for git: Namespaces, custom resources, a kustomization. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from homelab_netpol.access.fixes import Setting
from homelab_netpol.manifests.write import to_yaml
from homelab_netpol.recommendation.plan import Plan

_FOLDERS = {"SharedResource": "resources", "NetworkProfile": "profiles"}
_HEAD = """\
# Labels and annotations of Namespaces, with the custom resources that they name.
# Where the Namespaces are made elsewhere in your tree, merge these files into theirs, or list them
# there as patches in the place of resources here:
#   patches:
#   - path: namespaces/my-app.yaml
"""


def namespace_manifests(plan: Plan) -> dict[str, dict[str, Any]]:
    """The Namespaces with the labels and annotations that are recommended, by name."""
    return {
        name: namespace_manifest(name, labels.settings)
        for name, labels in sorted(plan.labels.items())
    }


def namespace_manifest(name: str, settings: tuple[Setting, ...]) -> dict[str, Any]:
    """A Namespace with some labels and annotations, and nothing else."""
    metadata: dict[str, Any] = {"name": name}
    for field, is_annotation in (("labels", False), ("annotations", True)):
        found = {each.key: each.value for each in settings if each.annotation is is_annotation}
        if found:
            metadata[field] = found
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def files(plan: Plan) -> dict[str, str]:
    """Every file of the tree, by its path in it."""
    found = dict(_objects(plan))
    listed: Mapping[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(found),
    }
    return {**found, "kustomization.yaml": _HEAD + to_yaml([listed])}


def _objects(plan: Plan) -> Iterator[tuple[str, str]]:
    for name, manifest in namespace_manifests(plan).items():
        yield f"namespaces/{name}.yaml", to_yaml([manifest])
    for each in plan.change.objects:
        folder = _FOLDERS[each["kind"]]
        yield f"{folder}/{each['metadata']['name']}.yaml", to_yaml([each])
