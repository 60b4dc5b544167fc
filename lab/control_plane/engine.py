"""Cilium's own policy engine as a child process.

Give it endpoints and policy objects, ask it which flows are allowed. Nothing here decides about
traffic.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal, Self

from lab.control_plane.binary import Lab
from lab.control_plane.errors import EngineError

# The label of a pod's identity that holds its namespace.
NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
# The prefix of the labels of that namespace in a pod's identity.
NAMESPACE_LABELS_PREFIX = "io.cilium.k8s.namespace.labels."

_FLOWS_PER_REQUEST = 5_000
_STDERR_TAIL = 2_000

DirectionVerdict = Literal["allowed", "denied", "none"]
# `listener` is one of Envoy that the policy names; "" is no proxy at all.
Proxy = Literal["", "dns", "http", "tls", "listener"]


@dataclass(frozen=True)
class Identity:
    """One end of a flow, as Cilium sees it.

    Make one with `pod`, `entity`, `address` or `dns_name`.
    """

    request: Mapping[str, Any]

    @classmethod
    def pod(
        cls,
        namespace: str,
        labels: Mapping[str, str] | None = None,
        namespace_labels: Mapping[str, str] | None = None,
        ports: Mapping[str, str] | None = None,
    ) -> Self:
        """A pod, by its namespace, its labels and those of its namespace.

        Args:
            namespace: Its namespace's name.
            labels: Its labels.
            namespace_labels: Those of its namespace.
            ports: Its ports that have names, e.g. `{"http": "8080/TCP"}`.
        """
        of_namespace = {
            f"{NAMESPACE_LABELS_PREFIX}{key}": value
            for key, value in (namespace_labels or {}).items()
        }
        # Kubernetes puts this label on every namespace.
        own_name = {f"{NAMESPACE_LABELS_PREFIX}kubernetes.io/metadata.name": namespace}
        own = {**of_namespace, **own_name, NAMESPACE_LABEL: namespace}
        request: dict[str, Any] = {"labels": {**(labels or {}), **own}}
        return cls(request | {"ports": dict(ports)} if ports else request)

    @classmethod
    def entity(cls, name: str, also: Iterable[str] = ()) -> Self:
        """One of Cilium's reserved entities, e.g. `world`, `host`, `kube-apiserver`.

        Args:
            name: The entity.
            also: Other labels that it has too: `reserved:kube-apiserver=` on `host`, where the
                pods' own node runs the API server.
        """
        labels = [*also]
        return cls({"entity": name, "also": labels} if labels else {"entity": name})

    @classmethod
    def address(cls, cidr: str, also: Iterable[str] = ()) -> Self:
        """An address outside the cluster, e.g. `203.0.113.7/32`.

        Args:
            cidr: The address.
            also: Other labels that an agent gives it, as `source:key=value`: those of a
                CiliumCIDRGroup, or `reserved:kube-apiserver=`.
        """
        labels = [*also]
        return cls({"cidr": cidr, "also": labels} if labels else {"cidr": cidr})

    @classmethod
    def dns_name(cls, name: str, cidr: str | None = None) -> Self:
        """An address outside the cluster that a pod has looked up by this name.

        Whatever `toFQDNs` is in force and matches the name selects it, like in an agent whose DNS
        proxy has seen the answer. The lookup itself is a flow of its own, to port 53 of the DNS
        server; that it passed, and by way of the DNS proxy, is assumed here.

        Args:
            name: The name, e.g. `api.example.com`.
            cidr: The address if a policy may mean it too, e.g. `203.0.113.7/32`; otherwise it is
                some address of IPv4.
        """
        return cls({"name": name} if cidr is None else {"name": name, "cidr": cidr})


@dataclass(frozen=True)
class Flow:
    """A question: may `source` open a connection to `target`?

    Attributes:
        source: The name of an identity.
        target: The name of an identity.
        port: The port at the target; of ICMP and ICMPv6 the message's type.
        protocol: TCP, UDP, SCTP, ICMP or ICMPv6.
    """

    source: str
    target: str
    port: int
    protocol: str = "TCP"


@dataclass(frozen=True)
class Verdict:
    """Cilium's answer to one flow.

    Attributes:
        allowed: Whether the flow passes.
        egress: By the source's policies; `none` if the source is not a pod, so has none.
        ingress: By the target's policies; `none` if the target is not a pod, so has none.
        egress_proxy: Which of Cilium's proxies sees the traffic where it leaves the source, and may
            still refuse what it carries; empty if none does.
        ingress_proxy: The same where it enters the target.
    """

    allowed: bool
    egress: DirectionVerdict
    ingress: DirectionVerdict
    egress_proxy: Proxy = ""
    ingress_proxy: Proxy = ""


@dataclass(frozen=True)
class Rejection:
    """An object that Cilium does not put in force: in a cluster, Valid=False.

    Attributes:
        index: Its place in the list that was sent.
        kind: Its kind.
        namespace: Its namespace; empty for a clusterwide object.
        name: Its name.
        error: Cilium's reason.
    """

    index: int
    kind: str
    namespace: str
    name: str
    error: str


class Engine:
    """A context manager around one engine process. Not for use by several threads at once.

    Args:
        lab: The lab binary; found or built when not given.
    """

    def __init__(self, lab: Lab | None = None) -> None:
        self._lab = lab
        self._process: subprocess.Popen[str] | None = None

    def identities(self, identities: Mapping[str, Identity]) -> None:
        """Makes these the only identities, by the names that flows use.

        Raises:
            EngineError: One of them is not valid; then nothing has changed.
        """
        named = {name: identity.request for name, identity in identities.items()}
        self._ask(op="identities", identities=named)

    def policies(self, objects: Sequence[Mapping[str, Any]]) -> list[Rejection]:
        """Makes these the only policies in force.

        Args:
            objects: CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, NetworkPolicy and
                ClusterNetworkPolicy objects, as an API server gives them.

        Returns:
            What is not in force, and why.
        """
        answer = self._ask(op="policies", objects=list(objects))
        return [Rejection(**rejected) for rejected in answer["rejected"]]

    def verdicts(self, flows: Iterable[Flow]) -> list[Verdict]:
        """Asks for every flow; the answers come in the order of the questions.

        Raises:
            EngineError: A flow names an unknown identity, protocol or port.
        """
        questions = [
            {"from": flow.source, "to": flow.target, "port": flow.port, "protocol": flow.protocol}
            for flow in flows
        ]
        verdicts: list[Verdict] = []
        for start in range(0, len(questions), _FLOWS_PER_REQUEST):
            batch = questions[start : start + _FLOWS_PER_REQUEST]
            verdicts += (Verdict(**v) for v in self._ask(op="flows", flows=batch)["verdicts"])
        return verdicts

    def map_sizes(self, pods: Sequence[str]) -> list[int]:
        """How many entries the policy map of each pod has, by the policies in force.

        Args:
            pods: The names of identities that are pods.

        Raises:
            EngineError: One of them is no pod.
        """
        return list(self._ask(op="sizes", sizes=list(pods))["sizes"])

    def keeps_labels(self, keys: Sequence[str], prefixes: Sequence[str] = ()) -> list[bool]:
        """Whether pods' labels of these keys are in their identities, by Cilium's labels filter.

        Args:
            keys: of the labels.
            prefixes: what the option `labels` adds to Cilium's default list.

        Raises:
            EngineError: Cilium refuses a prefix.
        """
        answer = self._ask(op="labels", keys=list(keys), prefixes=list(prefixes))
        return list(answer["kept"])

    def start(self) -> None:
        """Starts the process, which ends by itself when this one does."""
        lab = self._lab or Lab()
        with ExitStack() as files:
            # A file, because a pipe that nobody reads fills up and blocks the writer.
            self._stderr = files.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
            self._process = subprocess.Popen(
                lab.command("engine"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                text=True,
            )
            self._files = files.pop_all()  # it runs: `stop` closes them

    def stop(self) -> None:
        """Ends the process."""
        if self._process is None:
            return
        self._process.kill()  # it has no state on disk
        self._process.communicate()
        self._process = None
        self._files.close()

    def _ask(self, **request: Any) -> dict[str, Any]:
        if self._process is None:
            raise EngineError("the engine has not been started: use it in a `with`")
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:  # never: both were asked for
            raise EngineError("the engine has no pipes")
        try:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            line = stdout.readline()
        except OSError as error:
            raise EngineError(self._failure()) from error
        if not line.endswith("\n"):
            raise EngineError(self._failure())
        answer: dict[str, Any] = json.loads(line)
        if not answer["ok"]:
            raise EngineError(f"the engine refuses `{request['op']}`: {answer['error']}")
        return answer

    def _failure(self) -> str:
        if self._process is None:
            return "the engine is gone"
        try:
            status: int | str = self._process.wait(5)
        except subprocess.TimeoutExpired:
            status = "unknown, since it still runs"
        self._stderr.seek(0)
        tail = self._stderr.read()[-_STDERR_TAIL:].strip()
        return (
            f"the verdict engine stopped answering (status {status}); the end of its log:\n{tail}"
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
