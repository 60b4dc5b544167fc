"""A foreign policy with one of our names: whose it seems to be, and its hand-over. Pure.

Its owner hands it over by an annotation. It then becomes ours in one replace, and leaves the
inventory of the tool that applied it: see docs/decisions/0006.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homelab_netpol.policy.default_deny import rule_sets
from homelab_netpol.policy.diff import Change, Delete
from homelab_netpol.policy.keys import (
    CILIUM_KINDS,
    GATEWAY_KEYS,
    Component,
    Kind,
    PolicyKey,
    Scope,
    parse_policy_name,
)
from homelab_netpol.policy.objects import LivePolicy, Policy, digest_of, read_live

_HANDED_OVER = "true"
_LONGEST_SHOWN = 63

_FLUX_KUSTOMIZATION = "kustomize.toolkit.fluxcd.io"
_FLUX_HELM_RELEASE = "helm.toolkit.fluxcd.io"
_ARGO_TRACKING = "argocd.argoproj.io/tracking-id"
_ARGO_LABELS = ("argocd.argoproj.io/instance", "app.kubernetes.io/instance")
_HELM_RELEASE = "meta.helm.sh/release"
_KUBECTL_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

# By these a tool knows again what it applied, and deletes it once it is gone from git. What keeps
# it from that (`prune: disabled`, `Prune=false`, `resource-policy: keep`) is not among them.
_TRACKING_LABELS = frozenset(
    {
        f"{_FLUX_KUSTOMIZATION}/name",
        f"{_FLUX_KUSTOMIZATION}/namespace",
        f"{_FLUX_HELM_RELEASE}/name",
        f"{_FLUX_HELM_RELEASE}/namespace",
        *_ARGO_LABELS,
        "applyset.kubernetes.io/part-of",
    }
)
_TRACKING_ANNOTATIONS = frozenset(
    {_ARGO_TRACKING, f"{_HELM_RELEASE}-name", f"{_HELM_RELEASE}-namespace", _KUBECTL_APPLIED}
)

_KUBECTL_KINDS = {
    Kind.CNP: "cnp",
    Kind.CCNP: "ccnp",
    Kind.AUTHORIZATION: "authorizationpolicy",
    Kind.PEER_AUTHENTICATION: "peerauthentication",
}


@dataclass(frozen=True, slots=True)
class OthersPolicy:
    """A foreign policy that has one of our names.

    Attributes:
        live: the policy as it stands.
        body: its rules, `spec` and `specs`.
        owner: whose it seems to be, in words; "" if nothing says so.
        answer: what the annotation says by which it is handed over; None: there is none.
        annotation: the key of that annotation.
    """

    live: LivePolicy
    body: Mapping[str, Any]
    owner: str
    answer: str | None
    annotation: str

    @property
    def key(self) -> PolicyKey:
        """Which object."""
        return self.live.key

    @property
    def handed_over(self) -> bool:
        """Its owner says that it is ours from now on."""
        return self.answer == _HANDED_OVER

    @property
    def released(self) -> LivePolicy:
        """As it stands, but in no tool's inventory."""
        return untracked(self.live, self.annotation)

    @property
    def complaint(self) -> str:
        """What it keeps from being in force, whose it seems to be, and what to do about it."""
        key, answer = self.key, self.answer
        owner = f" It seems to belong to {self.owner}." if self.owner else ""
        wrong = ""
        if answer is not None and not self.handed_over:
            wrong = f' Its annotation {self.annotation} is "{_shown(answer)}": only "true" counts.'
        return (
            f"{key} exists and was not written by this operator; it is left alone, and"
            f" {_purpose(key)} is not in force.{owner}{wrong} Rename or delete it, or hand it over:"
            " stop its owner from pruning it, then"
            f" `{annotate_command(key, self.annotation)}`, then take it out of git"
            " (docs/take-over.md)."
        )


def read_others_policy(kind: Kind, manifest: Mapping[str, Any], annotation: str) -> OthersPolicy:
    """Reads a policy that is not ours.

    Args:
        kind: of the policy.
        manifest: as the API server shows it.
        annotation: the key of the annotation by which it is handed over.
    """
    live = read_live(kind, manifest)
    return OthersPolicy(
        live,
        {part: manifest[part] for part in ("spec", "specs") if manifest.get(part) is not None},
        " and ".join(dict.fromkeys(_owners(live, manifest))),
        live.annotations.get(annotation),
        annotation,
    )


def untracked(live: LivePolicy, annotation: str) -> LivePolicy:
    """A policy without the marks by which a tool would prune it, and without the annotation.

    Every replace starts from this: a tool that applies our policy once more puts its marks back.
    """
    labels, annotations = live.labels, live.annotations
    dropped = _TRACKING_ANNOTATIONS | {annotation}
    if _TRACKING_LABELS.isdisjoint(labels) and dropped.isdisjoint(annotations):
        return live
    return dataclasses.replace(
        live,
        labels={key: labels[key] for key in labels if key not in _TRACKING_LABELS},
        annotations={key: annotations[key] for key in annotations if key not in dropped},
    )


