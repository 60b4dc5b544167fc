"""What policies that somebody else wrote allow, deny, or leave open. Pure: no Kopf, no cluster.

The operator's grants are one side of a connection; what others wrote on the other side can make one
fail. Where the answer is not certain it is unknown: nobody is told what may be wrong.
"""

from homelab_netpol.verdict.answer import Doubt
from homelab_netpol.verdict.endpoint import Endpoint, Entity, Network, Pod
from homelab_netpol.verdict.findings import Finding, FindingReason
from homelab_netpol.verdict.grant_findings import (
    GrantedPort,
    GrantedResource,
    TargetFacts,
    grant_findings,
)
from homelab_netpol.verdict.half import Half, Outcome, egress_half, ingress_half
from homelab_netpol.verdict.platform_findings import platform_findings
from homelab_netpol.verdict.policy import Direction, PolicyRef, ReadPolicy
from homelab_netpol.verdict.read import read_policies, read_policy

__all__ = [
    "Direction",
    "Doubt",
    "Endpoint",
    "Entity",
    "Finding",
    "FindingReason",
    "GrantedPort",
    "GrantedResource",
    "Half",
    "Network",
    "Outcome",
    "Pod",
    "PolicyRef",
    "ReadPolicy",
    "TargetFacts",
    "egress_half",
    "grant_findings",
    "ingress_half",
    "platform_findings",
    "read_policies",
    "read_policy",
]
