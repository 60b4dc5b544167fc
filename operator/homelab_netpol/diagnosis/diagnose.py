"""Turns groups of flows into questions, and answers into what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import EndError, Ports
from homelab_netpol.access.ends_find import EndFinder
from homelab_netpol.access.explain_answer import Explanation, Reason, explain_ruling
from homelab_netpol.access.explain_judge import Judge, Reply, Ruling
from homelab_netpol.access.explain_rules import cited
from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.cilium.evaluation.matchers import DnsNames
from homelab_netpol.cilium.terms import ICMP, ICMP_V6, TRANSPORT_PROTOCOLS
from homelab_netpol.diagnosis.answers import (
    allowing,
    by_deny_rule,
    is_closed,
    is_right,
    reasons,
    scan,
)
from homelab_netpol.diagnosis.diagnosis import Diagnosis, Kind
from homelab_netpol.diagnosis.elsewhere import with_namespaces
from homelab_netpol.diagnosis.ends import FlowEnds, UnknownEnd
from homelab_netpol.diagnosis.group_key import GroupKey
from homelab_netpol.diagnosis.groups import Group
from homelab_netpol.diagnosis.hints import advice_for, of_settings
from homelab_netpol.flows import DropClass, Verdict
from homelab_netpol.policy.rendering import RenderError

_WITH_PORTS = (*TRANSPORT_PROTOCOLS, ICMP, ICMP_V6)
_UNSEEN_DENIAL = "a deny rule of a policy that is not among those given"
_FIND_DENIAL = (
    "find it, no label wins over it: kubectl get cnp,ccnp -A -o yaml | grep -n Deny"
    " (docs/runbooks/escape-hatch.md)"
)
_COMPANIONS = (
    "for an operator that looks after pods of many Namespaces the setting companions opens both"
    " ends (docs/settings.md)"
)
_MOST_ELSEWHERE = 500
_AUDIT = "not dropped: Cilium's audit mode only says what would be"


@dataclass
class Diagnoser:
    """Answers for one model of a cluster; keeps each answer.

    Attributes:
        model: the cluster.
    """

    model: ClusterModel
    _ends: FlowEnds = field(init=False)
    _finder: EndFinder = field(init=False)
    _judge: Judge = field(init=False)
    _given: frozenset[str] = field(init=False)
    _known: dict[GroupKey, Diagnosis] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._given = frozenset(self.model.namespaces)
        self._use(self.model)

    def _use(self, model: ClusterModel) -> None:
        self.model = model
        self._finder = EndFinder(model)
        self._ends = FlowEnds(model, self._finder, self._given)
        self._judge = Judge(model)
        self._known.clear()

    def expect(self, groups: Iterable[Group]) -> None:
        """Says which will be asked about; Namespaces of their other ends may be elsewhere."""
        if len(self.model.namespaces) - len(self._given) >= _MOST_ELSEWHERE:
            return  # a stream without end may name any number of them
        names = {each.key.peer.namespace for each in groups if not each.key.peer.cluster}
        try:
            model = with_namespaces(self.model, names - {""})
        except RenderError:
            return  # a template of the user's own takes no Namespace without labels
        if model is not self.model:
            self._use(model)

    @property
    def platform(self) -> frozenset[str]:
        """The platform namespaces, from which many are reached by right."""
        intents = self.model.desired.intents.values()
        return frozenset(each.namespace for each in intents if each.platform)

    def diagnose(self, group: Group) -> Diagnosis:
        """Why the flows of a group are dropped, and what lets them pass."""
        known = self._known.get(group.key)
        if known is None:
            known = self._known[group.key] = self._of(group)
        return replace(known, groups=(group,))

    def forget(self, most: int) -> None:
        """Gives up what it knows, if that is more than so many answers."""
        if len(self._known) > most:
            self._known.clear()

    def _of(self, group: Group) -> Diagnosis:
        key, groups = group.key, (group,)
        reason = key.reason
        # A verdict of audit mode, and a flow that passed, have no reason.
        unsaid = key.verdict is not Verdict.DROPPED and reason.cause is DropClass.UNKNOWN
        if not reason.cause.is_policy and not unsaid:
            return self._no_policy(group)
        if key.is_scan:
            return scan(group)
        hint = of_settings(self.model, key)
        if hint is not None:
            return Diagnosis(hint.kind, groups, hint.cause, hint.advice)
        try:
            ruling = self._ruling(key)
        except (UnknownEnd, EndError) as error:
            return Diagnosis(Kind.UNKNOWN, groups, str(error), advice_for(self.model, key))
        if reason.cause is DropClass.DENY and not by_deny_rule(ruling):
            # Cilium is sure of it, and no label wins over it: another change would not help.
            return Diagnosis(Kind.DENIED, groups, _UNSEEN_DENIAL, _FIND_DENIAL)
        answer = explain_ruling(self.model, self._finder, ruling)
        notes = [_AUDIT] if key.verdict is Verdict.AUDIT else []
        notes += answer.notes
        return self._judged(group, answer, notes)

    def _no_policy(self, group: Group) -> Diagnosis:
        reason = group.key.reason
        named = reason.name or "no reason given"
        return Diagnosis(
            Kind.UNKNOWN if reason.cause is DropClass.UNKNOWN else Kind.NO_POLICY,
            (group,),
            f"{named}: no matter of labels",
            reason.cause.value,
        )

    def _ruling(self, key: GroupKey) -> Ruling:
        own_is_source = key.own is key.source
        source = self._ends.find(key.source, is_own=own_is_source)
        target = self._ends.find(key.destination, is_own=not own_is_source)
        if key.port is None or key.protocol not in _WITH_PORTS:
            raise UnknownEnd(f"the flow has no port ({key.protocol or 'protocol not known'})")
        return self._judge.rule(source, target, [Ports.one(key.port, key.protocol)])

    def _judged(self, group: Group, answer: Explanation, notes: list[str]) -> Diagnosis:
        key = group.key
        own, other = reasons(answer, key.direction)
        if answer.reply is Reply.YES:
            return self._passes(group, answer, notes)
        if answer.reply is Reply.UNKNOWN:
            causes = [each.cause for each in (own, other) if each is not None and each.cause]
            cause = answer.beyond or "; ".join(dict.fromkeys(causes)) or "not certain"
            return Diagnosis(
                Kind.UNKNOWN, (group,), cause, advice_for(self.model, key), answer, tuple(notes)
            )
        closed = [each for each in (own, other) if each is not None and is_closed(each)]
        decisive = closed[0] if closed else None
        cause = decisive.cause if decisive is not None else ""
        if own is not None and not is_closed(own) and decisive is not None:
            notes.insert(
                0,
                f"it was dropped at {own.end}, whose policies let it pass by what is given:"
                " Cilium has not caught up, or they have changed since",
            )
        elif len(closed) > 1:
            notes.insert(0, f"the other end is closed too, {closed[1].end}: {closed[1].cause}")
        if any(each.by_deny_rule for each in closed):
            return self._denied(group, answer, notes, closed)
        if not answer.fixes.written:
            return Diagnosis(
                Kind.UNEXPECTED,
                (group,),
                cause or "a policy of the operator's is missing",
                "the labels ask for it, and what stands is not what follows from them:"
                f" {self._missing(answer)}",
                answer,
                tuple(notes),
            )
        kind = Kind.RIGHT if is_right(self.model, key, answer) else Kind.MISSING
        best = answer.fixes.best
        by_object = best is None or bool(best.change.objects)
        is_operators = key.direction is Direction.INGRESS and key.source.namespace in self.platform
        advice = advice_for(self.model, key)
        if by_object and is_operators and key.own.namespace not in self.platform:
            advice = _COMPANIONS
        return Diagnosis(kind, (group,), cause, advice, answer, tuple(notes))

    def _passes(self, group: Group, answer: Explanation, notes: list[str]) -> Diagnosis:
        """The policies that are given let it pass."""
        if group.key.is_request:
            return Diagnosis(
                Kind.DENIED,
                (group,),
                "a rule on HTTP or DNS requests does not name this one",
                "add the request to the rule of that policy",
                answer,
                (*notes, *allowing(answer)),
            )
        names = any(
            isinstance(matcher, DnsNames)
            for case in answer.ruling.cases
            for half in case.halves
            for one in half.verdict.deciding
            for matcher in one.rule.peers
        )
        if names:
            return Diagnosis(
                Kind.UNEXPECTED,
                (group,),
                "a rule for names (toFQDNs) allows it, and Cilium does not know the address by a"
                " lookup that it has seen (NamesNotLearned)",
                "dns: {proxy: true} in the settings, or a DNS rule in that policy; then the client"
                " must look the name up again",
                answer,
                tuple(notes),
            )
        return Diagnosis(
            Kind.UNEXPECTED,
            (group,),
            "the policies that are given let it pass",
            "Cilium has not caught up, a label was changed since, or a policy is missing in the"
            f" cluster: {self._standing(answer)}",
            answer,
            tuple(notes),
        )

    def _denied(
        self, group: Group, answer: Explanation, notes: list[str], closed: list[Reason]
    ) -> Diagnosis:
        named = ", ".join(
            dict.fromkeys(
                str(policy) for each in closed if each.by_deny_rule for policy in each.policies
            )
        )
        return Diagnosis(
            Kind.DENIED,
            (group,),
            f"a deny rule, over which no label wins: {named}",
            "",
            answer,
            tuple(notes),
        )

    def _standing(self, answer: Explanation) -> str:
        """How to see whether the policies stand that allow it."""
        refs = {
            policy.ref
            for case in answer.ruling.cases
            for half in case.halves
            for policy in cited(self.model, half.verdict)
        }
        own = sorted(ref for ref in refs if self.model.is_own(ref))
        commands = [
            f"kubectl get cnp -n {ref.namespace} {ref.name}"
            if ref.namespace
            else f"kubectl get ccnp {ref.name}"
            for ref in own
        ]
        return "; ".join(commands[:3]) or "kubectl get ccnp,cnp -A"

    def _missing(self, answer: Explanation) -> str:
        """How to see what is missing: the operator's policies that do not stand."""
        standing = {
            (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
            for each in self.model.own
        }
        names = {"", *answer.ruling.source.namespaces, *answer.ruling.target.namespaces}
        absent = [
            f"{each['metadata'].get('namespace', '')}/{each['metadata']['name']}".lstrip("/")
            for each in self.model.desired.cilium_objects
            if each["metadata"].get("namespace", "") in names
            and (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
            not in standing
        ]
        if absent:
            return f"missing: {', '.join(absent[:4])}; is the operator well?"
        return "compare the policies with homelab-netpol diff; is the operator well?"
