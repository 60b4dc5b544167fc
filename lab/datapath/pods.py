"""Pods of a node: network namespaces with an address and a Cilium endpoint, and no program inside.

Each is an object in the API server, and gets its network by the real CNI plugin. A kubelet would do
the same, and then start containers.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.control_plane.api import Api
from lab.control_plane.errors import LocalClusterError
from lab.control_plane.processes import wait_until
from lab.datapath import addresses
from lab.datapath.agent import Agent
from lab.datapath.host import Host
from lab.datapath.node import NAME, Node
from lab.datapath.programs import Programs

_CONFIGURATION = {"cniVersion": "0.3.1", "name": "cilium", "type": "cilium-cni"}


@dataclass(frozen=True)
class Pod(Host):
    """A running pod.

    Attributes:
        namespace: Its Namespace.
        container: The id of its container, by which the plugin knows it.
    """

    namespace: str
    container: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Pods:
    """Makes the pods of a node, and takes them away."""

    def __init__(self, node: Node, programs: Programs, api: Api, agent: Agent) -> None:
        self._node = node
        self._programs = programs
        self._api = api
        self._agent = agent

    def create(self, namespace: str, name: str, labels: Mapping[str, str]) -> Pod:
        """Makes a pod in a Namespace that is there, and waits until its network is.

        Raises:
            LocalClusterError: The API server or the plugin says no.
        """
        made = self._request(
            "POST", f"/api/v1/namespaces/{namespace}/pods", _manifest(name, labels)
        )
        uid = made["metadata"]["uid"]
        # A kubelet takes longer. Before, the agent takes the pod for one without an identity, lets
        # everything through, and looks again after many seconds.
        wait_until(lambda: self._agent.knows(uid, namespace), "the agent to hear of a pod", 30.0)
        # As a container runtime's: the agent takes no shorter ones.
        container = secrets.token_hex(32)
        place = _place(namespace, name)
        self._node.run("ip", "netns", "add", place)
        # Else each pod sends packets of its own accord, which are dropped and told.
        quiet = "net.ipv6.conf.all.disable_ipv6=1"
        self._node.run("ip", "netns", "exec", place, "sysctl", "-q", "-w", quiet)
        told = self._plugin("ADD", namespace, name, container, uid)
        address: str = json.loads(told)["ips"][0]["address"].partition("/")[0]
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "hostIP": addresses.NODE,
            "hostIPs": [{"ip": addresses.NODE}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        self._request("PUT", f"{_path(namespace, name)}/status", {**made, "status": status})
        return Pod(name, address, self._node.network(place), namespace, container)

    def delete(self, pod: Pod) -> None:
        """Takes a pod away; sockets in it should be closed."""
        self._plugin("DEL", pod.namespace, pod.name, pod.container, "")
        place = _place(pod.namespace, pod.name)
        self._node.forget_network(place)
        self._node.run("ip", "netns", "delete", place)
        self._request(
            "DELETE",
            _path(pod.namespace, pod.name),
            {"gracePeriodSeconds": 0, "kind": "DeleteOptions"},
        )

    def _plugin(self, command: str, namespace: str, name: str, container: str, uid: str) -> str:
        environment = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": container,
            "CNI_NETNS": f"/run/netns/{_place(namespace, name)}",
            "CNI_IFNAME": "eth0",
            "CNI_PATH": str(self._programs.cni.parent),
            "CNI_ARGS": f"K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={name};K8S_POD_UID={uid}",
        }
        configuration = json.dumps(_CONFIGURATION)
        return self._node.run(str(self._programs.cni), environment=environment, stdin=configuration)

    def _request(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._api.request(method, path, body)
        if not 200 <= answer.status < 300:
            raise LocalClusterError(f"{method} {path}: {answer.status} {answer.text}")
        made: dict[str, Any] = answer.json()
        return made


def _manifest(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "nodeName": NAME,
            # The API server of the lab runs without the admission that would fill it in.
            "serviceAccountName": "default",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "none", "image": "none"}],
        },
    }


def _place(namespace: str, name: str) -> str:
    return f"{namespace}--{name}"


def _path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods/{name}"
