"""What Cilium and Kubernetes policies allow, deny, or leave open, by Cilium's rules.

Where the answer is not certain it is unknown: nothing is reported that only may be wrong.
"""

from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.endpoint import Endpoint, Entity, Network, Pod
from homelab_netpol.cilium.evaluation.policy import Direction, PolicyRef, ReadPolicy
from homelab_netpol.cilium.evaluation.read import read_policies, read_policy
from homelab_netpol.cilium.evaluation.verdict import Half, Outcome, egress_half, ingress_half

__all__ = [
    "Direction",
    "Doubt",
    "Endpoint",
    "Entity",
    "Half",
    "Network",
    "Outcome",
    "Pod",
    "PolicyRef",
    "ReadPolicy",
    "egress_half",
    "ingress_half",
    "read_policies",
    "read_policy",
]
