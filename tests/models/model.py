"""A whole cluster in memory: its Namespaces, pods and policies, and what is found in it.

The operator's own policies stand as it would write them, unless others have taken their names.
No API server is involved: tests/cluster has the way from one to here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from homelab_netpol.findings import Finding
from homelab_netpol.findings.inspection import Check, Inspection
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.settings import Settings
from tests.inspected import Cluster, Json, Labels, snapshot

_SECTIONS = ("ingress", "egress")


@dataclass(frozen=True)
class Model:
    """A cluster.

    Attributes:
        name: in the names of tests.
        namespaces: the labels of each Namespace.
        pods: the labels of the pods of each; replicas once.
        policies: what others wrote, with `kind`.
        settings: of the operator.
    """

    name: str
    namespaces: Mapping[str, Labels]
    pods: Mapping[str, Sequence[Labels]]
    policies: tuple[Json, ...] = ()
    settings: Settings = field(default_factory=Settings)

    def with_policies(self, *policies: Json) -> Model:
        """The same cluster with more policies of others."""
        return replace(self, policies=(*self.policies, *policies))

    def with_labels(self, namespace: str, labels: Labels) -> Model:
        """The same cluster with more labels on a Namespace."""
        changed = {**self.namespaces[namespace], **labels}
        return replace(self, namespaces={**self.namespaces, namespace: changed})

    def in_force(self) -> list[Json]:
        """All policies, the operator's among them."""
        return [*self.policies, *self._cluster.own]

    def inspection(self) -> Inspection:
        """What the checks see of it."""
        return Inspection(self._cluster.cache, snapshot(self.policies, self.pods))

    def findings(self, check: Check) -> list[Finding]:
        """What a check finds."""
        return [finding for finding in check(self.inspection()) if finding is not None]

    def rules(self) -> Iterator[Rule]:
        """Every rule that allows something, of what others wrote."""
        for policy in self.policies:
            for section in _SECTIONS:
                for number in range(len(policy["spec"].get(section) or ())):
                    yield Rule(policy["metadata"]["name"], section, number)

    def without(self, rule: Rule) -> Model:
        """The same cluster, but for one rule; its policy closes what it closed before."""
        return replace(self, policies=tuple(map(rule.taken_from, self.policies)))

    @cached_property
    def _cluster(self) -> Cluster:
        return Cluster(self.namespaces, Catalogue(self.settings), self.policies)


@dataclass(frozen=True)
class Rule:
    """Which rule of a policy: its section, and its place there."""

    policy: str
    section: str
    number: int

    def __str__(self) -> str:
        return f"{self.policy}.{self.section}[{self.number}]"

    def taken_from(self, policy: Json) -> Json:
        """The policy without it, if it is one of its rules."""
        if policy["metadata"]["name"] != self.policy:
            return policy
        rules = list(policy["spec"][self.section])
        if policy["kind"] == "NetworkPolicy":
            del rules[self.number]
        else:
            rules[self.number] = {}  # it allows nothing, and closes all the same
        return {**policy, "spec": {**policy["spec"], self.section: rules}}
