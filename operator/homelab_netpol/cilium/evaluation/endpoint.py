"""The ends of a connection, by what is known of them: pods, Cilium's entities, networks.

Pure. Each answers the questions that a policy's selectors ask; what is not known is a Doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import NamedTuple

from homelab_netpol.cilium.evaluation.answer import Answer, Doubt
from homelab_netpol.cilium.identity_labels import DEFAULT, IdentityLabels
from homelab_netpol.cilium.terms import (
    AMBIENT_PROBES_IPV6,
    CILIUM_LABELS_PREFIX,
    CLUSTER_PARTS,
    CLUSTERS,
    NAMESPACE_KEY,
    NAMESPACE_LABELS_PREFIX,
    SERVICE_ACCOUNT_KEY,
    SOURCE_ANY,
    SOURCE_K8S,
    SOURCE_RESERVED,
    IpNetwork,
)

# Kubernetes puts this label, with the namespace's name, on every Namespace.
_NAME_LABEL = "kubernetes.io/metadata.name"

# The API server is on a node or outside the cluster.
_NODES = frozenset({"host", "remote-node"})
_PLACES_OF_API_SERVER = _NODES | {"world", "world-ipv4", "world-ipv6"}
# These have addresses that a CIDR may hold, if Cilium is set up to match them that way.
_WITH_ADDRESS = frozenset({"host", "remote-node", "kube-apiserver", "world"})
# A node is known to the others by an address that is routed, and Kubernetes takes no other one for
# an endpoint of the API server's Service; nor one of the range that a mesh keeps for probes.
_NOT_LINK_LOCAL = frozenset({"remote-node", "kube-apiserver"})
_OF_PROBES = ip_network(AMBIENT_PROBES_IPV6)


class ContainerPort(NamedTuple):
    """A port that a container gives a name, by which policies may mean it.

    Attributes:
        name: the name.
        number: the port.
        protocol: TCP, UDP or SCTP.
    """

    name: str
    number: int
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, or any pod that fits: what is not said of it may be anything.

    Attributes:
        namespace: where it is.
        namespace_labels: all labels of its Namespace; None: not known.
        labels: its labels.
        complete: it has no others. False: it may have any others (`labels` empty: any pod of the
            namespace).
        identity_labels: the labels that Cilium keeps of it; None: not known. Then a label that
            Cilium leaves out by default is in doubt, and the others count as kept.
        service_account: under which it runs; "": not known.
        ports: all that its containers name; init containers do not count, as Cilium passes them
            over. None: not known.
        by_cidr: agents let a CIDR mean a pod too (`policy-cidr-match-mode`).
    """

    namespace: str
    namespace_labels: Mapping[str, str] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    identity_labels: IdentityLabels | None = None
    service_account: str = ""
    ports: tuple[ContainerPort, ...] | None = None
    by_cidr: bool = False

    def lookup(self, source: str, key: str) -> str | Doubt | None:
        """The value of a label of Cilium's; None: it has none of this key."""
        if source == SOURCE_RESERVED:
            return None
        if source not in (SOURCE_K8S, SOURCE_ANY):
            return Doubt.LABEL_SOURCE
        if key == NAMESPACE_KEY:
            return self.namespace
        if key.startswith(NAMESPACE_LABELS_PREFIX):
            return self._of_namespace(key.removeprefix(NAMESPACE_LABELS_PREFIX))
        if key.startswith(CILIUM_LABELS_PREFIX):
            if key == SERVICE_ACCOUNT_KEY and self.service_account:
                return self._if_kept(key, self.service_account)
            return Doubt.CILIUM_LABEL
        if key in self.labels:
            return self._if_kept(key, self.labels[key])
        return None if self.complete else self._if_kept(key, Doubt.POD_LABELS)

    def is_entity(self, name: str) -> Answer:
        """Whether one of Cilium's entities holds it."""
        return name == "all" or name in CLUSTERS

    def is_within(self, _network: IpNetwork) -> Answer:
        """Never, by default: Cilium knows pods by their labels, whatever their address."""
        return Doubt.ADDRESS if self.by_cidr else False

    def _of_namespace(self, key: str) -> str | Doubt | None:
        if key == _NAME_LABEL:
            return self._if_kept(NAMESPACE_LABELS_PREFIX + key, self.namespace)
        if self.namespace_labels is None:
            return self._if_kept(NAMESPACE_LABELS_PREFIX + key, Doubt.NAMESPACE_LABELS)
        if key not in self.namespace_labels:
            return None
        return self._if_kept(NAMESPACE_LABELS_PREFIX + key, self.namespace_labels[key])

    def _if_kept(self, key: str, value: str | Doubt) -> str | Doubt | None:
        """What a selector sees of a label; None: nothing, as it is left out of identities."""
        if self.identity_labels is None:
            return value if DEFAULT.keeps(key) or isinstance(value, Doubt) else Doubt.IGNORED_LABEL
        kept = self.identity_labels.keeps(key)
        if kept is None:
            return Doubt.IGNORED_LABEL
        return value if kept else None


