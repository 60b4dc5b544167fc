"""Gateways, DNS and scrapers: those of the settings that are not there, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network

from homelab_netpol.cilium.networks import contains
from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.objects import Component
from homelab_netpol.preflight.problem import Problem, Severity, some_of
from homelab_netpol.preflight.stages import Stages
from homelab_netpol.settings import Peer, Settings

MISSING = "peer-missing"
UNNAMED = "peer-not-in-settings"
NOT_PLATFORM = "not-platform"
_SERVING = ("gateways.", "dns.", "mesh.")
_DETECT = "homelab-netpol detect writes the settings that fit."
_ALL_PODS = frozenset({"all", "cluster"})


def check_missing(stages: Stages, facts: ClusterFacts) -> Iterator[Problem]:
    """Peers of the settings of which no pod is there."""
    settings = stages.settings
    if not facts.is_read("Pod"):
        return
    meshed = any(map(stages.cache.namespaces.is_meshed, stages.before.namespaces))
    no_dns = not any(_exists(peer, facts) for peer in settings.dns.servers)
    for path, peer in settings.named_peers():
        if _exists(peer, facts) or (path.startswith("mesh.") and not meshed):
            continue
        severity = Severity.NOTE if path.startswith("scrapers") else Severity.WARNING
        what = f"The setting {path} names {peer}, and there is no such pod."
        if path.startswith("dns.") and no_dns:
            severity = Severity.CUT_OFF
            what += " No namespace that is closed could resolve a name."
        elif path.startswith("gateways."):
            what += " No request comes in by it; what comes in by another gateway is denied."
        yield Problem(severity, MISSING, path, what, _DETECT)


def check_platform(stages: Stages, facts: ClusterFacts) -> Iterator[Problem]:
    """Namespaces that serve all others, and would be closed like an app's."""
    serving = [peer for path, peer in stages.settings.named_peers() if path.startswith(_SERVING)]
    for path, peer in stages.settings.named_peers():
        for name in peer.namespaces if path.startswith(_SERVING) else ():
            if name in stages.before.namespaces and not stages.before.is_platform(name):
                yield Problem(
                    Severity.WARNING,
                    NOT_PLATFORM,
                    name,
                    f"The setting {path} names pods of {name}, which is no platform namespace: like"
                    " an app's they reach only what a profile or grant allows.",
                    _how_to_serve(stages, name, _others(name, serving, facts)),
                )


def _others(name: str, serving: Sequence[Peer], facts: ClusterFacts) -> list[str]:
    """What else runs in a namespace, beside peers that serve all others."""
    return [
        str(each)
        for each in facts.within(name)
        if not any(peer.selects(name, each.labels, _labels(facts, name)) for peer in serving)
    ]


def _how_to_serve(stages: Stages, name: str, others: Sequence[str]) -> str:
    """What to do; a platform namespace is open, so that its other pods would be as well."""
    if others:
        return (
            f"Move them to a namespace of their own: as a platform namespace, {name} would leave"
            f" {some_of(others)} open too."
        )
    key = stages.cache.catalogue.vocabulary.platform_key
    return f"kubectl label namespace {name} {key}=true, or add it to platformNamespaces."


def check_unnamed(stages: Stages, facts: ClusterFacts, detected: Settings) -> Iterator[Problem]:
    """Peers that are there, as `detect` finds them, and that no setting names."""
    settings = stages.settings
    gateways = (*settings.gateways.internal, *settings.gateways.external)
    for path, found, named, severity, consequence in (
        (
            "dns.servers",
            detected.dns.servers,
            settings.dns.servers,
            Severity.CUT_OFF,
            "pods that ask it get no answer where default deny is in force",
        ),
        (
            "gateways",
            (*detected.gateways.internal, *detected.gateways.external),
            gateways,
            Severity.WARNING,
            "no profile lets it in",
        ),
        (
            "scrapers",
            detected.scrapers,
            settings.scrapers,
            Severity.WARNING,
            "it reads no metrics where default deny is in force",
        ),
    ):
        for peer in dict.fromkeys(map(str, found)):
            one = next(each for each in found if str(each) == peer)
            if _exists(one, facts) and not _is_named(one, named, facts):
                yield Problem(
                    severity,
                    UNNAMED,
                    path,
                    f"{peer} is there, and the setting {path} does not name it: {consequence}.",
                    _DETECT,
                )


def _exists(peer: Peer, facts: ClusterFacts) -> bool:
    """Some pod is meant; entities and networks are there anyhow."""
    return not peer.is_pods or bool(_pods(peer, facts))


def _pods(peer: Peer, facts: ClusterFacts) -> list[Component]:
    return [
        each
        for name in peer.namespaces or facts.namespaces
        for each in facts.within(name)
        if peer.selects(name, each.labels, _labels(facts, name))
    ]


def _labels(facts: ClusterFacts, name: str) -> Mapping[str, str]:
    return facts.namespaces.get(name, {})


def _is_named(peer: Peer, named: Sequence[Peer], facts: ClusterFacts) -> bool:
    """All that a peer means is meant by some of the others."""
    entities = {entity for each in named for entity in each.entities}
    if peer.entities:
        return set(peer.entities) <= entities or "all" in entities
    if peer.cidrs:
        networks = [ip_network(cidr) for each in named for cidr in each.cidrs]
        wanted = [ip_network(cidr) for cidr in peer.cidrs]
        return all(any(contains(each, one) for each in networks) for one in wanted)
    return bool(entities & _ALL_PODS) or all(
        any(
            each.selects(pod.namespace, pod.labels, _labels(facts, pod.namespace)) for each in named
        )
        for pod in _pods(peer, facts)
    )
