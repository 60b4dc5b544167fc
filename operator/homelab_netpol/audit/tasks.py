"""What to do first, by risk: each with what, where, why, and the command or label. Pure.

High: traffic passes now that nobody meant, or anybody may let it pass. Medium: something is wider
than its words, or an owner should decide. Low: worth knowing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from homelab_netpol.access.edge_words import object_id
from homelab_netpol.audit.given import Given
from homelab_netpol.audit.result import (
    Enforcing,
    Limits,
    MayChange,
    MtlsMode,
    NamespaceAudit,
    Risk,
    State,
    Task,
    Wider,
)
from homelab_netpol.audit.rights import everybody_may, labels_of_all
from homelab_netpol.findings import Finding
from homelab_netpol.findings.finding import FindingReason
from homelab_netpol.intent import format_moment

# The alert NetworkPolicyEnforcementDisabledLong: critical after so long.
_LONG_OPEN = timedelta(hours=24)
_ORDER = list(Risk)
# Shares of a limit at which it is worth a look, and at which it is urgent.
_MUCH, _TOO_MUCH = 0.5, 0.8
_SHOWN = 10
# What the rest of the findings is worth; a profile that others widen is in the Namespace's list.
_OF_FINDINGS = {
    FindingReason.HATCH_DENIED: Risk.MEDIUM,
    FindingReason.LABEL_NOT_IN_IDENTITY: Risk.MEDIUM,
    FindingReason.POD_LABEL_UNSAFE: Risk.MEDIUM,
    FindingReason.CLIENTS_SEEN_AS_NODES: Risk.MEDIUM,
    FindingReason.SERVICE_PORT_OPENED: Risk.MEDIUM,
}


class Tasks:
    """Collects the tasks of one audit."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._words = given.model.desired.catalogue.vocabulary

    def all(
        self,
        namespaces: Sequence[NamespaceAudit],
        wider: Sequence[Wider],
        enforcing: Enforcing,
        limits: Limits,
        may_change: Sequence[MayChange],
    ) -> list[Task]:
        """All of them, the most urgent first."""
        states = {each.name: each.labelled.state for each in namespaces}
        found = [
            *_of_enforcing(enforcing),
            *(task for each in namespaces for task in self._of_namespace(each)),
            *(_of_wider(None, each) for each in wider),
            *(
                self._of_finding(each)
                for each in self._given.findings
                if _is_shown(each, states.get(each.subject))
            ),
            *_of_limits(limits),
            *_of_rights(may_change),
        ]
        unique = dict.fromkeys(found)
        return sorted(
            unique,
            key=lambda e: (
                _ORDER.index(e.risk),
                e.namespace is not None,
                e.rule,
                e.namespace or "",
                e.object or "",
                e.what,
            ),
        )

    def _of_namespace(self, audited: NamespaceAudit) -> Iterator[Task]:
        name, labelled = audited.name, audited.labelled
        match labelled.state:
            case State.HATCH:
                yield self._hatch(name, labelled.since, labelled.until)
            case State.INVALID:
                yield self._invalid(audited)
            case State.PENDING:
                yield Task(
                    Risk.HIGH,
                    "PolicyMissing",
                    name,
                    None,
                    f"The profile {labelled.profile} is asked for, and its policy does not stand.",
                    "Nothing of what the label says is enforced.",
                    "homelab-netpol doctor",
                )
            case State.UNLABELLED:
                yield from self._unlabelled(audited)
            case State.PLATFORM_INCOMPLETE:
                yield Task(
                    Risk.MEDIUM,
                    "PlatformIncomplete",
                    name,
                    None,
                    " ".join(labelled.lacking),
                    "A platform namespace's own policies must do, or an edit elsewhere cuts it off"
                    " or leaves it open.",
                    f"homelab-netpol check platform {name}; homelab-netpol scaffold platform"
                    f" {name}",
                )
        for wider in audited.wider:
            yield _of_wider(name, wider)
        yield from self._mesh(audited)
        if labelled.state in (State.ENFORCED, State.UNLABELLED, State.INVALID, State.PENDING):
            yield from _outside(audited)

    def _hatch(self, name: str, since: datetime | None, until: datetime | None) -> Task:
        is_long = since is not None and self._given.now - since >= _LONG_OPEN
        opened = f" since {format_moment(since)}" if since is not None else ""
        ends = f", until {format_moment(until)}" if until is not None else ", without an end"
        key = self._words.enforcement_key
        return Task(
            Risk.MEDIUM if until is not None and not is_long else Risk.HIGH,
            "HatchOpen",
            name,
            f"Namespace/{name}",
            f"The escape hatch is open{opened}{ends}.",
            "Nothing is denied there, in either direction.",
            f"Find the cause (homelab-netpol diagnose -n {name}), then take the label off in git:"
            f" kubectl label namespace {name} {key}-",
        )

    def _invalid(self, audited: NamespaceAudit) -> Task:
        is_closed = audited.ingress_closed and audited.egress_closed
        return Task(
            Risk.MEDIUM if is_closed else Risk.HIGH,
            "LabelInvalid",
            audited.name,
            f"Namespace/{audited.name}",
            " ".join(audited.labelled.problems),
            "What was meant is not in force"
            + ("." if is_closed else ", and not all that no rule allows is denied."),
            "Correct the label or annotation in git.",
        )

    def _unlabelled(self, audited: NamespaceAudit) -> Iterator[Task]:
        if audited.ingress_closed and audited.egress_closed:
            risk, why = Risk.LOW, "Other policies deny the rest; no profile says what is meant."
        elif audited.pods == 0:
            risk, why = Risk.LOW, "It has no pods yet; the next ones will be open."
        elif audited.ingress_closed is False:
            risk, why = Risk.HIGH, "Everything may reach its pods that no policy keeps out."
        else:
            risk, why = Risk.MEDIUM, "Its pods may reach everything that no policy denies them."
        if audited.ingress_closed is None and audited.egress_closed is None:
            risk, why = Risk.MEDIUM, "No profile says what is meant."
        yield Task(
            risk,
            "Unlabelled",
            audited.name,
            f"Namespace/{audited.name}",
            f"No profile.{_open_ways(audited)}",
            why,
            f"homelab-netpol recommend -n {audited.name}, then in git: kubectl label namespace"
            f" {audited.name} {self._words.profile_key}=PROFILE",
        )

    def _mesh(self, audited: NamespaceAudit) -> Iterator[Task]:
        if audited.mtls.mode not in (MtlsMode.PERMISSIVE, MtlsMode.DISABLE):
            return
        off = audited.mtls.mode is MtlsMode.DISABLE
        yield Task(
            Risk.MEDIUM if off else Risk.LOW,
            "MtlsNotStrict",
            audited.name,
            None,
            f"Mutual TLS is {audited.mtls.mode} ({audited.mtls.source}).",
            "Connections past the mesh are taken in plain text, from whomever Cilium lets in.",
            "Set mesh.mtls: strict (docs/mesh.md), or write a PeerAuthentication with mode STRICT.",
        )

    def _of_finding(self, finding: Finding) -> Task:
        about = finding.about or finding.policy
        return Task(
            _OF_FINDINGS.get(finding.reason, Risk.LOW),
            str(finding.reason),
            finding.subject or None,
            object_id(about) if about is not None else None,
            finding.message,
            "The operator reports it as an Event of the same name.",
            "See docs/alerts.md and the message.",
        )