@dataclass(frozen=True, slots=True)
class Entity:
    """What is no pod and has a name of Cilium's: `health`, `host`, `remote-node`, `world` etc.

    Attributes:
        name: of the entity.
        place: of `kube-apiserver`, where it is as the pod meets it: `host` (on the pod's own
            node), `remote-node`, or `world`; "": not known.
        addresses: of `kube-apiserver`, all that it is reached at; none: not known.
        nodes_by_cidr: whether agents let a CIDR mean a node (`policy-cidr-match-mode`); None: not
            known.
        with_api_server: of `host` and `remote-node`: the API server runs there too.
    """

    name: str
    place: str = ""
    addresses: tuple[IpNetwork, ...] = ()
    nodes_by_cidr: bool | None = None
    with_api_server: bool = False

    @property
    def is_own_node(self) -> bool:
        """It is on the pod's own node, in its network."""
        return self.name == "host" or self.place == "host"

    def lookup(self, source: str, key: str) -> str | Doubt | None:
        """The value of a label of Cilium's; None: it has none of this key."""
        if source not in (SOURCE_RESERVED, SOURCE_ANY):
            return None
        answer = self.is_entity(key) if key != "all" and key not in CLUSTERS else False
        if isinstance(answer, Doubt):
            return answer
        return "" if answer else None

    def is_entity(self, name: str) -> Answer:
        """Whether one of Cilium's entities holds it."""
        if name in ("all", self.name):
            return True
        if name in CLUSTERS:
            return self.name in CLUSTER_PARTS
        if self.name == "kube-apiserver" and name in _PLACES_OF_API_SERVER:
            return self._is_at(name)
        if self.name == "world" and name.startswith("world-"):
            return Doubt.ADDRESS
        return self.with_api_server and name == "kube-apiserver"

    def is_within(self, network: IpNetwork) -> Answer:
        """Whether a network holds its address, as far as that is known."""
        if self.name in _NOT_LINK_LOCAL and (network.is_link_local or network == _OF_PROBES):
            return False
        if self.name not in _WITH_ADDRESS:
            return False
        if self.nodes_by_cidr is False and (self.name in _NODES or self.place in _NODES):
            return False
        answer = _are_within(self.addresses, network)
        # A node may have other addresses beside these.
        return answer if answer is False or self.place == "world" else Doubt.ADDRESS

    def _is_at(self, name: str) -> Answer:
        """Whether an API server is where an entity is."""
        if not self.place:
            return Doubt.ADDRESS
        if name.startswith("world-") and self.place == "world":
            return Doubt.ADDRESS  # as of a Network
        return name == self.place


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses that belong to no pod; an answer is about all of them.

    Attributes:
        network: the addresses.
        names: all DNS names by which pods look them up; None: not known.
    """

    network: IpNetwork
    names: tuple[str, ...] | None = None

    def lookup(self, source: str, key: str) -> str | Doubt | None:
        """The value of a label of Cilium's; None: it has none of this key."""
        if source == "fqdn":
            return Doubt.LABEL_SOURCE
        if source not in (SOURCE_RESERVED, SOURCE_ANY):
            return None
        if key == "world":
            return Doubt.ADDRESS  # beside it, or instead, stands world-ipv4 or world-ipv6
        return Doubt.ADDRESS if key.startswith("world-") else None

    def is_entity(self, name: str) -> Answer:
        """Whether one of Cilium's entities holds it."""
        if name in ("all", "world"):
            return True
        return Doubt.ADDRESS if name.startswith("world-") else False

    def is_within(self, network: IpNetwork) -> Answer:
        """Whether a network holds all of it (yes), nothing of it (no), or a part (a doubt)."""
        return _is_within(self.network, network)


@dataclass(frozen=True, slots=True)
class Name:
    """What a DNS name outside the cluster resolves to.

    Attributes:
        name: the name.
        addresses: all that it resolves to; none: not known.
    """

    name: str
    addresses: tuple[IpNetwork, ...] = ()

    def lookup(self, source: str, key: str) -> str | Doubt | None:
        """The value of a label of Cilium's; None: it has none of this key."""
        if source not in (SOURCE_RESERVED, SOURCE_ANY, "fqdn"):
            return None
        return Doubt.ADDRESS if source == "fqdn" or key.startswith("world") else None

    def is_entity(self, name: str) -> Answer:
        """Whether one of Cilium's entities holds it."""
        if name in ("all", "world"):
            return True
        return Doubt.ADDRESS if name.startswith("world-") else False

    def is_within(self, network: IpNetwork) -> Answer:
        """Whether a network holds its addresses, as far as they are known."""
        return _are_within(self.addresses, network)


Endpoint = Pod | Entity | Network | Name


def _is_within(network: IpNetwork, other: IpNetwork) -> Answer:
    """Whether another network holds all of one, nothing, or a part (a doubt)."""
    if network.version != other.version:
        return False
    first, last = _ends(network)
    their_first, their_last = _ends(other)
    if their_first <= first and last <= their_last:
        return True
    return Doubt.PART if first <= their_last and their_first <= last else False


def _are_within(networks: tuple[IpNetwork, ...], other: IpNetwork) -> Answer:
    """Whether a network holds all of some, or nothing; of none, that is not known."""
    answers = {_is_within(each, other) for each in networks}
    return answers.pop() if len(answers) == 1 else Doubt.ADDRESS


def _ends(network: IpNetwork) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)
