"""Whether anything enforces policies, by Cilium's configuration and its agents. Pure."""

from __future__ import annotations

from homelab_netpol.audit.given import Given
from homelab_netpol.audit.result import Enforcing


def enforcing(given: Given) -> Enforcing:
    """As the operator itself would report it; a cluster without agents enforces nothing."""
    found = given.inspection.cache.enforcement()
    problems = [f"{said[0].upper()}{said[1:].rstrip('.')}." for said in found.impairments.values()]
    state = given.inspection.cache.cilium
    is_off = found.enforces_nothing
    if given.from_cluster and state.agents is None and not given.pods_unread:
        is_off = True
        labels = ",".join(f"{k}={v}" for k, v in given.settings.cilium.agent_labels.items())
        problems.append(f"No agent of Cilium runs in {given.settings.cilium.namespace} ({labels}).")
    if is_off:
        return Enforcing(False, tuple(problems))
    known = found.known and (state.agents is not None or not given.from_cluster)
    return Enforcing(True if known else None, tuple(problems))


def not_known(given: Given) -> str:
    """Why it is not known, in a sentence; "": it is."""
    state = given.inspection.cache.cilium
    if state.config is not None:
        return ""
    return (
        f"Cilium's ConfigMap {state.where}: {state.unknown_because or 'it is not there'}; so"
        " whether policies are enforced is not known, nor the size of policy maps"
    )
