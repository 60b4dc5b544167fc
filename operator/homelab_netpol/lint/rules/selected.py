"""Selectors that select nothing in what is given. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from homelab_netpol.cilium.selectors import Requirement
from homelab_netpol.cilium.terms import NAME_LABEL, NAMESPACE_LABELS_PREFIX
from homelab_netpol.lint.examples import cilium_policy, network_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.peers import PeerPods, peers_of, pods_of_peer, pods_of_spec
from homelab_netpol.lint.policies import PolicyView
from homelab_netpol.lint.rule import Hit, Rule, Severity

# Unknown ones that a likeness is looked for: to compare each with all takes its time.
_MOST_NAMES = 200
# Kubernetes makes these itself.
_ALWAYS_THERE = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
# Of pods that are there for minutes: cert-manager's solvers, Jobs, CloudNativePG's and VolSync's
# movers, Tekton's and GitHub's runners. That there is none at the moment means nothing.
_SHORT_LIVED = frozenset(
    {
        *("acme.cert-manager.io/http01-solver", "acme.cert-manager.io/http-domain"),
        *("job-name", "batch.kubernetes.io/job-name", "cnpg.io/jobRole"),
        *("volsync.backube/cleanup", "tekton.dev/pipelineRun", "tekton.dev/taskRun"),
        *("actions.github.com/scale-set-name", "actions-ephemeral-runner"),
    }
)
_MOVERS = ("app.kubernetes.io/created-by", "volsync")
NEEDS_PODS = "pods, or what makes them, of the namespace"


def _is_short_lived(asked: Sequence[Requirement] | None) -> bool:
    """It asks for labels of pods that come and go."""
    return any(
        not one.operator.is_negative
        and (one.key in _SHORT_LIVED or (one.key == _MOVERS[0] and _MOVERS[1] in one.values))
        for one in asked or ()
    )


def _no_pod(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        for spec in policy.specs:
            if pods_of_spec(spec, given) == [] and not _is_short_lived(spec.subject):
                where = f"in {policy.namespace}" if policy.namespace else "in the cluster"
                yield Hit(
                    policy.manifest,
                    spec.subject_path,
                    f"selects no pod {where}: its rules hold for none",
                )


_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: photos}
spec:
  template:
    metadata: {labels: {app.kubernetes.io/name: web}}
    spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}
---
"""

