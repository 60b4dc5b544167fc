"""Answers what policies ask of the cluster's name, for the pods of one cluster. Pure.

All pods that are asked about are of this cluster, so that the answer is the same for each.
"""

from __future__ import annotations

from dataclasses import replace

from homelab_netpol.cilium.evaluation.matchers import EndpointSelector, Matcher, select
from homelab_netpol.cilium.evaluation.policy import ReadPolicy, Rule
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import CLUSTER_KEY, NAMESPACE_KEY, SOURCE_K8S, SOURCE_RESERVED

# Every pod has a namespace.
_NO_POD = select([Requirement(SOURCE_K8S, NAMESPACE_KEY, Operator.DOES_NOT_EXIST)], pods_only=True)


def in_cluster(policy: ReadPolicy, cluster: str) -> ReadPolicy:
    """The same policy, as far as pods of one cluster are concerned.

    Args:
        policy: with selectors that may name clusters.
        cluster: the name of the cluster whose pods are asked about.
    """
    rules = tuple(_rule(rule, cluster) for rule in policy.rules)
    unchanged = all(new is old for new, old in zip(rules, policy.rules, strict=True))
    return policy if unchanged else ReadPolicy(policy.ref, rules)


def _rule(rule: Rule, cluster: str) -> Rule:
    subject = _matcher(rule.subject, cluster)
    peers = tuple(_matcher(peer, cluster) for peer in rule.peers)
    same_peers = all(new is old for new, old in zip(peers, rule.peers, strict=True))
    if same_peers and subject is rule.subject:
        return rule
    return replace(rule, subject=subject, peers=peers)


def _matcher(matcher: Matcher, cluster: str) -> Matcher:
    if not isinstance(matcher, EndpointSelector):
        return matcher
    named = [one for one in matcher.requirements if one.is_of_pods and one.key == CLUSTER_KEY]
    # With reserved labels it may mean what is no pod, and has no cluster.
    if not named or any(one.source == SOURCE_RESERVED for one in matcher.requirements):
        return matcher
    if not all(one.holds(cluster) for one in named):
        return _NO_POD
    return select([one for one in matcher.requirements if one not in named], matcher.pods_only)
