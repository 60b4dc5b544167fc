"""Cilium's agent on a node: its options, its start, its end, and what its log must not say."""

import http.client
import json
import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.control_plane.errors import LocalClusterError, ProcessDiedError
from lab.control_plane.processes import wait_until
from lab.datapath import addresses
from lab.datapath.node import NAME, Node
from lab.datapath.programs import Programs

_READY_SECONDS = 120.0
_AGENT = "cilium-agent"
_SOCKET = "/run/cilium/cilium.sock"
_TABLES = ("k8s-pods", "k8s-namespaces")
# The API server took the policy, the agent does not: only this line says so.
_REFUSED = "Unable to add CiliumNetworkPolicy"

# Pods whose identity changes with a label keep their old policies until they have the new one, and
# that takes Cilium up to 35 s as it comes. With these it takes no time...
QUICK_IDENTITIES = ("--identity-max-jitter=0s", "--identity-change-grace-period=0s")
# ... and these leave what the operator acts upon by itself out of identities, so that they do not
# change: all labels of the vocabulary but those that clusterwide policies select by.
_OF_NAMESPACE = r"k8s:!io\.cilium\.k8s\.namespace\.labels\."
LABELS_LEFT_OUT = (
    rf"--labels={_OF_NAMESPACE}access\.network-policy\.homelab/",
    rf"--labels={_OF_NAMESPACE}network-policy\.homelab/(profile|intra-namespace|webhooks)",
)

_OPTIONS = (
    "--state-dir=/run/cilium",
    "--bpf-root=/sys/fs/bpf",
    "--cgroup-root=/run/cilium/cgroupv2",
    "--ipam=kubernetes",
    "--identity-allocation-mode=crd",
    "--routing-mode=native",
    f"--ipv4-native-routing-cidr={addresses.PODS}",
    "--enable-ipv6=false",
    "--enable-ipv4-masquerade=false",
    "--kube-proxy-replacement=false",
    "--bpf-lb-sock=false",
    "--enable-host-firewall=false",
    "--enable-l7-proxy=true",
    # No Envoy runs, so HTTP rules cannot be exercised; the DNS proxy is the agent's own.
    "--external-envoy-proxy=true",
    "--enable-envoy-config=false",
    # Else what comes from the node itself counts as from the world.
    "--install-iptables-rules=true",
    f"--devices={addresses.UPLINK}",
    f"--direct-routing-device={addresses.UPLINK}",
    "--enable-health-checking=false",
    "--enable-endpoint-health-checking=false",
    "--enable-health-check-nodeport=false",
    "--cni-exclusive=false",
    "--enable-hubble=true",
    "--hubble-listen-address=",
    "--hubble-socket-path=/run/cilium/hubble.sock",
    "--hubble-disable-tls=true",
    '--hubble-export-allowlist={"verdict":["DROPPED","ERROR","AUDIT"]}',
    # Never rotated: who reads it keeps it open.
    "--hubble-export-file-max-size-mb=4096",
    "--monitor-aggregation=none",
    # Maps of the size of a machine's memory are for a machine's connections.
    "--bpf-map-dynamic-size-ratio=0",
    "--bpf-ct-global-tcp-max=8192",
    "--bpf-ct-global-any-max=8192",
    "--bpf-nat-global-max=8192",
    "--bpf-policy-map-max=1024",
    "--prometheus-serve-addr=",
)


class PolicyRefusedError(LocalClusterError):
    """The agent refused a policy that the API server had taken; the message has its words."""


