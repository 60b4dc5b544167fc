"""Findings: what others wrote, where it keeps the operator's policies from working.

An optional feature: nothing here is written to the cluster, and nothing else depends on it.
"""

from homelab_netpol.findings.finding import Finding, FindingReason
from homelab_netpol.findings.grants import grant_findings
from homelab_netpol.findings.ports import GrantedPort
from homelab_netpol.findings.targets import GrantedResource, TargetFacts

__all__ = [
    "Finding",
    "FindingReason",
    "GrantedPort",
    "GrantedResource",
    "TargetFacts",
    "grant_findings",
]
