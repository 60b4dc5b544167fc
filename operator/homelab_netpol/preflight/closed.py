"""Namespaces with pods and no profile, which default deny would close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab_netpol.cilium.evaluation import Direction, Pod, ReadPolicy
from homelab_netpol.cilium.evaluation.verdict import selected
from homelab_netpol.findings.finding import join_words
from homelab_netpol.preflight.problem import Problem, Severity, some_of
from homelab_netpol.preflight.stages import Stages
from homelab_netpol.settings import DefaultDeny

CHECK = "closed-namespace"
_NAMED_NAMESPACES = 20


def check(stages: Stages) -> Iterator[Problem]:
    """By the scope: at once, once the last one is labelled, or never."""
    setting, names = stages.settings.default_deny, stages.still_open
    if stages.scope is DefaultDeny.LABELLED:
        if setting is DefaultDeny.AUTO and names:
            have = "has" if len(names) == 1 else "have"
            yield Problem(
                Severity.NOTE,
                CHECK,
                "defaultDeny",
                f"{some_of(names, _NAMED_NAMESPACES)} {have} pods and no"
                " profile, so `auto` closes only what has a profile until no namespace with pods is"
                " without one; then it closes the rest for good.",
                "Label one after the other (docs/adopting.md).",
            )
        return
    open_ways = {name: _open_ways(stages, name) for name in names}
    for name, ways in open_ways.items():
        if ways:
            yield _closed(stages, name, ways)
    closed = [name for name, ways in open_ways.items() if not ways]
    if closed:
        yield Problem(
            Severity.NOTE,
            CHECK,
            "defaultDeny",
            f"In {some_of(closed, _NAMED_NAMESPACES)} policies of others deny the rest in both"
            " directions already, and go on doing so: without a profile nothing changes there but"
            " that the baselines allow DNS, probes and scraping.",
            "Label them if a profile should take the place of these policies.",
        )
    if stages.scope is DefaultDeny.CLUSTER:
        own = stages.cache.catalogue.vocabulary.own_namespace
        for name in stages.before.namespaces:
            if name != own and stages.before.is_platform(name):
                ways = _open_ways(stages, name)
                if ways:
                    yield _closed(stages, name, ways, platform=True)


def _open_ways(stages: Stages, name: str) -> list[str]:
    """The directions in which some pod is not closed already."""
    policies, pods = stages.before.selecting(name), stages.before.pods(name)
    return [
        direction.value
        for direction in Direction
        if any(not _is_closed(policies, pod, direction) for pod in pods)
    ]


def _closed(
    stages: Stages, name: str, open_ways: Sequence[str], *, platform: bool = False
) -> Problem:
    keys = stages.cache.catalogue.vocabulary
    named = _workloads(stages, name)
    ways = join_words(open_ways)
    if platform:
        return Problem(
            Severity.CUT_OFF,
            CHECK,
            name,
            f"{named}: {ways} that no policy allows would be denied, as defaultDeny: cluster closes"
            " the platform's namespaces too.",
            "Write its policies first (docs/platform-namespaces.md), or set defaultDeny: workload.",
        )
    return Problem(
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
    return some_of(names)
