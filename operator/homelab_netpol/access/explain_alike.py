"""Pods that no policy tells apart: one of them is judged for all. Pure.

Hundreds of pods of a namespace mostly differ in labels that no selector looks at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Endpoint, Pod
from homelab_netpol.cilium.evaluation.matchers import (
    Cidr,
    DnsNames,
    EndpointSelector,
    Entities,
    Lacking,
    Matcher,
    Unclear,
)
from homelab_netpol.cilium.terms import SERVICE_ACCOUNT_KEY

# They look at no label of pods.
_WITHOUT_LABELS = (Cidr, DnsNames, Entities, Unclear)


class Alike:
    """Finds for a pod the one that stands for it, by the policies of some namespaces."""

    def __init__(self, model: ClusterModel) -> None:
        self._model = model
        self._namespaces: set[str] = set()
        # The labels that selectors look at, with the values that they name; None: not known.
        self._named: defaultdict[str, set[str]] | None = defaultdict(set)
        self._of: dict[int, Endpoint] = {}
        self._known: dict[Hashable, Endpoint] = {}
        self._kept: list[Endpoint] = []  # so that no id is given twice

    def consider(self, namespaces: Iterable[str]) -> None:
        """The policies of these namespaces are asked too; "": those that are clusterwide."""
        for name in {"", *namespaces} - self._namespaces:
            self._namespaces.add(name)
            self._of.clear()
            self._known.clear()
            for policy in self._model.policies(name):
                for rule in policy.rules:
                    self._add(rule.subject)
                    for matcher in rule.peers:
                        self._add(matcher)

    def of(self, endpoint: Endpoint) -> Endpoint:
        """The one that stands for this endpoint: itself, if it is no pod."""
        if not isinstance(endpoint, Pod) or self._named is None:
            return endpoint
        found = self._of.get(id(endpoint))
        if found is None:
            self._kept.append(endpoint)
            found = self._known.setdefault(_sort(endpoint, self._named), endpoint)
            self._of[id(endpoint)] = found
        return found

    def _add(self, matcher: Matcher) -> None:
        if self._named is None or isinstance(matcher, _WITHOUT_LABELS):
            return
        selector = matcher.selector if isinstance(matcher, Lacking) else matcher
        if isinstance(selector, EndpointSelector):
            for one in selector.requirements:
                self._named[one.key].update(one.values)
        else:
            self._named = None  # what it looks at is not known here


def _sort(pod: Pod, named: Mapping[str, set[str]]) -> Hashable:
    """Equal for pods that these selectors do not tell apart."""
    # A value that no selector names is like any other such value.
    labels = sorted(
        (key, value in named[key], value if value in named[key] else "")
        for key, value in pod.labels.items()
        if key in named
    )
    return (
        pod.namespace,
        id(pod.namespace_labels),
        tuple(labels),
        # Of any pod with some labels, those that are not said may be anything.
        None if pod.complete else tuple(sorted(pod.labels.items())),
        pod.service_account if SERVICE_ACCOUNT_KEY in named else "",
        pod.ports,
        pod.by_cidr,
    )
