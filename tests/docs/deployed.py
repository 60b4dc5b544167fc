"""Plays the kubelet for one Deployment: the operator runs as long as, and as, the cluster says.

A local control plane starts no pods. So after `kubectl apply -k manifests/base`, `settle` starts
the operator with the settings of the cluster's ConfigMap, as the cluster's service account; after a
change of the template it starts it anew, after `kubectl scale --replicas=0` it stops it. And it
writes what `kubectl rollout status` waits for.
"""

from __future__ import annotations

import contextlib
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from homelab_netpol.settings.files import read_settings
from lab.control_plane import ControlPlane
from tests.cluster.kube import Answered, Kube, Manifest
from tests.cluster.service_account import write_kubeconfig
from tests.deployment import DEPLOYMENT, HOME, status, write_settings
from tests.running_operator import RunningOperator, running_operator

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
        self._kube = Kube(plane.kubeconfig, plane.context)
        self._folder = folder
        self._running = ExitStack()
        self._template: Manifest | None = None

    def settle(self) -> None:
        """Makes what runs what the Deployment says, and returns when it is ready."""
        deployment = self._kube.get(DEPLOYMENT)
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
        spec = template["spec"]
        with tempfile.TemporaryDirectory() as folder:
            write_settings(self._kube, spec, Path(folder))
            settings = read_settings(Path(folder)).data
        settings.setdefault("leaderElection", {"enabled": True, "namespace": HOME})
        settings.setdefault("inspectionSeconds", 1)
        path = self._folder / "operator.kubeconfig"
        kubeconfig = write_kubeconfig(self._kube, self._plane, spec["serviceAccountName"], path)
        running = running_operator(kubeconfig, settings, ready_seconds=_READY_SECONDS)
        self.operator = self._running.enter_context(running)

    def _tell(self, deployment: Manifest) -> None:
        """Writes what a Deployment's status says when all its pods run."""
        replicas = deployment["spec"].get("replicas", 1)
        told = status(deployment, running=replicas, new=replicas, ready=replicas)
        if deployment.get("status", {}).get("observedGeneration") != told["observedGeneration"]:
            with contextlib.suppress(Answered):  # somebody was faster: the next look tells
                self._kube.patch(f"{DEPLOYMENT}/status", {"status": told})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._kube.close()
