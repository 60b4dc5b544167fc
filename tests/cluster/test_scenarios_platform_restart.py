"""A label that made a Namespace the platform's becomes unreadable, and the operator restarts."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube, eventually
from tests.cluster.restarts import kill_at_rest, writes_nothing
from tests.cluster.spaces import PLATFORM, PROFILE, Spaces
from tests.cluster.test_scenarios_platform import SETTINGS, spared
from tests.running_operator import running_operator


def test_after_a_restart_the_last_good_value_still_counts(
    account: Path, spaces: Spaces, kube: Kube
) -> None:
    settings = {**QUICK, **SETTINGS}
    with running_operator(account, settings) as operator:
        joined = spaces({PLATFORM: "true", PROFILE: "internal"})
        apart = spaces({PROFILE: "internal"})
        apart.has_profile("internal")
        eventually(lambda: spared(kube, joined), f"{joined.name} to be spared")
        for app in (joined, apart):
            app.label({PLATFORM: "yes"})
            app.told("PlatformValueInvalid", "not 'yes'")
        before_restart = kill_at_rest(operator, kube)
    with running_operator(account, settings) as operator:
        writes_nothing(operator, kube, before_restart)
        assert spared(kube, joined)
        assert joined.policy() is None
        assert not spared(kube, apart)
        apart.has_profile("internal")
