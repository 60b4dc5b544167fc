"""Where Cilium is, and what it calls this cluster. Pure."""

from __future__ import annotations

from homelab_netpol.cilium.agent_config import DEFAULT_CLUSTER, read_agent_config
from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting
from homelab_netpol.settings import Settings


def detect_cilium(facts: ClusterFacts) -> Findings:
    """`cilium` and `cluster`."""
    found = Findings()
    home = facts.cilium_namespace
    if home and home != Settings().cilium.namespace:
        because = "Cilium's ConfigMap or agents are there"
        found.settings.append(Setting(("cilium", "namespace"), Entry(home, because)))
    if facts.cilium_config is None and not facts.is_read("ConfigMap", "Pod"):
        return found
    if facts.cilium_config is None:
        found.questions.append(
            f"Cilium's ConfigMap {home or 'kube-system'}/cilium-config was not found. Does Cilium"
            " run here? Nothing else enforces what the operator writes"
        )
        return found
    config = read_agent_config(facts.cilium_config)
    where = f"ConfigMap {home}/cilium-config says"
    if config.may_be_meshed:
        because = (
            f"{where} cluster-name: {config.cluster_name}, and a cluster-id for a cluster mesh"
        )
        found.settings.append(Setting(("cluster", "name"), Entry(config.cluster_name, because)))
    elif config.cluster_name != DEFAULT_CLUSTER:
        found.confirmed.append(
            f"cluster.name: {where} cluster-name: {config.cluster_name}; the setting is needed in a"
            " cluster mesh only"
        )
    return found
