"""Pods on their node's network, which no policy for pods holds. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.peers import pods_of_spec
from homelab_netpol.lint.rule import Hit, Rule, Severity
from homelab_netpol.lint.rules.selected import NEEDS_PODS


def _host_network(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        for spec in policy.specs:
            pods = pods_of_spec(spec, given)
            if pods and all(each.workload.host_network for each in pods):
                names = sorted({str(each.workload) for each in pods})
                yield Hit(
                    policy.manifest,
                    spec.subject_path,
                    f"selects only pods on their node's network ({names[0]}"
                    f"{f' and {len(names) - 1} more' if len(names) > 1 else ''}), where no policy"
                    " for pods holds",
                )


def _exporter(more: str) -> str:
    """An example: pods, with more in their spec, and the policy for them."""
    pods = f"""\
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: exporter, namespace: metrics}}
spec:
  template:
    metadata: {{labels: {{app: exporter}}}}
    spec: {{{more}containers: [{{name: exporter, ports: [{{containerPort: 9100}}]}}]}}
---
"""
    spec = """\
  endpointSelector: {matchLabels: {app: exporter}}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "9100", protocol: TCP}]}]
"""
    return pods + cilium_policy("exporter", spec, namespace="metrics")


HOST_NETWORK = Rule(
    id="NP304",
    name="host-network",
    severity=Severity.WARNING,
    summary="A policy that selects only pods with `hostNetwork: true`.",
    why="Such pods have their node's identity. Cilium holds them by no policy for pods, and peers"
    " see them as `host` or `remote-node`.",
    fix="Take `hostNetwork` off, or restrict the node with Cilium's host firewall"
    " (`nodeSelector`).",
    wrong=_exporter("hostNetwork: true, "),
    right=_exporter(""),
    check=_host_network,
    needs=NEEDS_PODS,
)

RULES = (HOST_NETWORK,)
