"""What Cilium's agents are configured to do, by the entries of their ConfigMap. Pure.

Names and defaults are those of Cilium 1.20, package `option`; 1.16 to 1.19 name them alike. What a
CiliumNodeConfig, a flag or an agent's own API changes for single nodes does not show here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from homelab_netpol.cilium.identity_labels import IdentityLabels, read_identity_labels
from homelab_netpol.cilium.version import Version

# What Cilium reads a truth value of: anything else is false.
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
DEFAULT_CLUSTER = "default"
# Package `defaults`: CiliumIdentityMaxJitter and IdentityChangeGracePeriod.
DEFAULT_JITTER_SECONDS = 30.0
DEFAULT_GRACE_SECONDS = 5.0
# `bpf-policy-map-max`: in https://docs.cilium.io/en/latest/network/ebpf/maps/ the row Policy, 16k.
DEFAULT_POLICY_MAP_MAX = 16_384
# Go's durations, such as 1m30s; a number alone is nanoseconds.
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_MOST_DIGITS = 40
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
# `policy-default-local-cluster` came with 1.18, and is on by default since 1.19, by pull requests
# 40108 and 40609 of cilium/cilium.
_LOCAL_SELECTORS_OPTION_SINCE = (1, 18)
_LOCAL_SELECTORS_SINCE = (1, 19)
# `fixed-identity-mapping`: numbers and names, as in `128=kv-store,129=kube-dns`.
_FIXED = re.compile(r"(\d+)=([^,=]+)")


# By `bpf-lb-mode`; `hybrid` is direct for TCP only.
_DIRECT_RETURN = {"dsr": frozenset({"TCP", "UDP", "SCTP"}), "hybrid": frozenset({"TCP"})}


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Those of the agents' options that decide what becomes of policies.

    Attributes:
        identity_labels: which labels of pods selectors can see.
        audit_mode: nothing is dropped; what would be is only reported.
        policies_off: `enable-policy: never`.
        namespaced_policies: CiliumNetworkPolicies are read.
        clusterwide_policies: CiliumClusterwideNetworkPolicies are read.
        additive_policies: a policy may switch off its default deny (`enableDefaultDeny`).
        layer_7: rules on DNS names and HTTP requests are possible.
        kubernetes_policies: NetworkPolicies are read.
        cluster_network_policies: ClusterNetworkPolicies are read.
        kube_proxy_replacement: Cilium translates the addresses of load balancers, too, before it
            judges; else kube-proxy does, afterwards.
        keeps_client_addresses: the protocols whose clients from outside keep their address when a
            node sends them on to another one (direct server return).
        host_firewall: policies for nodes are enforced.
        fixed_identities: names that a pod can ask to be, by a label.
        cluster_name: which cluster this is, as its pods' identities say it.
        may_be_meshed: the cluster has a number, without which it is in no cluster mesh.
        local_selectors: a peer selector that names no cluster means this one's pods; None: that
            depends on versions that are not known, or differ.
        matched_by_cidr: what a CIDR may mean beside addresses outside the cluster: `nodes`, `pods`.
        identity_jitter_seconds: for up to how long a pod whose labels change keeps its old identity
            before an agent asks for the new one.
        identity_grace_seconds: for how long an endpoint then goes on with the old identity.
        policy_map_max: how many entries an endpoint's policy map has room for.
        deny_response: what becomes of a connection that egress policies deny: `none`, so that it
            times out, or `icmp`, by which it fails at once.
    """

    identity_labels: IdentityLabels
    audit_mode: bool = False
    policies_off: bool = False
    namespaced_policies: bool = True
    clusterwide_policies: bool = True
    additive_policies: bool = True
    layer_7: bool = True
    kubernetes_policies: bool = True
    cluster_network_policies: bool = False
    kube_proxy_replacement: bool = False
    keeps_client_addresses: frozenset[str] = frozenset()
    host_firewall: bool = False
    fixed_identities: frozenset[str] = frozenset()
    cluster_name: str = DEFAULT_CLUSTER
    may_be_meshed: bool = False
    local_selectors: bool | None = True
    matched_by_cidr: frozenset[str] = frozenset()
    identity_jitter_seconds: float = DEFAULT_JITTER_SECONDS
    identity_grace_seconds: float = DEFAULT_GRACE_SECONDS
    deny_response: str = "none"
    policy_map_max: int = DEFAULT_POLICY_MAP_MAX


