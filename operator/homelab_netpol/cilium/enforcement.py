"""Whether Cilium enforces policies at all, by its agents' configuration and the agents there are.

Pure. That a policy is Valid says nothing of it: Cilium's operator checks that it is well formed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from homelab_netpol.cilium.agent_config import AgentConfig
from homelab_netpol.cilium.terms import CLUSTER_KEY
from homelab_netpol.cilium.version import Version


class Impairment(StrEnum):
    """Why policies are not enforced, or not all of them."""

    AUDIT_MODE = "AuditMode"
    POLICIES_OFF = "PoliciesOff"
    NO_AGENTS = "NoAgents"
    NAMESPACED_POLICIES_OFF = "NamespacedPoliciesOff"
    CLUSTERWIDE_POLICIES_OFF = "ClusterwidePoliciesOff"
    AGENTS_NOT_READY = "AgentsNotReady"
    LABELS_NOT_IN_IDENTITIES = "LabelsNotInIdentities"
    ADDITIVE_POLICIES_OFF = "AdditivePoliciesOff"
    LAYER_7_OFF = "Layer7Off"
    CLUSTER_NAME_NOT_USED = "ClusterNameNotUsed"
    OTHER_CLUSTERS_MEANT = "OtherClustersMeant"


# With one of these, a packet that policies forbid passes.
_TOTAL = frozenset({Impairment.AUDIT_MODE, Impairment.POLICIES_OFF, Impairment.NO_AGENTS})


@dataclass(frozen=True, slots=True)
class Agents:
    """Cilium's agents, one pod a node.

    Attributes:
        ready: how many are ready.
        total: how many there are.
        versions: which, as far as their images say.
    """

    ready: int = 0
    total: int = 0
    versions: frozenset[Version] = frozenset()


@dataclass(frozen=True, slots=True)
class CiliumState:
    """What is known of the Cilium that runs here.

    Attributes:
        where: its ConfigMap, as `namespace/name`.
        config: what that says; None: it is not there, or may not be read.
        agents: None: they could not be listed.
        unknown_because: why there is no config.
        lacks_right: it is there, or may be, and the operator may not read it.
    """

    where: str
    config: AgentConfig | None = None
    agents: Agents | None = None
    unknown_because: str = ""
    lacks_right: bool = False

    @property
    def versions(self) -> frozenset[Version]:
        """Of the agents, as far as they are known."""
        return self.agents.versions if self.agents is not None else frozenset()


@dataclass(frozen=True, slots=True)
class Needs:
    """What the operator's policies need of Cilium, beside that they are enforced.

    Attributes:
        labels: the keys by which all of them select, as they are in identities.
        layer_7: some have rules on DNS names or HTTP requests.
        cluster: the name that the settings give this cluster.
    """

    labels: Collection[str] = ()
    layer_7: bool = False
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Enforcement:
    """What impairs it.

    Attributes:
        known: Cilium's configuration could be read.
        impairments: each in half a sentence.
    """

    known: bool = False
    impairments: Mapping[Impairment, str] = field(default_factory=dict)

    @property
    def enforces_nothing(self) -> bool:
        """A packet that policies forbid passes, as is certain."""
        return not _TOTAL.isdisjoint(self.impairments)

    @property
    def sentence(self) -> str | None:
        """What impairs it, in words, without a full stop; None: nothing is known to."""
        if not self.impairments:
            return None
        total = [text for why, text in self.impairments.items() if why in _TOTAL]
        if total:
            return f"nothing is enforced: {'; '.join(total)}"
        return f"not all is enforced as it is written: {'; '.join(self.impairments.values())}"


def assess(state: CiliumState, needs: Needs) -> Enforcement:
    """What keeps policies from being enforced; only what is certain counts."""
    if state.config is None:
        return Enforcement(False, dict(_of_unread(state, needs)))
    found = _of_config(state.config, state.where, needs)
    return Enforcement(True, {**dict(found), **_of_agents(state.agents)})


def _of_config(config: AgentConfig, where: str, needs: Needs) -> Iterator[tuple[Impairment, str]]:
    where = f"in {where}"
    if config.audit_mode:
        yield Impairment.AUDIT_MODE, f"Cilium's audit mode is on (policy-audit-mode {where})"
    if config.policies_off:
        yield Impairment.POLICIES_OFF, f"Cilium enforces no policy (enable-policy: never {where})"
    if not config.namespaced_policies:
        yield (
            Impairment.NAMESPACED_POLICIES_OFF,
            "Cilium reads no CiliumNetworkPolicy, so profiles, grants and hatches have no effect"
            f" (enable-cilium-network-policy {where})",
        )
    if not config.clusterwide_policies:
        yield (
            Impairment.CLUSTERWIDE_POLICIES_OFF,
            "Cilium reads no CiliumClusterwideNetworkPolicy, so baselines have no effect"
            f" (enable-cilium-clusterwide-network-policy {where})",
        )
    left_out = sorted(key for key in needs.labels if config.identity_labels.keeps(key) is False)
    if left_out:
        yield (
            Impairment.LABELS_NOT_IN_IDENTITIES,
            f"Cilium leaves {', '.join(left_out)} out of identities (labels {where})",
        )
    if not config.additive_policies:
        yield (
            Impairment.ADDITIVE_POLICIES_OFF,
            "Cilium takes policies that should deny nothing for others"
            f" (enable-non-default-deny-policies {where})",
        )
    if needs.layer_7 and not config.layer_7:
        yield (
            Impairment.LAYER_7_OFF,
            "Cilium rejects policies with DNS names or HTTP rules, which are in use"
            f" (enable-l7-proxy {where})",
        )
    yield from _of_cluster(config, where, needs.cluster)


def _of_cluster(
    config: AgentConfig, where: str, wanted: str | None
) -> Iterator[tuple[Impairment, str]]:
    if wanted is not None and wanted != config.cluster_name:
        yield (
            Impairment.CLUSTER_NAME_NOT_USED,
            f"the setting cluster.name says {wanted}, and Cilium {config.cluster_name}"
            f" (cluster-name {where}), so selectors name no cluster",
        )
    elif wanted is not None and config.identity_labels.keeps(CLUSTER_KEY) is False:
        yield (
            Impairment.CLUSTER_NAME_NOT_USED,
            f"Cilium leaves {CLUSTER_KEY} out of identities (labels {where}), so selectors name no"
            " cluster, whatever the setting cluster.name says",
        )
    elif wanted is None and config.may_be_meshed and config.local_selectors is False:
        yield (
            Impairment.OTHER_CLUSTERS_MEANT,
            "policies let in and lead to pods of every cluster of the cluster mesh, as Cilium's"
            f" selectors mean all of them (policy-default-local-cluster {where}): set cluster.name:"
            f" {config.cluster_name}",
        )


def _of_unread(state: CiliumState, needs: Needs) -> Iterator[tuple[Impairment, str]]:
    if needs.cluster is not None and state.unknown_because:
        yield (
            Impairment.CLUSTER_NAME_NOT_USED,
            f"nothing confirms the setting cluster.name: {needs.cluster}, as cluster-name in"
            f" {state.where} cannot be read ({state.unknown_because.rstrip('.')}), so selectors"
            " name no cluster",
        )


def _of_agents(agents: Agents | None) -> dict[Impairment, str]:
    if agents is None or (agents.total and agents.ready == agents.total):
        return {}
    if not agents.total:
        return {Impairment.NO_AGENTS: "no agent of Cilium runs"}
    lacking = f"{agents.total - agents.ready} of {agents.total} agents of Cilium are not ready"
    return {Impairment.AGENTS_NOT_READY: f"{lacking}, and follow no change on their nodes"}