SELECTS_NOTHING = Rule(
    id="NP301",
    name="selects-no-pod",
    severity=Severity.WARNING,
    summary="A policy's own selector selects none of the pods that are given.",
    why="It holds for no pod: those that were meant are as open, or as closed, as without"
    " it. A label that a chart has renamed is the usual cause.",
    fix="Compare it with the labels of the pods' template.",
    wrong=_DEPLOYMENT
    + cilium_policy(
        "web",
        """\
  endpointSelector: {matchLabels: {app: web}}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    right=_DEPLOYMENT
    + cilium_policy(
        "web",
        """\
  endpointSelector: {matchLabels: {app.kubernetes.io/name: web}}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_no_pod,
    needs=NEEDS_PODS,
)


def _no_peer(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        for rule in policy.rules:
            for peer in peers_of(rule, policy):
                if pods_of_peer(peer, given) != [] or _is_short_lived(peer.requirements):
                    continue
                names = peer.namespaces
                where = f"in {', '.join(names)}" if names else "in the cluster"
                yield Hit(policy.manifest, peer.path, f"selects no pod {where}")


_PODS = """\
apiVersion: v1
kind: Pod
metadata: {name: prometheus-0, namespace: monitoring, labels: {app: prometheus}}
spec: {containers: [{name: prometheus, ports: [{containerPort: 9090}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: photos, labels: {app: web}}
spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}
---
"""

PEER_SELECTS_NOTHING = Rule(
    id="NP302",
    name="peer-selects-no-pod",
    severity=Severity.WARNING,
    summary="A peer's selector selects none of the pods that are given.",
    why="The rule allows, or denies, nothing. In a CiliumNetworkPolicy a selector without a word on"
    " the namespace means pods of the policy's own, as `podSelector` does in a NetworkPolicy.",
    fix="Compare it with the labels of the pods that are meant, and name their namespace.",
    wrong=_PODS
    + cilium_policy(
        "photos-from-prometheus",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{matchLabels: {app: prometheus}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    right=_PODS
    + cilium_policy(
        "photos-from-prometheus",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: monitoring, app: prometheus}
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_no_peer,
    needs=NEEDS_PODS,
)


def _no_namespace(given: Given) -> Iterator[Hit]:
    if not given.namespace_labels:
        return
    for policy in given.by_hand:
        for asked in _selections(policy):
            for one in asked.requirements:
                message = _unmet(one, given)
                if message:
                    yield Hit(policy.manifest, asked.path, message)
            message = _unknown_name(asked, given)
            if message:
                yield Hit(policy.manifest, asked.path, message)


def _selections(policy: PolicyView) -> Iterator[PeerPods]:
    """The pods that a policy names by their namespaces: peers, and a clusterwide one's own."""
    for spec in policy.specs:
        if not policy.namespace and spec.subject is not None and spec.subject_selector is not None:
            yield PeerPods(spec.subject_path, spec.subject, spec.subject_selector)
        for rule in spec.rules:
            yield from peers_of(rule, policy)


def _unmet(one: Requirement, given: Given) -> str:
    """What to say of a condition on Namespaces' labels that none meets; "": one does, or may."""
    key = one.key.removeprefix(NAMESPACE_LABELS_PREFIX)
    if key == one.key or key == NAME_LABEL or one.operator.is_negative:
        return ""
    if any(one.holds(labels.get(key)) for labels in given.namespace_labels.values()):
        return ""
    asked = str(one).replace(one.key, key)
    if any(key in labels for labels in given.namespace_labels.values()):
        return f"no Namespace that is given has {asked}"
    return f"no Namespace that is given has the label {key} ({asked})"


def _unknown_name(peer: PeerPods, given: Given) -> str:
    """What to say of a namespace that is named and not there; in files, only of a mistyped one."""
    for name in peer.namespaces or ():
        if name in given.used_namespaces or name in _ALWAYS_THERE:
            continue
        near = _near(name, given)
        if given.whole or near:
            hint = f": did you mean {near}?" if near else ""
            return f"there is no Namespace {name}{hint}"
    return ""


def _near(name: str, given: Given) -> str:
    """The Namespace that was probably meant; "": none."""
    known = given.near_namespaces
    if name not in known and len(known) < _MOST_NAMES:
        names = [*given.namespace_labels, *_ALWAYS_THERE]
        known[name] = next(iter(get_close_matches(name, names, n=1, cutoff=0.85)), "")
    return known.get(name, "")


_NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
---
"""

NAMESPACE_UNKNOWN = Rule(
    id="NP303",
    name="no-such-namespace",
    severity=Severity.WARNING,
    summary="A selector asks for a label that no Namespace has, or for a Namespace that is not"
    " there.",
    why="It means no pod. The usual cause is `name: monitoring`, a label that is not put on"
    " Namespaces by itself; what every one has is `kubernetes.io/metadata.name`. A Namespace that"
    " is only named, and elsewhere, is reported when a whole cluster is given, or when the name"
    " looks like a mistyped one.",
    fix="Ask for `kubernetes.io/metadata.name`, or put the label on the Namespace.",
    wrong=_NAMESPACE
    + network_policy(
        "photos-from-monitoring",
        """\
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]
      ports: [{port: 8080, protocol: TCP}]
""",
    ),
    right=_NAMESPACE
    + network_policy(
        "photos-from-monitoring",
        """\
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
      ports: [{port: 8080, protocol: TCP}]
""",
    ),
    check=_no_namespace,
    needs="Namespaces",
)


RULES = (SELECTS_NOTHING, PEER_SELECTS_NOTHING, NAMESPACE_UNKNOWN)
