"""What Cilium or the API server would reject in a policy, found before the policy is written.

A policy that Cilium rejects leaves its namespace wide open, so nothing that it would reject may
reach the cluster. Pure: it knows the shape and the meaning of Cilium's rules, and no cluster.
"""

from homelab_netpol.cilium.validation.body import check_body
from homelab_netpol.cilium.validation.report import Nature, RuleProblem

__all__ = ["Nature", "RuleProblem", "check_body"]
