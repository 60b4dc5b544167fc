"""From a manifest, as the API server returns it, to what the policy says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from homelab_netpol.cilium.evaluation import read_cilium, read_cluster, read_kubernetes, strict
from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.matchers import Unclear
from homelab_netpol.cilium.evaluation.policy import (
    Direction,
    PolicyRef,
    ReadPolicy,
    Rule,
    Tier,
    Unreadable,
)
from homelab_netpol.cilium.terms import CCNP, CLUSTER_NETWORK_POLICY, CNP


def read_policies(manifests: Iterable[Mapping[str, Any]]) -> tuple[ReadPolicy, ...]:
    """Reads each; see `read_policy`."""
    return tuple(map(read_policy, manifests))


def read_policy(manifest: Mapping[str, Any]) -> ReadPolicy:
    """Reads a policy of Cilium's two kinds, or of Kubernetes' own two.

    A policy that Cilium rejects (`status.conditions[Valid]`) is not in force: it has no rules. What
    cannot be understood becomes rules that may say anything about the pods of its namespace.

    Args:
        manifest: with `kind` and `metadata`; items of a list need their kind put in.

    Raises:
        KeyError: the manifest has no kind or no name.
    """
    metadata = manifest["metadata"]
    ref = PolicyRef(manifest["kind"], metadata.get("namespace") or "", metadata["name"])
    try:
        return ReadPolicy(ref, tuple(_rules(manifest, ref)))
    except Unreadable as problem:
        return ReadPolicy(ref, _any_rules(ref, problem.doubt))


def _rules(manifest: Mapping[str, Any], ref: PolicyRef) -> list[Rule]:
    if ref.kind == "NetworkPolicy":
        return read_kubernetes.read_spec(manifest.get("spec"), ref.namespace)
    if ref.kind == CLUSTER_NETWORK_POLICY:
        return read_cluster.read_spec(manifest.get("spec"))
    if ref.kind not in (CNP, CCNP):
        raise Unreadable
    if _is_rejected(manifest):
        # An agent that knew a valid version before keeps that one.
        if manifest["metadata"].get("generation") not in (None, 0, 1):
            raise Unreadable(Doubt.REJECTED_EDIT)
        return []
    specs = [("spec", manifest["spec"])] if manifest.get("spec") is not None else []
    numbered = enumerate(strict.items(manifest.get("specs")))
    specs += [(f"specs[{number}]", spec) for number, spec in numbered]
    if not specs:
        raise Unreadable
    return [
        rule for path, spec in specs for rule in read_cilium.read_spec(spec, ref.namespace, path)
    ]


def _is_rejected(manifest: Mapping[str, Any]) -> bool:
    status = manifest.get("status")
    # A file may say anything where an API server has a status.
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    return any(
        isinstance(one, Mapping) and one.get("type") == "Valid" and one.get("status") == "False"
        for one in (conditions if isinstance(conditions, list) else ())
    )


def _any_rules(ref: PolicyRef, doubt: Doubt) -> tuple[Rule, ...]:
    subject = Unclear(doubt, ref.namespace)
    # In the first tier they may be beside, or instead of, whatever the others say.
    tiered = ref.kind == CLUSTER_NETWORK_POLICY
    return tuple(
        Rule(
            direction,
            subject,
            peers=(Unclear(doubt),),
            deny=deny,
            default_deny=not tiered,
            tier=Tier.ADMIN if tiered else Tier.NORMAL,
        )
        for direction in Direction
        for deny in (False, True)
    )
