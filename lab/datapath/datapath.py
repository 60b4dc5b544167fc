"""A control plane and a node whose agent enforces the policies that stand there."""

import json
import secrets
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from lab.control_plane import crds
from lab.control_plane.api import Api, LocalApi, request_done
from lab.control_plane.errors import LocalClusterError
from lab.control_plane.processes import wait_until
from lab.datapath import addresses, world
from lab.datapath.agent import Agent
from lab.datapath.node import NAME, Node
from lab.datapath.pods import Pods
from lab.datapath.programs import datapath_programs
from lab.datapath.requirements import find_clang, missing

_CRD_SECONDS = 60.0
_EXISTS = (HTTPStatus.CONFLICT,)
_ENDPOINT_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


class Datapath:
    """A node beside a control plane, for as long as the `with` block lasts.

    Args:
        kubeconfig: How to reach the control plane, which listens on loopback; the CRDs that an
            agent waits for are installed there.
        agent_options: Further options of cilium-agent, e.g. `QUICK_IDENTITIES`.

    Attributes (from the start on):
        node: The node.
        agent: Its agent.
        pods: Makes pods on it.
    """

    node: Node
    agent: Agent
    pods: Pods

    def __init__(
        self,
        kubeconfig: Path,
        *,
        agent_options: Sequence[str] = (),
    ) -> None:
        self._kubeconfig = kubeconfig
        self._options = tuple(agent_options)
        self._stack = ExitStack()

    def start(self) -> None:
        """Starts everything, and returns when the agent is healthy.

        Raises:
            LocalClusterError: Something is missing on this machine or did not start; nothing is
                left running.
        """
        clang = find_clang()
        if (lacking := missing()) or clang is None:
            raise LocalClusterError(f"no packets can be sent here: {lacking}")
        programs = datapath_programs()
        with ExitStack() as stack:
            api = LocalApi(self._kubeconfig)
            stack.callback(api.close)
            crds.install(api, programs.crds, _wait)
            folder = Path(tempfile.gettempdir(), f"homelab-netpol-node-{secrets.token_hex(6)}")
            self.node = stack.enter_context(Node(folder))
            world.connect(self.node)
            self._forward()
            _register(api)
            self.agent = Agent(self.node, programs, self._kubeconfig, clang, self._options)
            self.agent.start()
            self.agent.wait_ready()
            self.pods = Pods(self.node, programs, api, self.agent)
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Takes everything down."""
        self._stack.close()

    def _forward(self) -> None:
        command = [sys.executable, "-m", "lab.datapath.forwarder"]
        server = json.loads(self._kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        port = urllib.parse.urlsplit(server).port
        command += [f"/proc/{self.node.pid}/ns/net", str(port)]
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            process_group=self.node.group,
        )
        if process.stdout is None or not process.stdout.readline():
            raise LocalClusterError(f"{' '.join(command)} ended with status {process.wait()}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def _register(api: Api) -> None:
    """Tells the API server of the node, and where it is itself to be found.

    An earlier node of this name is followed by this one.
    """
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NAME},
        "spec": {"podCIDR": addresses.NODE_PODS, "podCIDRs": [addresses.NODE_PODS]},
    }
    status = {"addresses": [{"type": "InternalIP", "address": addresses.NODE}]}
    request_done(api, "POST", "/api/v1/nodes", node, fine=_EXISTS)
    request_done(api, "PUT", f"/api/v1/nodes/{NAME}/status", {**node, "status": status})
    request_done(api, "POST", _ENDPOINT_SLICES, _API_ENDPOINTS, fine=_EXISTS)


def _wait(done: Callable[[], bool], what: str) -> None:
    wait_until(done, what, _CRD_SECONDS)


# The API server would write it, with an address that pods reach; here that is one in the world.
_API_ENDPOINTS: dict[str, Any] = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": [addresses.API_SERVER], "conditions": {"ready": True}}],
    "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
}
