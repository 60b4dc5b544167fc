"""Hand-written policies that pass for the operator's: by their name, or by its label. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.policies import has_own_name
from homelab_netpol.lint.rule import Hit, Rule, Severity
from homelab_netpol.policy.objects import FIELD_MANAGER, MANAGED_BY_LABEL, is_managed


def _name_taken(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        if (
            policy.cilium
            and has_own_name(policy.manifest)
            and not is_managed(policy.manifest.labels)
        ):
            yield Hit(
                policy.manifest,
                ("metadata", "name"),
                f"{policy.manifest.name} is a name that the operator gives its own policies",
            )


NAME_TAKEN = Rule(
    id="NP005",
    name="operators-name",
    severity=Severity.ERROR,
    summary="A hand-written policy has a name that the operator gives its own.",
    why="The operator never touches an object that is not its own. It cannot write the policy of"
    " this name, says so in an Event, and the Namespace or the cluster goes without it.",
    fix="Give it another name; or hand it over, as docs/take-over.md describes.",
    wrong=cilium_policy(
        "homelab-profile",
        """\
  endpointSelector: {}
  egress:
    - toEntities: [world]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}
      toPorts: [{ports: [{port: "53", protocol: ANY}]}]
""",
    ),
    right=cilium_policy(
        "photos-internet",
        """\
  endpointSelector: {}
  egress:
    - toEntities: [world]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
    - toEndpoints:
        - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s:k8s-app: kube-dns}
      toPorts: [{ports: [{port: "53", protocol: ANY}]}]
""",
    ),
    check=_name_taken,
)


def _managed_by(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        if is_managed(policy.manifest.labels):
            yield Hit(
                policy.manifest,
                ("metadata", "labels", MANAGED_BY_LABEL),
                f"says that {FIELD_MANAGER} manages it, which never writes a"
                f" {policy.manifest.kind} of this name",
            )


MANAGED_BY = Rule(
    id="NP006",
    name="managed-by-label",
    severity=Severity.ERROR,
    summary="A hand-written policy carries the operator's managed-by label.",
    why="It appears in every list of what the operator manages, and nothing keeps it true: the"
    " operator leaves alone what has none of its names. Removing the operator with its clean-up"
    " leaves it behind.",
    fix="Take the label off, or name who manages it.",
    wrong="""\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: photos-from-lan
  namespace: photos
  labels: {app.kubernetes.io/managed-by: homelab-netpol}
spec:
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    right="""\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: photos-from-lan
  namespace: photos
  labels: {app.kubernetes.io/managed-by: flux}
spec:
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    check=_managed_by,
)

RULES = (NAME_TAKEN, MANAGED_BY)
