"""What an inspection has found by now, and what Cilium's engine says of standing policies."""

from __future__ import annotations

from dataclasses import dataclass

from lab.control_plane import Engine, Flow, Identity
from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, cnp_path
from tests.cluster.spaces import Space, Spaces, access
from tests.cluster.watched import shows_none
from tests.cluster.workloads import Workloads
from tests.running_operator import RunningOperator


@dataclass(frozen=True)
class Setup:
    """All that a scenario needs which compares what is told with what Cilium's engine says."""

    spaces: Spaces
    definitions: Definitions
    workloads: Workloads
    operator: RunningOperator
    kube: Kube
    engine: Engine

    def allowed(self, spaces: list[Space], ends: dict[str, Identity], *flows: Flow) -> list[bool]:
        """Cilium's verdicts, by the policies that stand in some Namespaces."""
        self.engine.identities(ends)
        self.engine.policies(
            [
                {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", **item}
                for space in spaces
                for item in self.kube.items(cnp_path(space.name))
            ]
        )
        return [verdict.allowed for verdict in self.engine.verdicts(flows)]


def all_is_well(
    operator: RunningOperator, spaces: Spaces, definitions: Definitions, *names: str
) -> None:
    """Waits for an inspection that began after all that was done, and found nothing in these."""
    nowhere = definitions.resource(namespace=spaces.fresh_name(), ports=[{"port": 80}])
    lost = spaces({access(nowhere.name): "true"})
    lost.told("TargetNamespaceMissing", nowhere.name)
    for name in names:
        shows_none(operator, "findings", namespace=name)
