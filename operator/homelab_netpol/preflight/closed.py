"""Namespaces with pods and no profile, which default deny would close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab_netpol.cilium.evaluation import Direction, Pod, ReadPolicy
from homelab_netpol.cilium.evaluation.verdict import selected
from homelab_netpol.findings.finding import join_words
from homelab_netpol.preflight.problem import Problem, Severity
from homelab_netpol.preflight.stages import Stages
from homelab_netpol.settings import DefaultDeny

CHECK = "closed-namespace"
_NAMED = 3


def check(stages: Stages) -> Iterator[Problem]:
    """By the scope: at once, once the last one is labelled, or never."""
    setting, names = stages.settings.default_deny, stages.still_open
    if stages.scope is DefaultDeny.LABELLED:
        if setting is DefaultDeny.AUTO and names:
            yield Problem(
                Severity.NOTE,
                CHECK,
                "defaultDeny",
                f"{_some(names)} have pods and no profile, so `auto` closes only what has a profile"
                " until each of them has one; then it closes the rest for good.",
                "Label them one after the other (docs/adopting.md).",
            )
        return
    for name in names:
        yield from _closed(stages, name)
    if stages.scope is DefaultDeny.CLUSTER:
        own = stages.cache.catalogue.vocabulary.own_namespace
        for name in stages.before.namespaces:
            if name != own and stages.before.is_platform(name):
                yield from _closed(stages, name, platform=True)


def _closed(stages: Stages, name: str, *, platform: bool = False) -> Iterator[Problem]:
    pods = stages.before.pods(name)
    if not pods:
        return
    policies = stages.before.selecting(name)
    open_ways = [
        direction.value
        for direction in Direction
        if any(not _is_closed(policies, pod, direction) for pod in pods)
    ]
    keys = stages.cache.catalogue.vocabulary
    named = _workloads(stages, name)
    if not open_ways:
        yield Problem(
            Severity.NOTE,
            CHECK,
            name,
            f"{named} have policies of their own in both directions, which go on holding: without a"
            " profile nothing changes but that the baselines allow DNS, probes and scraping.",
            "Label it if a profile should take their place.",
        )
        return
    ways = join_words(open_ways)
    if platform:
        yield Problem(
            Severity.CUT_OFF,
            CHECK,
            name,
            f"{named}: {ways} that no policy allows would be denied, as defaultDeny: cluster closes"
            " the platform's namespaces too.",
            "Write its policies first (docs/platform-namespaces.md), or set defaultDeny: workload.",
        )
        return
    yield Problem(
        Severity.CUT_OFF,
        CHECK,
        name,
        f"{named}: {ways} would be denied at once, but for DNS, probes and scraping, as the"
        f" namespace has no profile (defaultDeny: {stages.settings.default_deny}).",
        f"Label it: kubectl label namespace {name} {keys.profile_key}=standard (or a narrower"
        " profile); or set defaultDeny: auto, which closes nothing until all are labelled.",
    )


def _is_closed(policies: Sequence[ReadPolicy], pod: Pod, direction: Direction) -> bool:
    """What no rule allows is denied to it already."""
    return any(
        one.rule.default_deny and one.certainty is True
        for one in selected(policies, pod, direction)
    )


def _workloads(stages: Stages, namespace: str) -> str:
    names = sorted(
        {
            f"{each.kind} {each.name}"
            for each in stages.workloads
            if each.namespace == namespace and not each.host_network
        }
    )
    return _some(names)


def _some(names: Sequence[str]) -> str:
    shown = list(names[:_NAMED])
    if len(names) > _NAMED:
        shown.append(f"{len(names) - _NAMED} more")
    return join_words(shown)
