"""What the vocabulary never does: explicit default deny, profiles on the platform, labels. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homelab_netpol.intent import Problem, Reason
from homelab_netpol.lint.examples import network_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.policies import DIRECTIONS, PolicyView
from homelab_netpol.lint.rule import Hit, Path, Rule, Severity
from homelab_netpol.manifests import Manifest

_DENY_NAME = re.compile(r"(^|[-.])(default-?deny|deny-?all)([-.]|$)")
# What is only known to be missing in what is given, not to be wrong.
_MAY_BE_ELSEWHERE = frozenset(
    {
        *(Reason.PROFILE_UNKNOWN, Reason.PROFILE_NOT_READY),
        *(Reason.ACCESS_UNKNOWN, Reason.ACCESS_NOT_READY, Reason.HATCH_EXPIRED),
    }
)
_FIELD = re.compile(r"spec(?:\.[A-Za-z]\w*|\[\d+\])*")
_STEP = re.compile(r"[A-Za-z]\w*|\d+")


def _explicit_default_deny(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        closed = _closes_for_all(policy)
        if not closed or any(rule.deny for rule in policy.rules):
            continue
        allows = any(not rule.allows_nothing for rule in policy.rules)
        if not allows or _DENY_NAME.search(policy.manifest.name):
            where = "the cluster" if not policy.namespace else f"namespace {policy.namespace}"
            yield Hit(
                policy.manifest,
                ("metadata", "name"),
                f"denies all {' and '.join(closed)} of every pod of {where}, and does nothing else",
            )


def _closes_for_all(policy: PolicyView) -> list[str]:
    """The directions in which it closes for every pod and allows nothing."""
    if not policy.specs or not all(spec.selects_all for spec in policy.specs):
        return []
    return [
        direction
        for direction in DIRECTIONS
        if any(spec.closes(direction) for spec in policy.specs)
        and all(
            rule.allows_nothing for spec in policy.specs for rule in spec.of(direction, deny=False)
        )
    ]


EXPLICIT_DEFAULT_DENY = Rule(
    id="NP001",
    name="explicit-default-deny",
    severity=Severity.ERROR,
    summary="A policy that only denies, for every pod of a namespace or of the cluster.",
    why="The operator's baselines select the pods already, so everything that nothing allows is"
    " denied. A default deny beside them goes on denying when the escape hatch is tested, when a"
    " namespace is taken out of the scope, and after the operator is removed, and it is the first"
    " thing that is suspected when something is dropped.",
    fix="Take it out, and give the Namespace a profile: `isolated` allows nothing but DNS out.",
    wrong=network_policy(
        "default-deny",
        """\
  podSelector: {}
  policyTypes: [Ingress, Egress]
""",
    ),
    right="""\
apiVersion: v1
kind: Namespace
metadata:
  name: photos
  labels: {network-policy.homelab/profile: isolated}
""",
    check=_explicit_default_deny,
)


def _platform_profile(given: Given) -> Iterator[Hit]:
    for manifest, problem in _problems(given):
        if problem.reason is Reason.PROFILE_REFUSED:
            yield Hit(manifest, _key_path(manifest, problem.key), problem.message)


PLATFORM_PROFILE = Rule(
    id="NP002",
    name="platform-profile",
    severity=Severity.ERROR,
    summary="A platform namespace has a profile.",
    why="Platform namespaces carry hand-written policies. The operator refuses the profile, so"
    " that the label says something that is not so.",
    fix="Take the label off. Whether a namespace is the platform's is a matter of the setting"
    " `platformNamespaces` and of the label `network-policy.homelab/platform`.",
    wrong="""\
apiVersion: v1
kind: Namespace
metadata:
  name: monitoring
  labels: {network-policy.homelab/profile: standard}
""",
    right="""\
apiVersion: v1
kind: Namespace
metadata:
  name: monitoring
""",
    check=_platform_profile,
)


def _namespace_labels(given: Given) -> Iterator[Hit]:
    for manifest, problem in _problems(given):
        if problem.reason is Reason.PROFILE_REFUSED:
            continue
        severity = Severity.WARNING if problem.reason in _MAY_BE_ELSEWHERE else None
        yield Hit(manifest, _key_path(manifest, problem.key), problem.message, severity)


NAMESPACE_LABELS = Rule(
    id="NP003",
    name="namespace-label",
    severity=Severity.ERROR,
    summary="A label or annotation of a Namespace that the operator cannot follow.",
    why="What cannot be understood changes nothing: what stood before stays in force, and what the"
    " label asks for does not come. A profile or shared resource that is not given may be defined"
    " elsewhere; that is a warning.",
    fix="Write one of the values that the message names.",
    wrong="""\
apiVersion: v1
kind: Namespace
metadata:
  name: photos
  labels:
    network-policy.homelab/profile: internal
    network-policy.homelab/intra-namespace: "yes"
""",
    right="""\
apiVersion: v1
kind: Namespace
metadata:
  name: photos
  labels:
    network-policy.homelab/profile: internal
    network-policy.homelab/intra-namespace: allow
""",
    check=_namespace_labels,
)


def _custom_resources(given: Given) -> Iterator[Hit]:
    for (kind, name), problem in given.catalogue.unusable.items():
        manifest = given.manifests.get(kind.value, name)
        if manifest is not None:
            yield Hit(manifest, _field_of(problem.message), problem.message)


CUSTOM_RESOURCES = Rule(
    id="NP004",
    name="custom-resource",
    severity=Severity.ERROR,
    summary="A NetworkProfile or SharedResource that the operator cannot use.",
    why="Namespaces that ask for it get nothing by it, or keep what stood before.",
    fix="Put right what the message names; docs/custom-resources.md has the fields.",
    wrong="""\
kind: NetworkProfile
apiVersion: network-policy.homelab/v1alpha1
metadata: {name: games}
spec:
  ingress:
    - fromEntities: [wrld]
      toPorts: [{ports: [{port: "27015", protocol: UDP}]}]
""",
    right="""\
kind: NetworkProfile
apiVersion: network-policy.homelab/v1alpha1
metadata: {name: games}
spec:
  ingress:
    - fromEntities: [world]
      toPorts: [{ports: [{port: "27015", protocol: UDP}]}]
""",
    check=_custom_resources,
)


def _problems(given: Given) -> Iterator[tuple[Manifest, Problem]]:
    for manifest, intent in given.intents:
        for problem in intent.problems:
            yield manifest, problem


def _key_path(manifest: Manifest, key: str) -> Path:
    field = "labels" if key in manifest.labels else "annotations"
    return ("metadata", field, key)


def _field_of(message: str) -> Path:
    """The field that a message about a custom resource begins with; () if with none."""
    found = _FIELD.match(message)
    if found is None:
        return ()
    return tuple(int(each) if each.isdigit() else each for each in _STEP.findall(found[0]))


RULES = (EXPLICIT_DEFAULT_DENY, PLATFORM_PROFILE, NAMESPACE_LABELS, CUSTOM_RESOURCES)
