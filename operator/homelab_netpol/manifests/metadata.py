"""Refuses objects that the API server would refuse for their metadata. Pure.

So no name that a command prints holds anything but letters, digits, hyphens and dots.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.manifests import kinds
from homelab_netpol.manifests.manifest import Manifest, ManifestError

_MAX_NAMESPACE = 63
_PARTS = ("spec", "status", "data")
_TEXTS = ("namespace", "uid", "deletionTimestamp", "creationTimestamp", "resourceVersion")
_SHOWN = 80


def is_variable(manifest: Manifest) -> bool:
    """Whether its name or namespace is still to be filled in, as Flux does with `${APP}`."""
    metadata = manifest.data.get("metadata")
    if not isinstance(metadata, Mapping):
        return False
    return any("${" in str(metadata.get(key)) for key in ("name", "namespace"))


def check_metadata(manifest: Manifest) -> None:
    """Refuses it, unless name, namespace, labels and annotations are what they must be.

    Raises:
        ManifestError: they are not.
    """
    metadata, where = manifest.data.get("metadata"), f"{manifest.source}: {manifest.kind}"
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
        raise ManifestError(f"{where}: metadata.name: it has none")
    name = metadata["name"]
    if not _is_name(name, manifest.kind):
        raise ManifestError(
            f"{where}: metadata.name: {_quoted(name)} is no name: lower-case letters, digits and"
            f" hyphens{_hint(name)}"
        )
    where = f"{where} {name}"
    for key in _TEXTS:
        if not isinstance(metadata.get(key), str | None):
            raise ManifestError(f"{where}: metadata.{key}: must be text")
    if not _is_generation(metadata.get("generation")):
        raise ManifestError(f"{where}: metadata.generation: must be a number")
    namespace = metadata.get("namespace") or ""
    if namespace and not _is_label(namespace):
        raise ManifestError(
            f"{where}: metadata.namespace: {_quoted(namespace)} is no name{_hint(namespace)}"
        )
    owners = metadata.get("ownerReferences")
    if owners and not (isinstance(owners, list) and all(isinstance(x, Mapping) for x in owners)):
        raise ManifestError(f"{where}: metadata.ownerReferences: must be a list of mappings")
    for key in _PARTS:
        if not isinstance(manifest.data.get(key) or {}, Mapping) or manifest.data.get(key) == []:
            raise ManifestError(f"{where}: {key}: must be a mapping")
    for key in ("labels", "annotations"):
        if metadata.get(key) is not None:
            _check_texts(metadata[key], f"{where}: metadata.{key}")
    if manifest.kind == kinds.NAMESPACE:
        for key, value in (metadata.get("labels") or {}).items():
            if not terms.is_label_key(key) or not terms.is_label_value(value):
                raise ManifestError(
                    f"{where}: metadata.labels: {_quoted(f'{key}: {value}')} is no label"
                    f"{_hint(value)}"
                )


def _check_texts(given: Any, where: str) -> None:
    if not isinstance(given, Mapping):
        raise ManifestError(f"{where}: must be a mapping")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ManifestError(
                f"{where}[{_quoted(key)}]: must be text, found {_quoted(value)}: put it in quotes"
            )


def _is_name(name: str, kind: str) -> bool:
    if kind == kinds.NAMESPACE:
        return _is_label(name)
    if kind in kinds.RBAC:
        # Names of roles are parts of a path, such as `system:node`.
        return name not in ("", ".", "..") and not set("/%") & set(name)
    # VERSION.GROUP, and the core group's name is empty.
    return terms.is_subdomain(name.removesuffix(".") if kind == kinds.API_SERVICE else name)


def _is_label(name: str) -> bool:
    return len(name) <= _MAX_NAMESPACE and "." not in name and terms.is_subdomain(name)


def _is_generation(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _quoted(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _hint(text: str) -> str:
    if "{{" in text:
        return "; it looks like a template of Helm's: render it first, or leave it out (--exclude)"
    if "${" in text:
        return "; put the values of variables in first (flux envsubst, or flux build kustomization)"
    return ""
