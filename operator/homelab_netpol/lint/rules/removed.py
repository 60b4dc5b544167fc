"""What Cilium had once, and `specs` that hold no rule. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.policies import items, mapping
from homelab_netpol.lint.rule import Hit, RemoveField, Rule, Severity

_PROTOCOLS = ("kafka", "l7", "l7proto")


def _no_specs(given: Given) -> Iterator[Hit]:
    for policy in given.policies:
        data = policy.manifest.data
        if not policy.cilium or data.get("specs") != []:
            continue
        beside = bool(mapping(data.get("spec")))
        yield Hit(
            policy.manifest,
            ("specs",),
            "is empty: it adds no rule"
            if beside
            else "is empty: the policy is taken, and has no rule",
            edit=RemoveField(("specs",)) if beside else None,
        )


NO_SPECS = Rule(
    id="NP105",
    name="empty-specs",
    severity=Severity.ERROR,
    summary="`specs: []`: a policy without rules, which is not rejected.",
    why="The API server asks for `spec` or `specs`, and counts an empty list. Cilium goes through"
    " the list, finds no rule to object to, and the policy selects no pod and denies nothing. What"
    " generates policies (Helm, Jsonnet) writes this when its own list is empty.",
    fix="Write the rules, or delete the policy. Beside a `spec`, `--fix` takes the empty list out.",
    wrong="""\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: photos-web, namespace: photos}
specs: []
""",
    right="""\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: photos-web, namespace: photos}
specs:
  - endpointSelector: {matchLabels: {app: web}}
    ingress:
      - fromEndpoints: [{matchLabels: {app: proxy}}]
        toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    check=_no_specs,
    fixable=True,
)


def _removed(given: Given) -> Iterator[Hit]:
    for policy in given.policies:
        for rule in policy.rules:
            field = f"{rule.way}Requires"
            if items(rule.body.get(field)):
                yield Hit(
                    policy.manifest,
                    (*rule.path, field),
                    "was deprecated in Cilium 1.17 and removed in 1.19, which rejects the policy",
                )
            for number, entry in enumerate(items(rule.body.get("toPorts")) if rule.cilium else ()):
                inside = mapping(mapping(entry).get("rules"))
                for name in _PROTOCOLS:
                    if name in inside:
                        yield Hit(
                            policy.manifest,
                            (*rule.path, "toPorts", number, "rules", name),
                            "was removed in Cilium 1.20: the API server drops it, and every request"
                            " on these ports is let through",
                        )


REMOVED = Rule(
    id="NP107",
    name="removed-from-cilium",
    severity=Severity.ERROR,
    summary="fromRequires, toRequires, or rules for Kafka and other parsers written in Go.",
    why="Cilium 1.19 removed fromRequires and toRequires, after 1.17 had deprecated them: it"
    " rejects a policy that has any. Cilium 1.20 removed Kafka rules and `l7proto`, deprecated"
    " before: its API server drops the field, and the port is open for every request.",
    fix="Write the labels that are required into each selector. For Kafka, allow the port only to"
    " who may use every topic, and leave the rest to Kafka's own rights.",
    wrong=cilium_policy(
        "photos-web",
        """\
  endpointSelector: {}
  ingress:
    - fromRequires: [{matchLabels: {env: production}}]
    - fromEndpoints: [{matchLabels: {app: proxy}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    right=cilium_policy(
        "photos-web",
        """\
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{matchLabels: {app: proxy, env: production}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_removed,
)

RULES = (NO_SPECS, REMOVED)
