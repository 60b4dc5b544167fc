"""Plays the kubelet for one Deployment: the operator runs as long as, and as, the cluster says.

A local control plane starts no pods. So after `kubectl apply -k manifests/base`, `settle` starts
the operator with the settings of the cluster's ConfigMap, as the cluster's service account; after a
change of the template it starts it anew, after `kubectl scale --replicas=0` it stops it. And it
writes what `kubectl rollout status` waits for.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from homelab_netpol.localcluster import ControlPlane
from homelab_netpol.localcluster.api import LocalApi
from tests.running_operator import RunningOperator, running_operator

Manifest = dict[str, Any]

NAMESPACE = "homelab-netpol"
_DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/homelab-netpol"
_READY_SECONDS = 30.0


class Deployed:
    """The operator as the cluster's Deployment wants it, for as long as the `with` block lasts.

    Attributes:
        operator: the process that runs now; None while none is wanted.
    """

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        """Prepares.

        Args:
            plane: the cluster.
            folder: for kubeconfigs.
        """
        self.operator: RunningOperator | None = None
        self._plane = plane
        self._api = LocalApi(plane.kubeconfig)
        self._folder = folder
        self._running = ExitStack()
        self._template: Manifest | None = None

    def settle(self) -> None:
        """Makes what runs what the Deployment says, and returns when it is ready."""
        found = self._api.request("GET", _DEPLOYMENT)
        deployment: Manifest | None = found.json() if found.status == 200 else None
        template: Manifest | None = None
        if deployment is not None and deployment["spec"].get("replicas", 1) > 0:
            template = deployment["spec"]["template"]
        if template != self._template:
            self.stop()
            if template is not None:
                self._start(template)
            self._template = template
        if deployment is not None:
            self._tell(deployment)

    def stop(self) -> None:
        """Stops the operator, as a kubelet does."""
        self.operator = None
        self._running.close()

    def _start(self, template: Manifest) -> None:
        settings = self._settings(template)
        settings.setdefault("leaderElection", {"enabled": True, "namespace": NAMESPACE})
        settings.setdefault("inspectionSeconds", 1)
        kubeconfig = self._kubeconfig()
        running = running_operator(kubeconfig, settings, ready_seconds=_READY_SECONDS)
        self.operator = self._running.enter_context(running)

    def _settings(self, template: Manifest) -> Manifest:
        """What the files of the mounted ConfigMap say together."""
        volumes = template["spec"]["volumes"]
        name = next(each["configMap"]["name"] for each in volumes if "configMap" in each)
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}"
        settings: Manifest = {}
        for _, text in sorted(self._get(path)["data"].items()):
            settings = _joined(settings, yaml.safe_load(text) or {})
        return settings

    def _kubeconfig(self) -> Path:
        """That of the service account, as it is mounted into a pod."""
        account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/homelab-netpol/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = self._api.request("POST", account, request)
        assert answer.status == 201, answer.text
        config = json.loads(self._plane.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": answer.json()["status"]["token"]}
        path = self._folder / "operator.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path

    def _tell(self, deployment: Manifest) -> None:
        """Writes what a Deployment's status says when all its pods run."""
        generation = deployment["metadata"]["generation"]
        replicas = deployment["spec"].get("replicas", 1)
        status = deployment.get("status", {})
        if status.get("observedGeneration") == generation:
            return
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        told = {"observedGeneration": generation, **dict.fromkeys(counts, replicas)}
        answer = self._api.request("PUT", f"{_DEPLOYMENT}/status", {**deployment, "status": told})
        assert answer.status in (200, 404, 409), answer.text  # somebody was faster: look again

    def _get(self, path: str) -> Manifest:
        answer = self._api.request("GET", path)
        assert answer.status == 200, answer.text
        found: Manifest = answer.json()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def _joined(one: Manifest, other: Manifest) -> Manifest:
    """Both together; where both have a section, the sections joined."""
    result = dict(one)
    for key, value in other.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            value = _joined(before, value)
        result[key] = value
    return result
