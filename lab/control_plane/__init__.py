"""A real Kubernetes control plane and Cilium's own verdict engine, without containers.

They are for the demo and the tests; the operator itself does not need this package.
"""

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