class Agent:
    """cilium-agent on a node.

    Args:
        node: The node, with its uplink.
        programs: What to run.
        kubeconfig: How it reaches the API server.
        clang: The compiler.
        options: Further options, which win.

    Attributes:
        log: Its log.
        drops: The file to which Hubble exports what is dropped, a JSON object a line.
        flows: Likewise all flows of whom `export` names.
    """

    def __init__(
        self, node: Node, programs: Programs, kubeconfig: Path, clang: Path, options: Sequence[str]
    ) -> None:
        self.log = node.folder / "agent.log"
        self.drops = node.folder / "drops.json"
        self.flows = node.folder / "flows.json"
        self._exports = node.folder / "exports.json"
        self._node = node
        self._library = node.folder / "library"
        self._path = node.folder / "bin"
        self._programs = programs
        self._clang = clang
        self._told = 0
        self._command = [
            str(programs.agent),
            f"--k8s-kubeconfig-path={kubeconfig}",
            f"--lib-dir={self._library}",
            f"--hubble-export-file-path={self.drops}",
            f"--hubble-flowlogs-config-path={self._exports}",
            *_OPTIONS,
            *options,
        ]

    def start(self) -> None:
        """Starts it; returns at once, see `wait_ready`. Its state of an earlier start is kept."""
        if not self._library.exists():
            shutil.copytree(self._programs.bpf, self._library / "bpf")
            self._path.mkdir()
            (self._path / "clang").symlink_to(self._clang)
            self.export(None)
        environment = {
            "K8S_NODE_NAME": NAME,
            "PATH": f"{self._path}:{os.environ['PATH']}:/usr/sbin:/sbin",
        }
        self._node.start_program(_AGENT, self._command, self.log, environment)

    def export(self, namespace: str | None) -> None:
        """Has Hubble export all flows of a Namespace's pods, also those that pass; None: of nobody.

        It looks for this every five seconds.
        """
        ends = ("source_pod", "destination_pod")
        wanted = {
            "name": "all",
            "filePath": str(self.flows),
            "includeFilters": [{end: [f"{namespace}/"]} for end in ends],
        }
        written = self._exports.with_suffix(".new")
        written.write_text(json.dumps({"flowLogs": [wanted] if namespace else []}))
        written.replace(self._exports)

    def kill(self) -> None:
        """Ends it at once; what it loaded into the kernel goes on as it is."""
        self._node.kill_program(_AGENT)

    def wait_ready(self) -> None:
        """Waits until it calls itself healthy.

        Raises:
            LocalClusterError: It does not in time, with the end of its log.
        """
        try:
            wait_until(self._healthy, f"cilium-agent to be healthy, see {self.log}", _READY_SECONDS)
        except LocalClusterError as error:
            raise ProcessDiedError(f"{error}\n{self.log_tail()}") from error

    def get(self, path: str) -> Any:
        """Reads from its own API, e.g. `/v1/endpoint`.

        Raises:
            OSError: Nobody answers, or not with success.
        """
        connection = _UnixConnection(self._node.path(_SOCKET))
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            answer = connection.getresponse()
            text = answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"cilium-agent: {error}") from error
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise OSError(f"cilium-agent: {answer.status} for {path}: {text[:200]!r}")
        return json.loads(text)

    def knows(self, uid: str, namespace: str) -> bool:
        """Whether the agent has heard of a pod and its Namespace from the API server."""
        pods, namespaces = (json.dumps(self.get(f"/statedb/dump/{table}")) for table in _TABLES)
        return f'"{uid}"' in pods and f'"{namespace}"' in namespaces

    def check(self) -> None:
        """Looks for policies that it refused.

        Raises:
            PolicyRefusedError: There is one that `refusals` has not told yet.
        """
        if refused := self.refusals():
            raise PolicyRefusedError("\n".join(["cilium-agent refused a policy:", *refused]))

    def refusals(self) -> list[str]:
        """What its log says of policies that it refused, each line told once."""
        lines = [line for line in self.log.read_text().splitlines() if _REFUSED in line]
        told, self._told = self._told, len(lines)
        return lines[told:]

    def log_tail(self, lines: int = 30) -> str:
        """The last lines of the log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])

    def _healthy(self) -> bool:
        try:
            return bool(self.get("/v1/healthz?brief=true")["cilium"]["state"] == "Ok")
        except (OSError, LookupError):
            return False


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
