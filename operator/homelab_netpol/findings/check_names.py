"""Rules of others by DNS name whose lookups no rule sends through Cilium's DNS proxy.

Cilium learns what a name in `toFQDNs` resolves to from answers that pass its proxy; without a DNS
rule that sends them there, such a rule allows nothing. Where that DNS rule stood in a baseline that
the operator's takes the place of, the setting `dns.proxy` brings it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from homelab_netpol.cilium.evaluation import Pod, ReadPolicy
from homelab_netpol.cilium.evaluation.endpoint import Endpoint
from homelab_netpol.cilium.evaluation.matchers import DnsNames
from homelab_netpol.cilium.evaluation.policy import Direction, PolicyRef, Rule
from homelab_netpol.findings.finding import Finding, FindingReason, name_policies
from homelab_netpol.findings.inspection import Inspection
from homelab_netpol.findings.known_peers import known_peers

_DNS_PORT = 53


def check(inspection: Inspection) -> Iterator[Finding | None]:
    """Finds them, by the namespace whose pods look the names up in vain."""
    settings = inspection.cache.catalogue.settings
    asked = known_peers(inspection, settings.dns.servers)
    servers = [end for server in asked for end in server.ends]
    if settings.dns.proxy or not servers:
        return
    policies = inspection.snapshot.policies
    clusterwide = _by_name(policies.get("", ()))
    for namespace in inspection.namespaces:
        by_name = [*_by_name(policies.get(namespace, ())), *clusterwide]
        yield None
        if not by_name:
            continue
        standing = inspection.selecting(namespace)
        unseen: dict[PolicyRef, None] = {}
        for pod in inspection.pods(namespace):
            for policy in by_name:
                if _selects(policy, pod) and not _is_proxied(standing, pod, servers):
                    unseen[policy.ref] = None
            yield None
        if unseen:
            yield Finding(FindingReason.NAMES_NOT_LEARNED, namespace, _message(list(unseen)))


def _by_name(policies: Iterable[ReadPolicy]) -> list[ReadPolicy]:
    return [one for one in policies if any(_opens_names(rule) for rule in one.rules)]


def _opens_names(rule: Rule) -> bool:
    names = any(isinstance(peer, DnsNames) for peer in rule.peers)
    return names and rule.allows and rule.direction is Direction.EGRESS


def _selects(policy: ReadPolicy, pod: Pod) -> bool:
    """A rule by name of the policy is certainly about the pod."""
    return any(_opens_names(rule) and rule.subject.matches(pod) is True for rule in policy.rules)


def _is_proxied(policies: Iterable[ReadPolicy], pod: Pod, servers: Sequence[Endpoint]) -> bool:
    """Some lookup of the pod may pass the proxy."""
    return any(
        rule.direction is Direction.EGRESS
        and rule.allows
        and rule.filters(_DNS_PORT, "UDP")
        and rule.subject.matches(pod) is not False
        and any(rule.meets(server) is not False for server in servers)
        for policy in policies
        for rule in policy.rules
    )


def _message(refs: Sequence[PolicyRef]) -> str:
    return (
        f"{name_policies(refs)} allows by name (toFQDNs), and no rule sends the lookups of its pods"
        " through Cilium's DNS proxy, so that Cilium learns no address and denies all of it. Set"
        " `dns: {proxy: true}` in the operator's settings, or give that policy a rule to DNS with"
        ' `rules: {dns: [{matchPattern: "*"}]}`.'
    )
