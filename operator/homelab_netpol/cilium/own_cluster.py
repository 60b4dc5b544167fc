"""Which cluster of a cluster mesh this is, and whether selectors may name it. Pure.

Cilium puts the cluster's name on every pod's identity. A selector that names a cluster which is not
this one selects none of its pods, so a name is only used where nothing speaks against it.
"""

from __future__ import annotations

from dataclasses import dataclass

from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cilium.terms import CLUSTER_KEY


@dataclass(frozen=True, slots=True)
class OwnCluster:
    """This cluster.

    Attributes:
        name: as identities have it; None: not known.
        named_in_selectors: selectors of the operator's policies say it.
    """

    name: str | None = None
    named_in_selectors: bool = False

    @property
    def selected(self) -> str | None:
        """The name that selectors say; None: they say none."""
        return self.name if self.named_in_selectors else None


def own_cluster(wanted: str | None, config: AgentConfig | None, *, refused: bool) -> OwnCluster:
    """Joins what the settings and Cilium's configuration say.

    Args:
        wanted: the settings' name for it; None: none.
        config: of the agents; None: not known.
        refused: it could not be read, for a reason that will not go by itself. A name that nothing
            confirms is not used then; while the answer is still awaited, it is.
    """
    if config is None:
        return OwnCluster(wanted, wanted is not None and not refused)
    is_seen = config.identity_labels.keeps(CLUSTER_KEY) is not False
    return OwnCluster(config.cluster_name, wanted == config.cluster_name and is_seen)