def annotate_command(key: PolicyKey, annotation: str) -> str:
    """The command by which a policy is handed over."""
    where = f" -n {key.namespace}" if key.namespace else ""
    return (
        f"kubectl annotate {_KUBECTL_KINDS[key.kind]} {key.name}{where} {annotation}={_HANDED_OVER}"
    )


@dataclass(frozen=True, slots=True)
class Bridge:
    """What one policy says while others beside it change hands.

    Attributes:
        other: the policy that it is made of.
        meanwhile: what that says until all the rest is done.
        policy: what it says from then on.
    """

    other: OthersPolicy
    meanwhile: Policy
    policy: Policy


def bridge(changes: Iterable[Change], others: Mapping[PolicyKey, OthersPolicy]) -> Bridge | None:
    """Keeps several policies that change hands together from cutting anything off in between.

    One replace is atomic, several are not: what the first one no longer allows, as nothing will
    deny it in the end, the old rules of the second one still deny. So one of them first says what
    all of them say and will say, and says what it should when the rest is done.

    Args:
        changes: what is to be written.
        others: the policies of others that have the names of some of them.

    Returns:
        None where there is nothing to bridge: a single replace, or Istio's kinds.
    """
    wanted = [change.policy for change in changes if not isinstance(change, Delete)]
    handed = [
        policy
        for policy in wanted
        if policy.key.kind in CILIUM_KINDS
        and policy.key in others
        and others[policy.key].handed_over
    ]
    if not handed:
        return None
    policy = handed[-1]
    together = [
        each
        for each in wanted
        if (each.key.kind, each.key.namespace) == (policy.key.kind, policy.key.namespace)
        and (each.key not in others or others[each.key].handed_over)
    ]
    if len(together) == 1:
        return None
    # One policy that Cilium rejects was not in force, and would take all the others with it.
    old = [others[each.key] for each in together if each.key in others]
    bodies = [*(each.body for each in old if not each.live.rejected), *(p.body for p in together)]
    body = {"specs": [rules for each in bodies for rules in rule_sets(each)]}
    meanwhile = dataclasses.replace(policy, body=body, digest=digest_of(body))
    return Bridge(others[policy.key], meanwhile, policy)


def _owners(live: LivePolicy, manifest: Mapping[str, Any]) -> Iterator[str]:
    managers = [
        str(entry.get("manager"))
        for entry in manifest["metadata"].get("managedFields") or ()
        if {"f:spec", "f:specs"} & (entry.get("fieldsV1") or {}).keys()
    ]
    labels, annotations = live.labels, live.annotations
    for what, domain in (
        ("Flux's Kustomization", _FLUX_KUSTOMIZATION),
        ("Flux's HelmRelease", _FLUX_HELM_RELEASE),
    ):
        if f"{domain}/name" in labels:
            name, home = labels[f"{domain}/name"], labels.get(f"{domain}/namespace", "")
            yield f"{what} {_shown(f'{home}/{name}'.lstrip('/'))}"
    application = annotations.get(_ARGO_TRACKING, "").partition(":")[0] or next(
        (labels[key] for key in _ARGO_LABELS if key in labels and "argocd" in "".join(managers)), ""
    )
    if application:
        yield f"Argo CD's Application {_shown(application)}"
    if f"{_HELM_RELEASE}-name" in annotations:
        home = annotations.get(f"{_HELM_RELEASE}-namespace", "")
        name = f"{home}/{annotations[f'{_HELM_RELEASE}-name']}".lstrip("/")
        yield f"the Helm release {_shown(name)}"
    for manager in managers:
        yield f"the field manager {_shown(manager)}"


def _purpose(key: PolicyKey) -> str:
    """What is not there while a foreign policy has the name, in words."""
    parsed = parse_policy_name(key)
    if parsed is None:
        return "what should stand there"
    here = f" of namespace {key.namespace}" if key.namespace else ""
    match parsed.component:
        case Component.PROFILE:
            return f"the profile{here}"
        case Component.ACCESS:
            return f"the grant on {parsed.about}{here}"
        case Component.INGRESS:
            return f"the ingress by {parsed.about}{here}"
        case Component.GRANT if parsed.owner in GATEWAY_KEYS:
            is_called = parsed.owner.scope is Scope.CALLERS
            allowed_by = "the grant gateway lets into" if is_called else "profiles allow"
            return f"what {allowed_by} the gateway {parsed.owner.name}"
        case Component.GRANT:
            return f"the side of {parsed.about} of what is granted on it"
        case Component.HATCH:
            return f"the escape hatch{here}" if here else "the escape hatch by the label alone"
        case Component.BASELINE:
            return "this baseline"
        case Component.MESH:
            return f"what may pass inside the mesh's tunnel{here}"


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
