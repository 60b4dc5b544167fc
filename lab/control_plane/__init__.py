"""A real Kubernetes control plane without containers, and Cilium's own policy engine."""

from lab.control_plane.binary import Lab
from lab.control_plane.engine import Engine, Flow, Identity, Rejection, Verdict
from lab.control_plane.errors import (
    BuildError,
    EngineError,
    LocalClusterError,
    NotReadyError,
    ProcessDiedError,
    RefusedError,
)
from lab.control_plane.existing import ExistingCluster
from lab.control_plane.plane import ControlPlane

# What a test may run against; both have `kubeconfig`, `context`, `server` and `api`.
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
