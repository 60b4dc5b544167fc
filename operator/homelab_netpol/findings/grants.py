"""Grants that cannot work, whatever the operator writes: their target is not there, or denies them.

Pure. Only what is certain is found; a grant that may fail for other reasons is not reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from homelab_netpol.cilium.evaluation.answer import Answer
from homelab_netpol.cilium.evaluation.endpoint import Pod
from homelab_netpol.cilium.evaluation.policy import Direction, Rule, Tier
from homelab_netpol.cilium.evaluation.turning_ports import turning_ports
from homelab_netpol.cilium.evaluation.verdict import (
    DirectionVerdict,
    Outcome,
    Selected,
    ask_about,
    judge,
    selected,
)
from homelab_netpol.findings.finding import (
    Finding,
    FindingReason,
    name_policies,
    name_ports,
)
from homelab_netpol.findings.ports import GrantedPort
from homelab_netpol.findings.targets import (
    GrantedResource,
    TargetFacts,
    absence,
    carries,
    part_on_host,
)

# At most one verdict for each port and each group of pods.
_Verdicts = dict[GrantedPort, list[DirectionVerdict]]


def grant_findings(
    resource: GrantedResource,
    target: TargetFacts,
    consumers: Mapping[str, Mapping[str, str] | None],
) -> Iterator[Finding | None]:
    """What keeps a resource's grants from working, one finding at most for each consumer.

    Args:
        resource: what is granted.
        target: its namespace.
        consumers: the namespaces that hold the grant, each with its labels (None: not known).

    Yields:
        For each of the consumers, in their order, the finding whose subject it is, or None.
    """
    absent = absence(resource, target)
    if absent is not None:
        reason, message = absent
        for consumer in consumers:
            yield Finding(reason, consumer, message)
        return
    pods, in_part = _Target(resource, target), part_on_host(resource, target)
    for consumer, labels in consumers.items():
        found = pods.finding(Pod(consumer, labels, {}, False, target.identity_labels))
        if found is None and in_part is not None:
            found = Finding(FindingReason.TARGET_ON_HOST_NETWORK, consumer, in_part)
        yield found


class _Target:
    """The target's pods, grouped by the rules that decide for them: few pods differ."""

    def __init__(self, resource: GrantedResource, target: TargetFacts) -> None:
        self._resource = resource
        groups: dict[tuple[object, ...], tuple[Selected, ...]] = {}
        for pod in _target_pods(resource, target):
            rules = selected(target.policies, pod, Direction.INGRESS)
            if resource.granted_by_us:
                rules = tuple(one for one in rules if _beats_ours(one.rule))
            groups.setdefault(tuple((id(one.rule), one.certainty) for one in rules), rules)
        self._groups = list(groups.values())
        self._ports = [
            (port, [ask_about(rules, number, port.protocol) for number in numbers])
            for port in dict.fromkeys(resource.ports)
            for rules in self._groups
            for numbers in [port.telling(turning_ports(one.rule for one in rules))]
        ]

    def finding(self, consumer: Pod) -> Finding | None:
        """What keeps a consumer out, if something certainly does."""
        met: dict[int, Answer] = {}
        denied: _Verdicts = defaultdict(list)
        filtered: _Verdicts = defaultdict(list)
        for port, questions in self._ports:
            verdicts = [judge(question, consumer, met) for question in questions]
            denied[port] += [each for each in verdicts if self._is_final(each)][:1]
            if all(each.filtered for each in verdicts):
                filtered[port].append(verdicts[0])
        # Which pod of a whole namespace offers the port is not known: one that is open is enough.
        # Pods that labels chose must all be.
        fewest = 1 if self._resource.pod_labels else len(self._groups)
        denied, filtered = (
            {port: verdicts for port, verdicts in each.items() if len(verdicts) >= fewest}
            for each in (denied, filtered)
        )
        if denied:
            return self._denied(consumer.namespace, denied)
        if filtered and not self._resource.granted_by_us:
            return self._filtered(consumer.namespace, filtered)
        return None

    def _is_final(self, verdict: DirectionVerdict) -> bool:
        """It denies, and no policy that the operator writes beside it could change that."""
        return verdict.outcome is Outcome.DENIED and (
            verdict.by_deny_rule or not self._resource.granted_by_us
        )

    def _denied(self, consumer: str, denied: _Verdicts) -> Finding:
        by_rule = any(each.by_deny_rule for verdicts in denied.values() for each in verdicts)
        # If deny rules are among the causes, they come first: nothing helps while they stand.
        causes = {
            port: found
            for port, verdicts in denied.items()
            if (found := [each for each in verdicts if each.by_deny_rule is by_rule])
        }
        policies, ports = _policies(causes), _ports(causes)
        of_all = all(len(verdicts) == len(self._groups) for verdicts in denied.values())
        if by_rule:
            what = (
                f"a deny rule of {policies} hits namespace {consumer} on {ports}, and no rule that"
                " allows wins over it. Narrow that rule."
            )
        else:
            what = (
                f"{policies} lets in only whom a rule allows, and none allows namespace {consumer}"
                f" on {ports}. Add an ingress rule that does, or let the operator do it: set the"
                " target of the shared resource to additive."
            )
        fails = "does not work" if of_all else "does not reach all of its pods"
        message = f"The grant {self._resource.name} {fails}: {what}"
        return Finding(FindingReason.TARGET_DENIES, consumer, message)

    def _filtered(self, consumer: str, filtered: _Verdicts) -> Finding:
        message = (
            f"The grant {self._resource.name} works in part: on {_ports(filtered)}, rules of"
            f" {_policies(filtered)} let only some requests through. Ask only for what"
            " they allow, or have them allow more."
        )
        return Finding(FindingReason.TARGET_FILTERS, consumer, message)


def _beats_ours(rule: Rule) -> bool:
    """A rule of the operator's that allows leaves it its say."""
    return rule.tier is Tier.ADMIN or (rule.deny and rule.tier is Tier.NORMAL)


def _target_pods(resource: GrantedResource, target: TargetFacts) -> Iterator[Pod]:
    labels, seen = target.namespace_labels, target.identity_labels
    if target.pods is None:
        yield Pod(resource.namespace, labels, resource.pod_labels, False, seen)
        return
    for pod in target.pods:
        if carries(pod, resource.pod_labels):
            yield Pod(resource.namespace, labels, pod, identity_labels=seen)


def _ports(ports: Mapping[GrantedPort, object]) -> str:
    return name_ports((one.protocol, one.number, one.end) for one in ports)


def _policies(verdicts: _Verdicts) -> str:
    refs = {ref for found in verdicts.values() for each in found for ref in each.policies}
    return name_policies(sorted(refs))
