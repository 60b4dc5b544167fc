"""The order that policies do not have. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.policies import PolicyView
from homelab_netpol.lint.rule import Hit, Rule, Severity

_NUMBERED = re.compile(r"\d{1,4}[-.]")


def _order(given: Given) -> Iterator[Hit]:
    found: defaultdict[str, list[PolicyView]] = defaultdict(list)
    for policy in given.by_hand:
        if _NUMBERED.match(policy.manifest.name):
            found[policy.namespace].append(policy)
    for policies in found.values():
        for policy in policies if len(policies) > 1 else ():
            yield Hit(
                policy.manifest,
                ("metadata", "name"),
                "its number puts it in no order: the rules of all policies hold together",
            )


def _two(first: str, second: str) -> str:
    """An example: two policies, with what their names begin with."""
    from_lan = """\
  endpointSelector: {}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
"""
    from_proxy = """\
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{matchLabels: {app: proxy}}]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
"""
    return "---\n".join(
        (
            cilium_policy(f"{first}photos-from-lan", from_lan),
            cilium_policy(f"{second}photos-from-proxy", from_proxy),
        )
    )


ORDER = Rule(
    id="NP115",
    name="order-by-name",
    severity=Severity.INFO,
    summary="Policies of one namespace are numbered, as if there were an order.",
    why="Policies are not gone through one after the other. What any of them allows is allowed,"
    " what a deny rule of any of them denies is denied.",
    fix="Name them for what they allow.",
    wrong=_two("10-", "20-"),
    right=_two("", ""),
    check=_order,
)

RULES = (ORDER,)
