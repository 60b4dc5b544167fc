"""Audits of clusters that a test writes out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from homelab_netpol.audit import audit, make_given
from homelab_netpol.audit.document import document
from homelab_netpol.manifests import ManifestSet, parse_manifests
from homelab_netpol.settings import Settings, parse_settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def audited(text: str, *, from_cluster: bool = False, settings: str = "") -> dict[str, Any]:
    """The document of a cluster, as a program reads it.

    Args:
        text: its manifests.
        from_cluster: as if they had been read in a cluster.
        settings: the operator's, as YAML.
    """
    manifests = ManifestSet(with_rbac=True)
    manifests.add(parse_manifests(text.encode(), "cluster.yaml"))
    given = make_given(
        parse_settings(settings) if settings else Settings(),
        manifests,
        NOW,
        source="cluster" if from_cluster else "files",
        from_cluster=from_cluster,
        texts={"cluster.yaml": text},
    )
    found: dict[str, Any] = json.loads(json.dumps(document(audit(given))))
    return found


def in_namespace(found: dict[str, Any], name: str) -> dict[str, Any]:
    """What is said of a Namespace."""
    [one] = [each for each in found["namespaces"] if each["name"] == name]
    return dict(one)


def tasks(found: dict[str, Any], name: str | None) -> dict[str, str]:
    """The things to do in a Namespace (None: in the cluster), each with its risk."""
    return {each["rule"]: each["risk"] for each in found["first"] if each["namespace"] == name}


def edges(found: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """The edges: from, to, what they come from, and the ports."""
    return {
        (each["from"], each["to"], f"{each['by']} {each['word']}".strip(), " ".join(each["ports"]))
        for each in found["access"]["edges"]
    }


def manifest(version: str, kind: str, name: str, **rest: Any) -> str:
    """A document of YAML."""
    metadata = {"name": name, **rest.pop("metadata", {})}
    data = {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
    return f"---\n{json.dumps(data)}\n"
