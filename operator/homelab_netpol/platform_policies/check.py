"""Whether the policies of platform namespaces have, in effect, what each must have. Pure.

Asked twice: of the policies that stand in the namespace by hand, which must do by themselves; and
of all policies together, which is what happens to packets now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import (
    Direction,
    DirectionVerdict,
    Outcome,
    Pod,
    PolicyRef,
    ReadPolicy,
)
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.evaluation.verdict import judge
from homelab_netpol.findings.drops import PodGroup, PodGroups, cause_of
from homelab_netpol.findings.finding import name_labels, name_ports
from homelab_netpol.findings.needs import Port, Way
from homelab_netpol.findings.platform import is_in_mesh
from homelab_netpol.platform_policies.listening import listening_ports
from homelab_netpol.platform_policies.required import RequiredRule, Requirements
from homelab_netpol.platform_policies.results import NamespaceResult, RuleResult, RuleState
from homelab_netpol.platform_policies.service import service_rules
from homelab_netpol.platform_policies.surroundings import Looked, example_of


@dataclass(frozen=True, slots=True)
class _Subject:
    name: str
    pod: Pod


class PlatformCheck:
    """Checks namespaces of one cluster."""

    def __init__(self, model: ClusterModel, *, together: bool = False) -> None:
        """Prepares.

        Args:
            model: the cluster.
            together: it is enough that all policies together allow what is required.
        """
        self._model = model
        self._together = together
        self._requirements = Requirements(model)

    def namespaces(self) -> list[str]:
        """The platform namespaces, by name."""
        intents = self._model.desired.intents.values()
        return sorted(each.namespace for each in intents if each.platform)

    def check(self, namespace: str) -> NamespaceResult:
        """Looks at one platform namespace."""
        own = self._own(namespace)
        subjects, are_given = self._subjects(namespace, own)
        meshed = self._model.desired.intents[namespace].meshed
        every, pods = self._model.policies(namespace), [each.pod for each in subjects]
        looked = Looked(namespace, meshed, pods, own, every)
        rules: list[RuleResult] = []
        if subjects:
            rules += self._required(looked, subjects)
            rules += service_rules(self._model, self._requirements, looked)
        return NamespaceResult(
            namespace,
            meshed,
            tuple(policy.ref for policy in own),
            tuple(each.name for each in subjects),
            are_given,
            tuple(rules),
        )

    def _own(self, namespace: str) -> list[ReadPolicy]:
        """The policies by hand in a namespace."""
        names = {
            (each.kind, each.name) for each in self._model.foreign if each.namespace == namespace
        }
        return [
            policy
            for policy in self._model.policies(namespace)
            if policy.ref.namespace == namespace and (policy.ref.kind, policy.ref.name) in names
        ]

    def _subjects(self, namespace: str, own: Iterable[ReadPolicy]) -> tuple[list[_Subject], bool]:
        given = self._model.workloads.get(namespace, ())
        if given:
            held = [each for each in given if not each.host_network]
            return [
                _Subject(f"{each.kind} {each.name}", self._model.pod(each)) for each in held
            ], True
        made: dict[str, _Subject] = {}
        for policy in own:
            for rule in policy.rules:
                pod = example_of(self._model, rule.subject, namespace)
                if pod is not None:
                    name = f"pods {name_labels(pod.labels)}" if pod.labels else "any pod"
                    made.setdefault(name, _Subject(name, pod))
        return list(made.values()), False

    def _required(self, looked: Looked, subjects: Sequence[_Subject]) -> Iterator[RuleResult]:
        of_rule: dict[tuple[str, Direction, str], tuple[RequiredRule, list[_Subject]]] = {}
        settings = self._requirements.settings
        for subject in subjects:
            in_mesh = looked.meshed and is_in_mesh(subject.pod, settings)
            for rule in self._requirements.of_pod(subject.pod, in_mesh=in_mesh):
                key = (rule.need.what, rule.need.direction, rule.need.peer)
                of_rule.setdefault(key, (rule, []))[1].append(subject)
        for rule, pods in of_rule.values():
            alone = _Found(rule, looked.own, pods)
            together = _Found(rule, looked.every, pods)
            yield self._result(looked.namespace, rule, alone, together, len(subjects))

    def _result(
        self, namespace: str, rule: RequiredRule, alone: _Found, together: _Found, all_pods: int
    ) -> RuleResult:
        need = rule.need
        ports = name_ports((*port, None) for port in rule.ports) if rule.ports else ""
        counted = together
        state, message, policies = RuleState.OK, "", tuple[PolicyRef, ...]()
        add: dict[str, list[dict[str, Any]]] = {}
        way = "to" if need.direction is Direction.EGRESS else "from"
        head = f"{need.what} {way} {need.peer}{f' on {ports}' if ports else ''}"
        if together.closed:
            state = RuleState.MISSING
            cause = cause_of(need.direction, [verdicts for _, verdicts in together.closed])
            policies = tuple(sorted(cause.policies))
            names = _names(policies)
            if cause.by_deny_rule:
                message = f"{head} is denied by a deny rule of {names}: narrow that rule."
            else:
                message = f"{head} is denied: no rule allows it, and {names} closes the rest."
                add = {need.direction.value: self._rules(namespace, rule)}
        elif alone.closed and not self._together:
            state, counted = RuleState.ELSEWHERE, alone
            policies = tuple(sorted(together.allowing))
            supplied = _names(policies) if policies else "other policies"
            message = f"{head} is left to {supplied}: no policy of {namespace} itself allows it."
            add = {need.direction.value: self._rules(namespace, rule)}
        elif together.uncertain or (alone.uncertain and not self._together):
            state, counted = RuleState.UNCERTAIN, together if together.uncertain else alone
            doubts = ", ".join(sorted(counted.doubts))
            message = f"{head} is not certain: {doubts}."
        pods = () if state is RuleState.OK else counted.concerned
        shown = pods if len(pods) < all_pods else ()
        return RuleResult(
            need.what, need.direction.value, need.peer, ports, state, message, shown, policies, add
        )

    def _rules(self, namespace: str, rule: RequiredRule) -> list[dict[str, Any]]:
        listening = listening_ports(self._model.manifests, self._model.workloads.get(namespace, ()))
        tcp = [each for each in listening if each.port[0] == "TCP"]
        metrics = [each for each in tcp if each.metrics]
        wanted = metrics if rule.of_metrics and metrics else tcp
        return rule.rules([each.port for each in wanted])


class _Found:
    """What some policies do to a required rule, for some pods."""

    def __init__(
        self, rule: RequiredRule, policies: Sequence[ReadPolicy], subjects: Sequence[_Subject]
    ) -> None:
        self.closed: list[tuple[Way, list[DirectionVerdict]]] = []
        self.uncertain = False
        self.allowing: set[PolicyRef] = set()
        self.doubts: set[str] = set()
        self._closed: dict[str, None] = {}
        self._in_doubt: dict[str, None] = {}
        names: defaultdict[int, list[str]] = defaultdict(list)
        groups = PodGroups(policies, rule.need.direction)
        for subject in subjects:
            groups.add(subject.pod)
            names[id(subject.pod)].append(subject.name)
        for group in groups.closed():
            pods = [name for pod in group.pods for name in names[id(pod)]]
            for way in rule.need.ways:
                self._look(group, way, pods)

    @property
    def concerned(self) -> tuple[str, ...]:
        """The pods that it is closed to or by; where none is, those of which it is not certain."""
        return tuple(self._closed or self._in_doubt)

    def _look(self, group: PodGroup, way: Way, pods: list[str]) -> None:
        verdicts = list(_verdicts(group, way))
        allowed = [each for each in verdicts if each.outcome is Outcome.ALLOWED]
        if allowed:
            self.allowing |= {ref for each in allowed for ref in each.policies}
            return
        unknown = [each for each in verdicts if each.outcome is Outcome.UNKNOWN]
        if unknown:
            self.uncertain = True
            self.doubts |= {doubt.value for each in unknown for doubt in each.doubts}
            self._in_doubt |= dict.fromkeys(pods)
        elif verdicts:
            self.closed.append((way, verdicts))
            self._closed |= dict.fromkeys(pods)


def _verdicts(group: PodGroup, way: Way) -> Iterator[DirectionVerdict]:
    """One for each peer and port; the first that is allowed ends it."""
    ports: Sequence[Port] = way.ports or [
        ("TCP", number) for number in turning_ports(one.rule for one in group.rules)
    ]
    for peer in way.peers:
        met: dict[int, Any] = {}
        for port in ports:
            verdict = judge(group.question(port), peer, met)
            yield verdict
            if verdict.outcome is Outcome.ALLOWED:
                return


def _names(policies: Iterable[PolicyRef]) -> str:
    return ", ".join(map(str, policies))