def read_agent_config(data: Mapping[str, str], versions: Collection[Version] = ()) -> AgentConfig:
    """Reads the ConfigMap's entries.

    Args:
        data: as the API server gives them.
        versions: of the agents, as far as they are known.
    """
    fixed = data.get("fixed-identity-mapping", "")
    return AgentConfig(
        identity_labels=read_identity_labels(
            data.get("labels", ""),
            versions,
            own_base=bool(data.get("label-prefix-file", "").strip()),
        ),
        audit_mode=_is_on(data, "policy-audit-mode", default=False),
        policies_off=data.get("enable-policy", "").strip().lower() == "never",
        namespaced_policies=_is_on(data, "enable-cilium-network-policy", default=True),
        clusterwide_policies=_is_on(data, "enable-cilium-clusterwide-network-policy", default=True),
        additive_policies=_is_on(data, "enable-non-default-deny-policies", default=True),
        layer_7=_is_on(data, "enable-l7-proxy", default=True),
        kubernetes_policies=_is_on(data, "enable-k8s-networkpolicy", default=True),
        cluster_network_policies=_is_on(data, "enable-k8s-cluster-network-policy", default=False),
        kube_proxy_replacement=_is_on(data, "kube-proxy-replacement", default=False),
        keeps_client_addresses=_DIRECT_RETURN.get(data.get("bpf-lb-mode", ""), frozenset()),
        host_firewall=_is_on(data, "enable-host-firewall", default=False),
        fixed_identities=frozenset(name.strip() for _, name in _FIXED.findall(fixed)),
        cluster_name=data.get("cluster-name", "").strip() or DEFAULT_CLUSTER,
        may_be_meshed=data.get("cluster-id", "").strip() not in ("", "0"),
        local_selectors=_has_local_selectors(data, versions),
        matched_by_cidr=frozenset(data.get("policy-cidr-match-mode", "").replace(",", " ").split()),
        identity_jitter_seconds=_seconds(data, "identity-max-jitter", DEFAULT_JITTER_SECONDS),
        identity_grace_seconds=_seconds(
            data, "identity-change-grace-period", DEFAULT_GRACE_SECONDS
        ),
        deny_response=data.get("policy-deny-response", "").strip() or "none",
        policy_map_max=_number(data, "bpf-policy-map-max", DEFAULT_POLICY_MAP_MAX),
    )


def _has_local_selectors(data: Mapping[str, str], versions: Collection[Version]) -> bool | None:
    if "policy-default-local-cluster" not in data:
        answers = {version[:2] >= _LOCAL_SELECTORS_SINCE for version in versions}
        return answers.pop() if len(answers) == 1 else None
    if any(version[:2] < _LOCAL_SELECTORS_OPTION_SINCE for version in versions):
        return None if _is_on(data, "policy-default-local-cluster", default=True) else False
    return _is_on(data, "policy-default-local-cluster", default=True)


def _is_on(data: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = data.get(name)
    return default if value is None else value.strip() in _TRUE


def _number(data: Mapping[str, str], name: str, default: int) -> int:
    """A whole number above 0; the default, where it is none."""
    value = data.get(name, "").strip()
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
        return default
    return int(value) or default


def _seconds(data: Mapping[str, str], name: str, default: float) -> float:
    """A duration; the default, where it is none."""
    value = data.get(name, "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:_MOST_DIGITS]) * _UNITS["ns"]
    if len(value) > _MOST_DIGITS or not _DURATION.fullmatch(value):
        return default
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
