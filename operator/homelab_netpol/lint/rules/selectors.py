"""Selectors of Cilium's that select others than they seem to. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.cilium.selectors import Requirement
from homelab_netpol.cilium.terms import CCNP, NAME_LABEL, NAMESPACE_KEY, SOURCE_K8S
from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.policies import mapping
from homelab_netpol.lint.rule import Hit, Rule, Severity


def _every_pod(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        if policy.manifest.kind != CCNP:
            continue
        for rule in policy.rules:
            for index, selector in enumerate(rule.peers("Endpoints")):
                parts = mapping(selector)
                if isinstance(selector, dict) and not any(parts.values()):
                    yield Hit(
                        policy.manifest,
                        (*rule.path, f"{rule.way}Endpoints", index),
                        "selects every pod of the cluster, not those of the same namespace",
                    )


EVERY_POD = Rule(
    id="NP106",
    name="every-pod-of-the-cluster",
    severity=Severity.WARNING,
    summary="`{}` as a peer in a CiliumClusterwideNetworkPolicy.",
    why="In a CiliumNetworkPolicy `fromEndpoints: [{}]` means the pods of its own namespace. A"
    " clusterwide policy has no namespace: there it means every pod of the cluster, so that a rule"
    " for pods among themselves joins all namespaces.",
    fix="For pods of one namespace among themselves, write a CiliumNetworkPolicy in each, or give"
    " the Namespaces a profile. Where every pod is meant, say so: `matchExpressions: [{key:"
    " k8s:io.kubernetes.pod.namespace, operator: Exists}]`.",
    wrong="""\
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: pods-among-themselves}
spec:
  endpointSelector:
    matchLabels: {k8s:io.cilium.k8s.namespace.labels.team: media}
  ingress:
    - fromEndpoints: [{}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    right=cilium_policy(
        "pods-among-themselves",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_every_pod,
)


def _not_seen(given: Given) -> Iterator[Hit]:
    labels = given.identity_labels
    for policy in given.policies:
        for spec in policy.specs:
            for place in spec.selectors():
                for one in place.requirements:
                    why = labels.why_left_out(one.key) if one.is_of_pods else None
                    if why is None:
                        continue
                    selected = "everything" if one.operator.is_negative else "nothing"
                    yield Hit(
                        policy.manifest,
                        place.path,
                        f"{one} selects {selected}, as {why}.{_instead(one)}",
                    )


def _instead(one: Requirement) -> str:
    if one.key == NAME_LABEL:
        return f" The name of a namespace is {SOURCE_K8S}:{NAMESPACE_KEY} here."
    return ""


NOT_SEEN = Rule(
    id="NP112",
    name="label-not-in-identity",
    severity=Severity.ERROR,
    summary="A selector asks for a label of pods that Cilium leaves out of identities.",
    why="Cilium knows pods by an identity that is made of some of their labels only. A condition"
    " on any other is never met. By default those under `kubernetes.io` and `k8s.io` are left"
    " out but for `app.kubernetes.io`, and those that differ from pod to pod, such as"
    " `pod-template-hash` and `statefulset.kubernetes.io/pod-name`; the option `labels` in"
    " Cilium's ConfigMap leaves out more.",
    fix="Select by a label that identities have. A namespace by its name is"
    " `k8s:io.kubernetes.pod.namespace`, by a label of its own"
    " `k8s:io.cilium.k8s.namespace.labels.<label>`.",
    wrong=cilium_policy(
        "photos-from-dashboard",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints:
        - matchLabels: {kubernetes.io/metadata.name: dashboard}
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-from-dashboard",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: dashboard}
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_not_seen,
)


def _other_namespace(given: Given) -> Iterator[Hit]:
    for policy in given.policies:
        if not policy.namespace or not policy.cilium:
            continue
        for spec in policy.specs:
            for one in spec.subject or ():
                if one.is_of_namespace_name and not one.holds(policy.namespace):
                    yield Hit(
                        policy.manifest,
                        spec.subject_path,
                        f"{one} is not about that: the policy is for pods of its own namespace"
                        f" {policy.namespace} only",
                    )


OTHER_NAMESPACE = Rule(
    id="NP113",
    name="pods-of-another-namespace",
    severity=Severity.ERROR,
    summary="A CiliumNetworkPolicy's `endpointSelector` names another namespace.",
    why="A namespaced policy holds for pods of its own namespace. Cilium puts its own name in the"
    " place of another one, or selects no pod: those that are meant are not held by it.",
    fix="Write the policy in that namespace, or a CiliumClusterwideNetworkPolicy.",
    wrong=cilium_policy(
        "photos-from-lan",
        """\
  endpointSelector:
    matchLabels: {k8s:io.kubernetes.pod.namespace: photos, app: web}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
        namespace="policies",
    ),
    right=cilium_policy(
        "photos-from-lan",
        """\
  endpointSelector:
    matchLabels: {app: web}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_other_namespace,
)

RULES = (EVERY_POD, NOT_SEEN, OTHER_NAMESPACE)
