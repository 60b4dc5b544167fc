"""The operator's Deployment, as a kubelet reads it: its Pods' settings, and what it tells of them.

A local control plane starts no Pods, so tests do, as processes: `tests/install` as many as there
are replicas, `tests/docs` one, between a page's commands.
"""

from __future__ import annotations

from pathlib import Path

from tests.cluster.kube import Answered, Kube, Manifest

HOME = "homelab-netpol"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{HOME}/deployments/homelab-netpol"


def write_settings(kube: Kube, spec: Manifest, folder: Path) -> None:
    """Writes the files of a Pod's ConfigMap into a folder.

    Args:
        kube: the cluster.
        spec: the Pod's.
        folder: an empty one.

    Raises:
        Answered: the ConfigMap is not there; a kubelet would wait for it.
    """
    for volume in spec["volumes"]:
        if "configMap" not in volume:
            continue
        path = f"/api/v1/namespaces/{HOME}/configmaps/{volume['configMap']['name']}"
        config = kube.get(path)
        if config is None:
            raise Answered("GET", path, 404, "the Pod's settings are missing")
        for name, text in config["data"].items():
            (folder / name).write_text(text, encoding="utf-8")


def status(deployment: Manifest, *, running: int, new: int, ready: int) -> Manifest:
    """A Deployment's status.

    Args:
        deployment: as the API server has it.
        running: how many Pods there are.
        new: how many of them are of its present template.
        ready: how many of them are ready.
    """
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": running,
        "updatedReplicas": new,
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
