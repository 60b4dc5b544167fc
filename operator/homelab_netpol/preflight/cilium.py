"""Cilium's configuration: what of it keeps policies from doing what they say, or cuts off."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.cilium.enforcement import Impairment
from homelab_netpol.preflight.problem import Problem, Severity
from homelab_netpol.preflight.stages import Stages

CHECK = "cilium"

# With one of these the operator's policies deny more than they say: what they should only allow
# switches on default deny, selects no pod, or is not read while its counterpart is.
_CUT_OFF = frozenset(
    {
        Impairment.ADDITIVE_POLICIES_OFF,
        Impairment.LABELS_NOT_IN_IDENTITIES,
        Impairment.NAMESPACED_POLICIES_OFF,
    }
)
_REMEDIES = {
    Impairment.AUDIT_MODE: "Switch it off once Hubble shows no AUDIT verdicts that surprise.",
    Impairment.POLICIES_OFF: "Set enable-policy: default.",
    Impairment.NO_AGENTS: "Install Cilium first, or set cilium.namespace and cilium.agentLabels.",
    Impairment.NAMESPACED_POLICIES_OFF: "Switch it on: baselines would close what only profiles"
    " open.",
    Impairment.CLUSTERWIDE_POLICIES_OFF: "Switch it on: without the baselines nothing scrapes a"
    " namespace with a profile.",
    Impairment.AGENTS_NOT_READY: "Wait until they are.",
    Impairment.LABELS_NOT_IN_IDENTITIES: "Let Cilium keep these labels, or set others: rules that"
    " name them select no pod, so what they allow is denied.",
    Impairment.ADDITIVE_POLICIES_OFF: "Switch it on: the baselines would deny to the platform's"
    " namespaces what they only should allow.",
    Impairment.LAYER_7_OFF: "Switch it on, or do without dns.proxy and DNS names.",
    Impairment.CLUSTER_NAME_NOT_USED: "Set cluster.name to what the ConfigMap says, or not at all.",
    Impairment.OTHER_CLUSTERS_MEANT: "See docs/cluster-mesh.md.",
}


def check(stages: Stages) -> Iterator[Problem]:
    """What the operator itself would report of Cilium."""
    found = stages.cache.enforcement()
    for impairment, text in found.impairments.items():
        severity = Severity.CUT_OFF if impairment in _CUT_OFF else Severity.WARNING
        message = f"{text[0].upper()}{text[1:].rstrip('.')}."
        remedy = _REMEDIES.get(impairment, "")
        yield Problem(severity, CHECK, str(impairment), message, remedy)
    state = stages.cache.cilium
    if not found.known:
        yield Problem(
            Severity.WARNING,
            CHECK,
            state.where,
            f"Cilium's ConfigMap {state.where} is not known ({state.unknown_because}), so whether"
            " policies are enforced is not either.",
            "Set cilium.namespace and cilium.configMap, give the account the right to read it, or"
            " pass it with -f.",
        )
