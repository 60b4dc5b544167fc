"""Runs the Pods of the operator's Deployment as processes, where there is no kubelet.

    with Pods(cluster, folder):
        ...   # `kubectl apply -k manifests/base` is now followed by an operator that runs

It does what a cluster's controllers and kubelet would: as many processes as the Deployment has
replicas, each with its ConfigMap's files, its service account's token, the container's arguments
and variables, asked for /readyz, started again when it ends; after a change, new ones before old
ones go, as `maxSurge` and `maxUnavailable` say; and the Deployment's status, so that `kubectl
rollout status` answers. Not what needs a container: image, user, file system, limits.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import yaml
from urllib3.exceptions import HTTPError

from lab.control_plane import Cluster
from lab.free_port import free_port
from tests.cluster.kube import Answered, Kube, Manifest
from tests.cluster.service_account import write_kubeconfig
from tests.deployment import DEPLOYMENT, HOME, status, write_settings
from tests.running_operator import RunningOperator

_ROOT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.1
# A kubelet waits longer before it starts again what has ended.
_AGAIN_SECONDS = 1.0


class Pods:
    """The Pods of the Deployment homelab-netpol/homelab-netpol, whenever there is one."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        """Prepares it.

        Args:
            cluster: the cluster.
            folder: for the Pods' files; a fresh one.
        """
        self._cluster = cluster
        self._folder = folder
        self._kube = Kube(cluster.kubeconfig, cluster.context)
        self._pods: list[_Pod] = []
        self._told: Manifest = {}
        self._started = 0
        self._failure: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="pods", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._end(list(self._pods))
        self._kube.close()
        if error is not None:
            error.add_note(f"{self._failure or ''}\n{self.logs()}")
        elif self._failure is not None:
            raise AssertionError(f"the Pods could not be run\n{self.logs()}") from self._failure

    def logs(self) -> str:
        """What the Pods wrote, all of them that ever ran."""
        return "\n".join(
            f"{path.parent.name}:\n{path.read_text(errors='replace')}"
            for path in sorted(self._folder.glob("*/log"))
        )

    def _keep(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            try:
                self._look()
                self._failure = None
            except (Answered, HTTPError) as error:  # as a kubelet, again; told if it stays so
                self._failure = error

    def _look(self) -> None:
        deployment = self._kube.get(DEPLOYMENT)
        if deployment is None:
            self._end(list(self._pods))
            return
        spec = deployment["spec"]
        template = json.dumps(spec["template"], sort_keys=True)
        rolling = spec["strategy"]["rollingUpdate"]
        wanted, most = spec["replicas"], spec["replicas"] + rolling["maxSurge"]
        self._end([pod for pod in self._pods if not pod.running and pod.age > _AGAIN_SECONDS])
        new = [pod for pod in self._pods if pod.template == template]
        self._end(new[wanted:])
        for _ in range(min(wanted - len(new), most - len(self._pods))):
            self._pods.append(self._started_pod(spec["template"]["spec"], template))
        ready = {pod for pod in self._pods if pod.ready()}
        for pod in [pod for pod in self._pods if pod.template != template]:
            if len(ready - {pod}) >= wanted - rolling["maxUnavailable"]:
                self._end([pod])
                ready -= {pod}
        self._tell(deployment, template, len(ready))

    def _started_pod(self, spec: Manifest, template: str) -> _Pod:
        self._started += 1
        folder = self._folder / f"pod-{self._started}"
        folder.mkdir()
        settings = folder / "settings"
        settings.mkdir()
        write_settings(self._kube, spec, settings)
        account = spec["serviceAccountName"]
        access = write_kubeconfig(self._kube, self._cluster, account, folder / "kubeconfig")
        return _Pod(spec, folder, settings, access, template)

    def _tell(self, deployment: Manifest, template: str, ready: int) -> None:
        new = sum(pod.template == template for pod in self._pods)
        told = status(deployment, running=len(self._pods), new=new, ready=ready)
        if told != self._told:
            with contextlib.suppress(Answered):  # deleted or changed meanwhile: the next look tells
                self._kube.patch(f"{DEPLOYMENT}/status", {"status": told})
                self._told = told

    def _end(self, pods: list[_Pod]) -> None:
        for pod in pods:
            pod.end()
        self._pods = [pod for pod in self._pods if pod not in pods]


class _Pod:
    def __init__(
        self, spec: Manifest, folder: Path, settings: Path, kubeconfig: Path, template: str
    ) -> None:
        self.template = template
        self._born = time.monotonic()
        (container,) = spec["containers"]
        port = free_port()
        # What a Pod has an address and a service account's folder for.
        inside = {
            "server": {"address": "127.0.0.1", "port": port},
            "leaderElection": {"enabled": True, "namespace": HOME},
        }
        (settings / "where-it-runs.yaml").write_text(yaml.safe_dump(inside), encoding="utf-8")
        mount = next(each for each in container["volumeMounts"] if each["name"] == "settings")
        given = [text.replace(mount["mountPath"], str(settings)) for text in container["args"]]
        log = folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "homelab_netpol", *given, "--kubeconfig", str(kubeconfig)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(_ROOT / "operator"), **_variables(container)},
            )
        self._operator = RunningOperator(self._process, log, f"http://127.0.0.1:{port}")

    @property
    def age(self) -> float:
        return time.monotonic() - self._born

    @property
    def running(self) -> bool:
        return self._operator.running

    def ready(self) -> bool:
        return self._operator.ready()

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _variables(container: Manifest) -> dict[str, str]:
    fields: dict[str, Any] = {"metadata.namespace": HOME}
    found = {}
    for each in container.get("env", ()):
        source = each.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        if source in fields or "value" in each:
            found[each["name"]] = fields.get(source, each.get("value"))
    return found
