"""A small homelab on a node: the platform's pods, workload namespaces of two pods, outsiders.

Its ends are those of tests/truth, by the same names, so that the table there says what is expected.
"""

from __future__ import annotations

from lab.datapath import addresses
from lab.datapath.datapath import Datapath
from lab.datapath.echo import Echo
from lab.datapath.host import Host, node_host, outside_host
from tests.cluster.kube import Kube, cnp_path
from tests.cluster.spaces import Labels, Space, Spaces
from tests.truth.world import (
    Endpoint,
    Namespace,
    World,
    outside,
    own_policy,
    platform_pods,
    ports,
    workload_pods,
)

WORLD = World("datapath", "workload", frozenset())
# Of the platform's pods, one each that is meant by a rule, and one that is nearly meant.
PLATFORM = (
    *("kube-dns", "gateway-internal", "gateway-external", "prometheus", "monitoring-other"),
    *("database-primary", "cache", "garage"),
)
# With a hand-written policy that lets in their own pods alone, so that a grant's other side shows.
CLOSED = frozenset({"database", "cache", "garage"})
PROFILES = ("none", "isolated", "internal", "internal-egress", "standard")
NEIGHBOUR = Namespace("neighbour")
# The namespace whose labels change.
APP = "app"
UDP_PORTS = tuple(port.number for port in ports() if port.protocol == "UDP")


class Home:
    """The hosts of the homelab, by the names of tests/truth.

    Attributes:
        hosts: All of them.
        endpoints: What the table of tests/truth knows them by; of those of `APP`, nothing.
    """

    def __init__(self, datapath: Datapath, kube: Kube, echo: Echo) -> None:
        self.hosts: dict[str, Host] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self._datapath = datapath
        self._kube = kube
        self._spaces = Spaces(kube)
        self._echo = echo

    def build(self) -> None:
        """Makes everything; the pods of a namespace are there before it is labelled."""
        for endpoint in platform_pods(WORLD):
            if endpoint.name in PLATFORM:
                self._add_pod(endpoint, endpoint.name)
        for name in CLOSED:
            self._kube.create(cnp_path(name), own_policy(name))
        for profile in PROFILES:
            self.add_namespace(Namespace(f"{APP}-{profile}", profile=profile))
        self.add_namespace(NEIGHBOUR)
        self.add_namespace(Namespace(APP))
        node = self._datapath.node
        self._add(_outside("host"), node_host(node))
        for name, address in (
            ("kube-apiserver", addresses.API_SERVER),
            ("outside-address", addresses.INTERNET),
            ("lan-address", addresses.ROUTER),
        ):
            self._add(_outside(name), outside_host(node, name, address))

    def add_namespace(self, namespace: Namespace) -> None:
        """Makes a workload namespace with its pods, and then labels it."""
        for endpoint in workload_pods(namespace):
            self._add_pod(endpoint, endpoint.name.rpartition("/")[2])
        self.space(namespace.name).label({**namespace.labels()})

    def space(self, name: str) -> Space:
        """A Namespace, to label it."""
        return self._spaces.existing(name)

    def label_app(self, labels: Labels) -> None:
        """Sets labels of `APP`, and takes away those that are None."""
        self.space(APP).label(labels)

    def _add_pod(self, endpoint: Endpoint, name: str) -> None:
        assert endpoint.namespace is not None
        self.space(endpoint.namespace.name)
        pod = self._datapath.pods.create(endpoint.namespace.name, name, endpoint.pod_labels)
        self._add(endpoint, pod)

    def _add(self, endpoint: Endpoint, host: Host) -> None:
        self.hosts[endpoint.name] = host
        self.endpoints[endpoint.name] = endpoint
        self._echo.listen(host, UDP_PORTS)


def _outside(name: str) -> Endpoint:
    return next(one for one in outside() if one.name == name)
