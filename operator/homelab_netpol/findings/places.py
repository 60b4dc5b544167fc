"""The cluster's Namespaces, and where pods are, by labels: which of them a selector means. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Matcher
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX

# A name that no Namespace can have: it stands for any that no policy names.
SOME_OTHER = "some.other"
# Kubernetes puts this label, with the namespace's name, on every Namespace.
NAME_LABEL_KEY = f"{NAMESPACE_LABELS_PREFIX}kubernetes.io/metadata.name"

Labels = Mapping[str, str]


class Places:
    """The Namespaces that there are, by name and by label."""

    def __init__(self) -> None:
        """Makes an empty one; `add` each Namespace."""
        self._labels: dict[str, Labels] = {}
        self._with: dict[tuple[str, str], list[str]] = {}
        self._pods_with: dict[tuple[str, str], dict[str, None]] = {}
        self._known: dict[tuple[Requirement, ...], tuple[str, ...]] = {}

    @property
    def contents(self) -> tuple[object, ...]:
        """All that is kept, to be dropped in the end."""
        return (self._labels, self._with, self._pods_with)

    def add(self, name: str, labels: Labels, pods: Iterable[Labels] = ()) -> None:
        """Takes a Namespace in, and the labels of its pods."""
        self._labels[name] = labels
        for label in labels.items():
            self._with.setdefault(label, []).append(name)
        for pod in pods:
            for label in pod.items():
                self._pods_with.setdefault(label, {})[name] = None

    def labels(self, name: str) -> Labels:
        """The labels of a Namespace; none if there is no such one."""
        return self._labels.get(name, {})

    def meeting(self, requirements: Iterable[Requirement]) -> tuple[str, ...]:
        """The Namespaces that meet all of these requirements, which are about Namespaces."""
        asked = tuple(requirements)
        if asked not in self._known:
            found = self._candidates(asked)
            for one in asked:
                found = self._meeting_one(one, found)
            self._known[asked] = tuple(found)
        return self._known[asked]

    def of_subject(self, subject: Matcher) -> Collection[str]:
        """The Namespaces of whose pods a rule with this subject may be about some."""
        if not isinstance(subject, EndpointSelector):
            return self._labels
        of_namespaces = [one for one in subject.requirements if one.is_of_namespace]
        for one in subject.requirements:
            if one.operator is Operator.IN and one.is_of_pods and not one.is_of_namespace:
                return {
                    name: None
                    for value in one.values
                    for name in self._pods_with.get((one.key, value), ())
                }
        return self.meeting(of_namespaces) if of_namespaces else self._labels

    def _candidates(self, requirements: Iterable[Requirement]) -> Iterable[str]:
        for one in requirements:
            if one.operator is Operator.IN and one.key.startswith(NAMESPACE_LABELS_PREFIX):
                key = one.key.removeprefix(NAMESPACE_LABELS_PREFIX)
                return [name for value in one.values for name in self._with.get((key, value), ())]
        return self._labels

    def _meeting_one(self, one: Requirement, names: Iterable[str]) -> list[str]:
        if is_of_name(one):
            return [name for name in names if one.holds(name)]
        key = _label(one)
        return [name for name in names if one.holds(self._labels[name].get(key))]


def is_of_name(requirement: Requirement) -> bool:
    """It is about the name of the pods' namespace, by whichever label."""
    return requirement.is_of_namespace and requirement.key in (NAMESPACE_KEY, NAME_LABEL_KEY)


def _label(requirement: Requirement) -> str:
    return requirement.key.removeprefix(NAMESPACE_LABELS_PREFIX)