def _is_shown(finding: Finding, state: State | None) -> bool:
    """What is wrong is not said already by the namespace's state, or by its wider rules."""
    if finding.reason is FindingReason.PROFILE_WIDENED:
        return False
    is_platform = finding.reason is FindingReason.PLATFORM_POLICY_INCOMPLETE
    return not (is_platform and state is State.PLATFORM_INCOMPLETE)


def _of_wider(namespace: str | None, wider: Wider) -> Task:
    look = f"homelab-netpol explain -n {namespace}" if namespace else "homelab-netpol lint"
    return Task(
        Risk.MEDIUM,
        wider.rule,
        namespace,
        wider.object,
        wider.what,
        "More passes than the labels, or the words of the policy, say.",
        f"Narrow or delete {wider.object}; see {look}.",
    )


def _open_ways(audited: NamespaceAudit) -> str:
    ways = {"ingress": audited.ingress_closed, "egress": audited.egress_closed}
    opened = [way for way, closed in ways.items() if closed is False]
    return f" No default deny for {' and '.join(opened)}." if opened else ""


def _outside(audited: NamespaceAudit) -> Iterator[Task]:
    if not audited.outside:
        return
    shown = "; ".join(f"{each.pod}: {each.why}" for each in audited.outside[:_SHOWN])
    more = len(audited.outside) - _SHOWN
    yield Task(
        Risk.MEDIUM,
        "PodsOutside",
        audited.name,
        None,
        f"{shown}{f'; and {more} more' if more > 0 else ''}.",
        "What the label says does not hold for them, or not on that interface.",
        "Take hostNetwork or the annotation off, or guard them another way (Cilium's host"
        " firewall, the other network's own).",
    )


def _of_enforcing(enforcing: Enforcing) -> Iterator[Task]:
    nothing = enforcing.enforcing is False
    for problem in enforcing.problems:
        yield Task(
            Risk.HIGH if nothing else Risk.MEDIUM,
            "NothingEnforced" if nothing else "NotAllEnforced",
            None,
            None,
            problem,
            "Policies that stand do not do what they say.",
            "homelab-netpol doctor",
        )


def _of_limits(limits: Limits) -> Iterator[Task]:
    for rule, used, most, what in (
        ("PolicyMapFull", limits.map_entries, limits.policy_map_max, "policy map entries"),
        ("IdentitiesFull", limits.identities, limits.identities_max, "identities"),
    ):
        if used is not None and used >= _MUCH * most:
            yield Task(
                Risk.HIGH if used >= _TOO_MUCH * most else Risk.MEDIUM,
                rule,
                None,
                None,
                f"About {used:,} of {most:,} {what}.",
                "What does not fit is not enforced as it is written.",
                "Select by namespace instead of by single pods, keep labels out of identities"
                " (Cilium's option labels), or raise bpf-policy-map-max.",
            )


def _of_rights(may_change: Sequence[MayChange]) -> Iterator[Task]:
    for each in may_change:
        if each.system or not (everybody_may(each) or labels_of_all(each)):
            continue
        everybody = everybody_may(each)
        yield Task(
            Risk.HIGH if everybody else Risk.LOW,
            "EverybodyMayChange" if everybody else "MayChangeLabels",
            each.namespace,
            each.through,
            f"{each.subject} may change {'; '.join(each.may)}.",
            "Who may change a Namespace's labels may open its hatch, or choose its profile.",
            "Remove the binding."
            if everybody
            else "Leave it to those who need it; keep the hatch to a group with the admission"
            " component (manifests/components/admission).",
        )
