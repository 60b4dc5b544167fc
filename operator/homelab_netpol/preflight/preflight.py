"""Runs all checks on one cluster."""

from __future__ import annotations

from datetime import datetime

from homelab_netpol.detect.detect import detect_by
from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.gateways import detect_gateways
from homelab_netpol.manifests import ManifestSet
from homelab_netpol.preflight import cilium, closed, flows, inspected, labels, names, peers
from homelab_netpol.preflight.problem import Problem, Report, in_order
from homelab_netpol.preflight.stages import make_stages
from homelab_netpol.settings import Settings


def preflight(settings: Settings, manifests: ManifestSet, now: datetime) -> Report:
    """What would be cut off, or not be as labels and settings say.

    Args:
        settings: with which the operator would run.
        manifests: the cluster.
        now: the time, by which hatches close by themselves.

    Raises:
        ManifestError: an object is not described as it must be.
        RenderError: a template cannot be rendered.
    """
    stages = make_stages(settings, manifests, now)
    facts = ClusterFacts(manifests)
    found = Settings.model_validate(detect_by(facts).data)
    _, gateways = detect_gateways(facts)
    problems: list[Problem] = [
        *closed.check(stages),
        *labels.check(stages),
        *names.check(stages),
        *cilium.check(stages),
        *peers.check_missing(stages, facts),
        *peers.check_platform(stages, facts),
        *peers.check_unnamed(stages, facts, found),
        *flows.check(stages, facts, gateways),
        *inspected.check(stages),
    ]
    return Report(tuple(in_order(problems)), tuple(manifests.gaps))
