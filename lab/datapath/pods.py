"""Pods of a node: network namespaces with an address and a Cilium endpoint, and no program inside.

Each is an object in the API server, and gets its network by the real CNI plugin. A kubelet would do
the same, and then start containers.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.control_plane.api import Api, request_done
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
    """

    namespace: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Pods:
    """Makes the pods of a node; they go with it."""

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
        pods = f"/api/v1/namespaces/{namespace}/pods"
        made = request_done(self._api, "POST", pods, _manifest(name, labels)).json()
        uid = made["metadata"]["uid"]
        # A kubelet takes longer. Before, the agent takes the pod for one without an identity, lets
        # everything through, and looks again after many seconds.
        wait_until(lambda: self._agent.knows(uid, namespace), "the agent to hear of a pod", 30.0)
        place = f"{namespace}--{name}"
        self._node.run("ip", "netns", "add", place)
        # Else each pod sends packets of its own accord, which are dropped and told.
        quiet = "net.ipv6.conf.all.disable_ipv6=1"
        self._node.run("ip", "netns", "exec", place, "sysctl", "-q", "-w", quiet)
        about = f"K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={name};K8S_POD_UID={uid}"
        told = self._add_network(place, about)
        address: str = json.loads(told)["ips"][0]["address"].partition("/")[0]
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "hostIP": addresses.NODE,
            "hostIPs": [{"ip": addresses.NODE}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        request_done(self._api, "PUT", f"{pods}/{name}/status", {**made, "status": status})
        return Pod(name, address, self._node.network(place), namespace)

    def _add_network(self, place: str, about: str) -> str:
        environment = {
            "CNI_COMMAND": "ADD",
            # As a container runtime's: the agent takes no shorter ones.
            "CNI_CONTAINERID": secrets.token_hex(32),
            "CNI_NETNS": f"/run/netns/{place}",
            "CNI_IFNAME": "eth0",
            "CNI_PATH": str(self._programs.cni.parent),
            "CNI_ARGS": about,
        }
        configuration = json.dumps(_CONFIGURATION)
        return self._node.run(str(self._programs.cni), environment=environment, stdin=configuration)


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
