"""A real Kubernetes control plane and Cilium's own verdict engine, without containers.

They are for the demo and the tests; the operator itself does not need this package.
"""

from homelab_netpol.localcluster.engine import Engine, Flow, Identity, Rejection, Verdict
from homelab_netpol.localcluster.errors import (
    BuildError,
    EngineError,
    LocalClusterError,
    NotReadyError,
    ProcessDiedError,
    RefusedError,
)
from homelab_netpol.localcluster.existing import ExistingCluster
from homelab_netpol.localcluster.lab import Lab
from homelab_netpol.localcluster.plane import ControlPlane

# Whatever a test may run against: it has `kubeconfig`, `context`, `server` and `api`.
Cluster = ControlPlane | ExistingCluster

__all__ = [
    "BuildError",
    "Cluster",
    "ControlPlane",
    "Engine",
    "EngineError",
    "ExistingCluster",
    "Flow",
    "Identity",
    "Lab",
    "LocalClusterError",
    "NotReadyError",
    "ProcessDiedError",
    "RefusedError",
    "Rejection",
    "Verdict",
]
