"""A cluster from a few lines of YAML, for questions about who may talk to whom."""

from __future__ import annotations

import json
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cli.inputs import desired_state_of
from homelab_netpol.manifests import ManifestSet, parse_manifests
from homelab_netpol.settings import Settings

DOMAIN = "network-policy.homelab"
PROFILE = f"{DOMAIN}/profile"


def model_of(
    text: str, settings: Settings | None = None, config: AgentConfig | None = None
) -> ClusterModel:
    """The cluster that manifests describe, with what the operator would write there."""
    manifests = ManifestSet()
    manifests.add(parse_manifests(text.encode(), "cluster.yaml"))
    return ClusterModel(manifests, desired_state_of(settings or Settings(), manifests), config)


def namespace(name: str, *, annotations: dict[str, str] | None = None, **labels: str) -> str:
    """A Namespace; a label's key without a domain is the vocabulary's, `_` stands for `-`."""
    keys = {
        (f"access.{DOMAIN}/{key[7:]}" if key.startswith("access_") else f"{DOMAIN}/{key}").replace(
            "_", "-"
        ): value
        for key, value in labels.items()
    }
    listed = {f"{DOMAIN}/{key}": value for key, value in (annotations or {}).items()}
    return _document("v1", "Namespace", {"name": name, "labels": keys, "annotations": listed})


def deployment(where: str, name: str, port: int = 8080, **pod: Any) -> str:
    """A Deployment of pods with the label `app`, which listen on one port."""
    container = {"name": "app", "ports": [{"containerPort": port, "name": "main"}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **pod}}
    spec = {"spec": {"template": template}}
    return _document("apps/v1", "Deployment", {"name": name, "namespace": where}, **spec)


def policy(where: str, name: str, spec: dict[str, Any]) -> str:
    """A CiliumNetworkPolicy written by hand."""
    metadata = {"name": name, "namespace": where}
    return _document("cilium.io/v2", "CiliumNetworkPolicy", metadata, spec=spec)


def _document(version: str, kind: str, metadata: dict[str, Any], **rest: Any) -> str:
    data = {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
    return f"---\n{json.dumps(data)}\n"
