"""The identities that Cilium gives a cluster's pods and what is around them, as rules select them.

Pure. An identity is a set of labels: pods of one Namespace whose labels are the same, as far as
Cilium keeps them, share one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Endpoint, Network, Pod
from homelab_netpol.cilium.evaluation.matchers import Cidr, DnsNames, EndpointSelector, Matcher
from homelab_netpol.cilium.identity_labels import DEFAULT

# Reserved identities, by the entity that they belong to. The world has three, one for each family
# of addresses among them; and Cilium 1.20 has some that stand for all of the cluster, all nodes or
# the world (`ReservedIdentityAggregateCluster` etc. in its package `identity`): every pod that a
# rule for the whole cluster means is counted beside them, as in versions before.
_ENTITIES = (
    *("host", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged"),
    *("world", "world", "world"),
    *("world", "remote-node", "unmanaged", "unmanaged"),
)
#: Of a selector of everything, which has an entry for identity 0, and one for each of those that
#: stand for many.
EVERYTHING = frozenset({0, -1, -2, -3, -4})


class Identities:
    """Counts them, and says which of them a rule selects."""

    def __init__(self, model: ClusterModel) -> None:
        self._model = model
        self._pods = {name: self._distinct(name) for name in model.namespaces}
        self._numbers: dict[int, int] = {}
        for pods in self._pods.values():
            for pod in pods:
                self._numbers[id(pod)] = len(self._numbers) + 1
        self.count = sum(len(pods) for name, pods in self._pods.items() if self._has_pods(name))
        self._entities = {
            len(self._numbers) + place: model.entity(name)
            for place, name in enumerate(_ENTITIES, 1)
        }
        self._networks = self._networks_of_rules()
        self._known: dict[Matcher, frozenset[int]] = {}

    def count_of(self, numbers: frozenset[int]) -> int:
        """How many identities these are; of everything, all that are known."""
        if 0 in numbers:
            return len(self._numbers) + len(self._entities) + len(self._networks)
        return len(numbers)

    def pods(self, namespace: str) -> Sequence[Pod]:
        """One pod of each identity in a Namespace; where none is known, one that may be any."""
        return self._pods.get(namespace, ())

    def selected(self, peers: Iterable[Matcher]) -> frozenset[int]:
        """The identities that the peers of a rule select, or may."""
        found: frozenset[int] = frozenset()
        for matcher in peers:
            if matcher not in self._known:
                self._known[matcher] = self._chosen(matcher)
            found |= self._known[matcher]
        return EVERYTHING if 0 in found else found

    def _chosen(self, matcher: Matcher) -> frozenset[int]:
        everybody: list[Endpoint] = [*self._entities.values(), Pod("", {}, {})]
        if all(matcher.matches(each) is True for each in everybody):
            return EVERYTHING
        if isinstance(matcher, DnsNames):
            return frozenset()
        # By its addresses, Cilium means a node or the API server only where it is set up to.
        sure = isinstance(matcher, Cidr)
        found = {
            number
            for number, entity in self._entities.items()
            if (answer := matcher.matches(entity)) is True or (answer is not False and not sure)
        }
        found |= {
            number
            for number, network in self._networks.items()
            if matcher.matches(network) is not False
        }
        only = matcher.namespaces if isinstance(matcher, EndpointSelector) else None
        for name in self._pods if only is None else only:
            found |= {
                self._numbers[id(pod)]
                for pod in self._pods.get(name, ())
                if matcher.matches(pod) is not False
            }
        return frozenset(found)

    def _networks_of_rules(self) -> dict[int, Network]:
        """Each network that a rule names has an identity, which is part of the world."""
        named = {
            Network(matcher.network): None
            for name in ("", *self._model.namespaces)
            for policy in self._model.policies(name)
            for rule in policy.rules
            for matcher in rule.peers
            if isinstance(matcher, Cidr)
        }
        first = len(self._numbers) + len(_ENTITIES) + 1
        return dict(enumerate(named, first))

    def _has_pods(self, namespace: str) -> bool:
        given = self._model.workloads.get(namespace, ())
        return any(not each.host_network for each in given)

    def _distinct(self, namespace: str) -> tuple[Pod, ...]:
        found: dict[Hashable, Pod] = {}
        labels = self._model.config.identity_labels if self._model.config else DEFAULT
        given = self._model.workloads.get(namespace, ())
        for pod in self._model.pods(namespace) if self._has_pods(namespace) or not given else ():
            kept = (pair for pair in pod.labels.items() if labels.keeps(pair[0]) is not False)
            found.setdefault(frozenset(kept), pod)
        return tuple(found.values())
