"""What Cilium and Kubernetes policies allow, deny, or leave open, by Cilium's rules.

Where the answer is not certain it is unknown: nothing is reported that only may be wrong.
"""

from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.endpoint import (
    ContainerPort,
    Endpoint,
    Entity,
    Name,
    Network,
    Pod,
)
from homelab_netpol.cilium.evaluation.in_cluster import in_cluster
from homelab_netpol.cilium.evaluation.policy import Direction, PolicyRef, ReadPolicy, RulePlace
from homelab_netpol.cilium.evaluation.read import read_policies, read_policy
from homelab_netpol.cilium.evaluation.references import CidrGroup
from homelab_netpol.cilium.evaluation.surroundings import Service, Surroundings, in_surroundings
from homelab_netpol.cilium.evaluation.verdict import (
    DirectionVerdict,
    Outcome,
    egress_verdict,
    ingress_verdict,
)

__all__ = [
    "CidrGroup",
    "ContainerPort",
    "Direction",
    "DirectionVerdict",
    "Doubt",
    "Endpoint",
    "Entity",
    "Name",
    "Network",
    "Outcome",
    "Pod",
    "PolicyRef",
    "ReadPolicy",
    "RulePlace",
    "Service",
    "Surroundings",
    "egress_verdict",
    "in_cluster",
    "in_surroundings",
    "ingress_verdict",
    "read_policies",
    "read_policy",
]
