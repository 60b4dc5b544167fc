"""The ends of a cluster's edges: its pods, as policies tell them apart, and the rest. Pure.

Pods that the settings name as gateways, DNS or scrapers are ends of their own; so is whatever is no
pod. The others are their Namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.edge import Node, NodeKind
from homelab_netpol.access.ends import End, EndError, Member
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.ends_known import GATEWAY_WORDS
from homelab_netpol.access.explain_alike import Alike
from homelab_netpol.cilium.evaluation import Direction, Endpoint, Pod
from homelab_netpol.policy.catalogue import KUBE_API

ANY = Node("any", NodeKind.ANY, "any other Namespace")
#: Stands for pods of a Namespace that no rule names.
ANY_POD = Pod("", {}, {})
_WORLD = Node("world", NodeKind.WORLD, "the internet")
_LAN = Node("lan", NodeKind.LAN, "the LAN")
_BOTH = (Direction.INGRESS, Direction.EGRESS)
# A pod's own node reaches it whatever policies say, unless one denies it.
_ENTITIES = {
    "kube-apiserver": _BOTH,
    "host": _BOTH,
    "remote-node": _BOTH,
    "health": (Direction.INGRESS,),
}


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods of a Namespace that no policy tells apart.

    Attributes:
        node: as which end they are shown.
        pod: one of them.
    """

    node: Node
    pod: Pod

    @property
    def namespace(self) -> str:
        """Where they are."""
        return self.pod.namespace


@dataclass(frozen=True, slots=True)
class Outside:
    """What is no pod, and so has no policies of its own.

    Attributes:
        node: as which end it is shown.
        endpoints: by which it may be known, each asked where those before it leave an answer open.
        directions: as seen from pods: ingress if it calls them, egress if they call it.
    """

    node: Node
    endpoints: tuple[Endpoint, ...]
    directions: tuple[Direction, ...]


def namespace_node(name: str) -> Node:
    """A Namespace."""
    return Node(f"ns/{name}", NodeKind.NAMESPACE, name)


def resource_node(name: str) -> Node:
    """A shared resource."""
    return Node(f"resource/{name}", NodeKind.RESOURCE, name)


class EdgeEnds:
    """Finds the ends of one cluster.

    Attributes:
        pods: of each Namespace; none where all are on their nodes' network.
        outside: all that is no pod.
        resources: those shared resources whose pods are in a Namespace.
    """

    def __init__(self, model: ClusterModel) -> None:
        self._model = model
        finder = EndFinder(model)
        self._known = finder.known
        self.outside: list[Outside] = []
        self._shown: dict[tuple[str, str, str], Node] = {}
        self._assumed: dict[str, list[tuple[Node, Pod]]] = {}
        self._add_known()
        self.resources: set[str] = set()
        for name in finder.resources:
            self._add_resource(name)
        self.pods: Mapping[str, tuple[Pods, ...]] = dict(self._sorted_pods())

    def _add_known(self) -> None:
        """Gateways, DNS, scrapers, the world, the LAN, entities."""
        known = self._known
        for which in GATEWAY_WORDS:
            node = Node(f"gateway/{which}", NodeKind.GATEWAY, f"{which} gateway")
            self._add(node, partial(known.gateway, which), _BOTH)
        self._add(Node("dns", NodeKind.DNS, "DNS"), known.dns, (Direction.EGRESS,))
        node = Node("scraper", NodeKind.SCRAPER, "Prometheus")
        self._add(node, known.prometheus, (Direction.INGRESS,))
        self._add(_WORLD, known.internet, _BOTH)
        self._add(_LAN, known.lan, _BOTH)
        for name, directions in _ENTITIES.items():
            node = Node(f"entity/{name}", NodeKind.ENTITY, name)
            self._add(node, partial(known.entity, name), directions)

    def _add(self, node: Node, make: Callable[[], End], directions: tuple[Direction, ...]) -> None:
        for member in _tried(make):
            if member.pod is None:
                self.outside.append(Outside(node, member.endpoints, directions))
            elif member.workload is not None:
                each = member.workload
                self._shown.setdefault((each.kind, each.namespace, each.name), node)
            else:
                self._assumed.setdefault(member.pod.namespace, []).append((node, member.pod))

    def _add_resource(self, name: str) -> None:
        if name == KUBE_API:
            return  # the entity is an end already
        for member in _tried(partial(self._known.resource, name)):
            if member.pod is None:
                ends = Outside(resource_node(name), member.endpoints, (Direction.EGRESS,))
                self.outside.append(ends)
            else:
                self.resources.add(name)

    def _sorted_pods(self) -> Iterator[tuple[str, tuple[Pods, ...]]]:
        alike = Alike(self._model)
        names = sorted({*self._model.namespaces, *self._assumed})
        alike.consider(names)
        for name in names:
            found: dict[tuple[int, Node], Pods] = {}
            for node, pod in self._pods_of(name):
                same = alike.of(pod)
                if isinstance(same, Pod):
                    found.setdefault((id(same), node), Pods(node, same))
            yield name, tuple(found.values())

    def _pods_of(self, name: str) -> Iterator[tuple[Node, Pod]]:
        own = namespace_node(name)
        given = self._model.workloads.get(name, ())
        for each in given:
            if not each.host_network:
                node = self._shown.get((each.kind, each.namespace, each.name), own)
                yield node, self._model.pod(each)
        yield from self._assumed.get(name, ())
        if not given and name in self._model.namespaces:
            yield own, self._model.any_pod(name)


def _tried(make: Callable[[], End]) -> Iterable[Member]:
    """The members of an end, if there is one."""
    try:
        return make().members
    except EndError:
        return ()
