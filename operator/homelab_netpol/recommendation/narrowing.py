"""Annotations that open nothing and close what nobody needs: the ports for gateways. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import EndError, Member
from homelab_netpol.access.ends_known import GATEWAY_WORDS, KnownEnds
from homelab_netpol.access.fixes import Change, Setting
from homelab_netpol.cilium.evaluation import Endpoint, Pod
from homelab_netpol.intent import parse_ports
from homelab_netpol.recommendation.needs import Need


def gateway_ports(
    frame: ClusterModel, namespace: str, change: Change, needs: Sequence[Need]
) -> tuple[Setting, ...]:
    """The annotation `gateway-ports` with the ports that gateways need; nothing, if it cannot be.

    Args:
        frame: the cluster.
        namespace: whose gateways' ports.
        change: what is recommended for it.
        needs: what it needs.
    """
    words = frame.desired.catalogue.vocabulary
    if not any(each.key == words.profile_key for each in change.settings):
        return ()
    gateways = {comparable(each.endpoint) for each in gateway_members(frame)}
    ports = {
        need.ports
        for need in needs
        if _is_in(need.target, namespace) and comparable(need.source.endpoint) in gateways
    }
    if any(each.protocol != "TCP" or each.first != each.last for each in ports):
        return ()
    text = ",".join(map(str, sorted(each.first for each in ports)))
    if parse_ports(text) is None:
        return ()
    return (Setting(namespace, words.gateway_ports_key, text, annotation=True),)


def gateway_members(model: ClusterModel) -> Iterator[Member]:
    """All that settings call gateways."""
    known = KnownEnds(model)
    for which in GATEWAY_WORDS:
        try:
            yield from known.gateway(which).members
        except EndError:
            continue


def comparable(endpoint: Endpoint) -> object:
    """An endpoint, comparable between clusters: pods by their Namespace and labels."""
    if isinstance(endpoint, Pod):
        return endpoint.namespace, tuple(sorted(endpoint.labels.items()))
    return replace(endpoint)


def _is_in(member: Member, namespace: str) -> bool:
    return member.pod is not None and member.pod.namespace == namespace
