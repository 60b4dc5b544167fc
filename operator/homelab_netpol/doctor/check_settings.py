"""Cilium's settings that keep policies from doing what they say, or surprise. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homelab_netpol.cilium.agent_config import (
    DEFAULT_GRACE_SECONDS,
    DEFAULT_JITTER_SECONDS,
    AgentConfig,
    read_agent_config,
)
from homelab_netpol.cilium.enforcement import CiliumState, Impairment, Needs, assess
from homelab_netpol.cilium.identity_labels import IdentityLabels
from homelab_netpol.cilium.terms import NAMESPACE_LABELS_PREFIX
from homelab_netpol.cilium.version import agent_versions
from homelab_netpol.definitions.identity import settings_labels
from homelab_netpol.doctor.desired import Wanted
from homelab_netpol.doctor.installation import AGENT, CILIUM_CONFIG, Installation
from homelab_netpol.doctor.result import Result, Status, unreadable

CHECK = "cilium-settings"
# With one of these nothing is enforced, or more is denied than policies say.
_ERRORS = frozenset(
    {
        Impairment.POLICIES_OFF,
        Impairment.NAMESPACED_POLICIES_OFF,
        Impairment.CLUSTERWIDE_POLICIES_OFF,
        Impairment.ADDITIVE_POLICIES_OFF,
        Impairment.LABELS_NOT_IN_IDENTITIES,
        Impairment.LAYER_7_OFF,
    }
)
_REMEDIES = {
    Impairment.AUDIT_MODE: "Set policy-audit-mode: false once Hubble shows no AUDIT verdicts that"
    " surprise, and restart the agents.",
    Impairment.POLICIES_OFF: "Set enable-policy: default, and restart the agents.",
    Impairment.NAMESPACED_POLICIES_OFF: "Set enable-cilium-network-policy: true.",
    Impairment.CLUSTERWIDE_POLICIES_OFF: "Set enable-cilium-clusterwide-network-policy: true.",
    Impairment.LABELS_NOT_IN_IDENTITIES: "Let Cilium's `labels` keep these, or select by others.",
    Impairment.ADDITIVE_POLICIES_OFF: "Set enable-non-default-deny-policies: true: baselines deny"
    " to the platform's namespaces what they only should allow.",
    Impairment.LAYER_7_OFF: "Set enable-l7-proxy: true, or do without dns.proxy and DNS names.",
    Impairment.CLUSTER_NAME_NOT_USED: "Set cluster.name to what the ConfigMap says, or not at all.",
    Impairment.OTHER_CLUSTERS_MEANT: "See docs/cluster-mesh.md.",
}
_LONG_SECONDS = 60.0


def check(found: Installation, wanted: Wanted) -> Iterator[Result]:
    """By the ConfigMap; what a CiliumNodeConfig changes for single nodes does not show there."""
    cilium = found.settings.cilium
    place = f"{cilium.namespace}/{cilium.config_map}"
    listed, data = found.facts.of(CILIUM_CONFIG), found.cilium_data
    if listed.refused:
        yield unreadable(CHECK, f"Cilium's ConfigMap {place}", listed.refused)
        return
    if data is None:
        yield Result(
            Status.WARNING,
            CHECK,
            place,
            f"Cilium's ConfigMap {place} is not there, so whether policies are enforced is not"
            " known, here or to the operator.",
            "Set cilium.namespace and cilium.configMap to where it is.",
        )
        return
    config = read_agent_config(data, agent_versions(found.facts.of(AGENT).items))
    needs = Needs(
        labels=frozenset(label.key for label in settings_labels(found.settings)),
        layer_7=wanted.uses_layer_7,
        cluster=found.settings.cluster.name,
    )
    impaired = assess(CiliumState(place, config), needs).impairments
    for impairment, text in impaired.items():
        status = Status.ERROR if impairment in _ERRORS else Status.WARNING
        message = f"{text[0].upper()}{text[1:].rstrip('.')}."
        yield Result(status, CHECK, str(impairment), message, _REMEDIES.get(impairment, ""))
    if not impaired:
        message = "Policies are enforced as they are written, by Cilium's ConfigMap."
        yield Result(Status.OK, CHECK, place, message)
    yield from _modes(data)
    yield from _delays(config, found.settings.label_domain)
    yield from _answers(config)


def _modes(data: dict[str, str]) -> Iterator[Result]:
    mode = data.get("enable-policy", "").strip().lower()
    if mode == "always":
        yield Result(
            Status.WARNING,
            CHECK,
            "enable-policy",
            "enable-policy: always denies to every pod what no policy allows, whatever the setting"
            " defaultDeny and the labels say; the hatch opens only what its policy allows.",
            "Set enable-policy: default, unless you mean it.",
        )
    if "labels" in data and data["labels"].strip():
        yield Result(
            Status.NOTE,
            CHECK,
            "labels",
            f"Cilium's label filter is changed: {data['labels'].strip()[:200]!r}. Labels that it"
            " leaves out select no pod.",
        )


def _delays(config: AgentConfig, domain: str) -> Iterator[Result]:
    jitter, grace = config.identity_jitter_seconds, config.identity_grace_seconds
    changed = (jitter, grace) != (DEFAULT_JITTER_SECONDS, DEFAULT_GRACE_SECONDS)
    long = jitter + grace > _LONG_SECONDS
    yield Result(
        Status.WARNING if long else Status.NOTE,
        CHECK,
        "identity-max-jitter",
        f"When the labels of a running pod or of its Namespace change its identity, up to"
        f" {jitter:g} s (identity-max-jitter) and {grace:g} s (identity-change-grace-period) pass"
        f" before policies see it{' (not the defaults)' if changed else ''}. Until then the pod's"
        " agent leaves the policies in force as they are, those that select by name included.",
        "Lower them; or start pods again after their labels change."
        if long
        else "Wait that long before you judge a changed label.",
    )
    if jitter + grace > 0:
        yield from _held_up(config.identity_labels, domain)


def _held_up(labels: IdentityLabels, domain: str) -> Iterator[Result]:
    """Whether a profile or a grant waits for an identity that nobody needs.

    While an endpoint waits for its identity, an agent only notes that its policies have changed
    (`setRegenerateStateLocked` in Cilium's package `endpoint`, 1.16 to 1.20); seen on packets too.
    """
    keys = (f"{domain}/profile", f"access.{domain}/postgres")
    kept = [key for key in keys if labels.keeps(f"{NAMESPACE_LABELS_PREFIX}{key}") is not False]
    if not kept:
        yield Result(
            Status.OK,
            CHECK,
            "labels-in-identities",
            "Profiles and grants are in no identity, so their labels take effect at once.",
        )
        return
    yield Result(
        Status.NOTE,
        CHECK,
        "labels-in-identities",
        "Labels of profiles and grants are in identities, where no policy of the operator's needs"
        " them: so a pod that runs already has its new policies only after that time.",
        f"Add to Cilium's `labels`: {' '.join(_left_out(domain))} (docs/datapath.md).",
    )


def _left_out(domain: str) -> Iterator[str]:
    """Prefixes for Cilium's `labels`: what no clusterwide policy selects by."""
    prefix, escaped = re.escape(NAMESPACE_LABELS_PREFIX), re.escape(domain).replace("\\-", "-")
    yield rf"k8s:!{prefix}access\.{escaped}/"
    yield rf"k8s:!{prefix}{escaped}/(profile|intra-namespace|webhooks)"


def _answers(config: AgentConfig) -> Iterator[Result]:
    if config.deny_response == "icmp":
        yield Result(
            Status.NOTE,
            CHECK,
            "policy-deny-response",
            "Agents answer denied egress by ICMP, so that it fails at once"
            " (policy-deny-response: icmp, experimental in Cilium 1.20).",
            "It helps only pods whose ingress policies let ICMP in.",
        )
        return
    yield Result(
        Status.NOTE,
        CHECK,
        "policy-deny-response",
        "Denied egress is dropped in silence, so apps wait for their timeouts"
        f" (policy-deny-response: {config.deny_response}).",
        "That is Cilium's default. A timeout is how a missing grant looks: see docs/dropped.md.",
    )
