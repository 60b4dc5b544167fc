"""In which order companions and what the baselines deny change. What they allow: tests/worlds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.default_deny import namespaces_spared
from homelab_netpol.policy.diff import Delete, diff, in_steps
from homelab_netpol.policy.objects import LivePolicy, Policy
from homelab_netpol.policy.plan import Planner
from homelab_netpol.policy.plan_clusterwide import NO_OTHERS, PlatformNamespaces
from homelab_netpol.settings import parse_settings
from tests.unit.test_plan import live

PLANNER = Planner(
    Catalogue(
        parse_settings(
            "companions: {cnpg: {pods: {matchLabels: {app: db}}, ports: [{port: 8000}],"
            " from: [{namespace: database, podLabels: {app: operator}}]}}"
        )
    )
)
COMPANION = "baseline-companion-cnpg"
DENYING = {"baseline-dns-egress", "baseline-health-probes", "baseline-prometheus-scrape"}
WITHOUT, WITH_APP = NO_OTHERS, PlatformNamespaces(["app"])


def stands(policy: Policy) -> LivePolicy:
    return replace(live(policy), spared=namespaces_spared(policy.body))


def order(before: Sequence[Policy], after: Sequence[Policy]) -> list[set[str]]:
    """The names of what is written, step by step."""
    changes = diff(after, {policy.key: stands(policy) for policy in before})
    return [
        {(c.live if isinstance(c, Delete) else c.policy).key.name for c in step}
        for step in in_steps(changes)
    ]


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [(WITHOUT, WITH_APP, [DENYING, {COMPANION}]), (WITH_APP, WITHOUT, [{COMPANION}, DENYING])],
    ids=["joins the platform", "leaves it"],
)
def test_companions_hold_for_as_long_as_the_baselines_deny(
    before: PlatformNamespaces, after: PlatformNamespaces, steps: list[set[str]]
) -> None:
    assert order(PLANNER.clusterwide({}, before), PLANNER.clusterwide({}, after)) == steps


def test_companions_go_with_the_profile_of_a_namespace_that_joins_the_platform() -> None:
    before, closing = PLANNER.clusterwide({}), PlatformNamespaces(["app"], denied=["app"])
    assert order(before, PLANNER.clusterwide({}, closing)) == [DENYING]


def test_companions_are_there_before_the_baselines_deny() -> None:
    first = order([], PLANNER.clusterwide({}))[0]
    assert COMPANION in first
    assert not first & DENYING
