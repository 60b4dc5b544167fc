"""Manifests on disk, as in a repository: Namespaces with labels, and hand-written policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

_DOMAIN = "network-policy.homelab"
_PROFILES = ("standard", "internal", "internal-egress", "isolated")
_GRANTS = ("postgres", "dragonfly", "garage-s3", "kube-api")
_PLATFORM = ("database", "cache", "garage", "monitoring", "istio-gateway", "istio-system")
_FILES = 100

Json = dict[str, Any]


def write_namespaces(folder: Path, count: int, *, changed: int = 0) -> Path:
    """Writes so many Namespaces beside those of the platform, in 100 files.

    Args:
        folder: is made.
        count: how many.
        changed: so many of them, all over the tree, have other labels than without this.
    """
    every = count // changed if changed else 0
    spaces = [
        _namespace(number, other=bool(every) and number % every == 0) for number in range(count)
    ]
    platform: list[Json] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in _PLATFORM
    ]
    return _write(folder, [*platform, *spaces])


def _namespace(number: int, *, other: bool) -> Json:
    # As in a cluster of many apps: all profiles, a grant on most, ports on some, the mesh on some.
    shift = number + other
    labels = {"team": f"team-{number % 9}", f"{_DOMAIN}/profile": _PROFILES[shift % 4]}
    for place, grant in enumerate(_GRANTS):
        if (shift >> place) % 3 == 0:
            labels[f"access.{_DOMAIN}/{grant}"] = "true"
    if number % 10 == 0:
        labels["istio.io/dataplane-mode"] = "ambient"
    metadata: Json = {"name": name_of(number), "labels": labels}
    if number % 5 == 0:
        metadata["annotations"] = {f"{_DOMAIN}/gateway-ports": "8080,9090"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def name_of(number: int) -> str:
    """The name of one of the Namespaces."""
    return f"app-{number:04}"


def write_policies(folder: Path, count: int, namespaces: int) -> Path:
    """Writes so many hand-written policies, spread over so many Namespaces, in 100 files."""
    return _write(
        folder, [_policy(number, name_of(number % namespaces)) for number in range(count)]
    )


def _policy(number: int, namespace: str) -> Json:
    peer = {
        "matchLabels": {"app": f"client-{number % 7}", "k8s:io.kubernetes.pod.namespace": "web"}
    }
    ports = [{"ports": [{"port": str(8000 + number % 50), "protocol": "TCP"}]}]
    spec = {
        "endpointSelector": {"matchLabels": {"app": f"server-{number % 11}"}},
        "ingress": [{"fromEndpoints": [peer], "toPorts": ports}],
        "egress": [{"toCIDR": [f"192.168.{number % 250}.0/24"], "toPorts": ports}],
    }
    metadata = {"name": f"by-hand-{number:04}", "namespace": namespace}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy"}
    return {**kind, "metadata": metadata, "spec": spec}


def _write(folder: Path, documents: list[Json]) -> Path:
    folder.mkdir(parents=True)
    for number, part in enumerate(_parts(documents)):
        text = yaml.safe_dump_all(part, sort_keys=False)
        folder.joinpath(f"{number:03}.yaml").write_text(text, encoding="utf-8")
    return folder


def _parts(documents: list[Json]) -> Iterator[Iterable[Json]]:
    size = -(-len(documents) // _FILES)
    for first in range(0, len(documents), size):
        yield documents[first : first + size]
