"""Where only namespaces with a profile are closed, one whose profile blinks stays closed."""

from __future__ import annotations

import pytest

from lab.control_plane import Engine
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import PROFILE, PROFILE_POLICY, Spaces
from tests.cluster.test_scenarios_flap import GRACE, passes

pytestmark = pytest.mark.usefixtures("operator")

SETTINGS = {"labelGraceSeconds": GRACE, "defaultDeny": "labelled"}


def test_a_profile_that_blinks_opens_nothing(spaces: Spaces, kube: Kube, engine: Engine) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    for _ in range(5):
        app.label({PROFILE: None})
        assert not passes(kube, engine, app)["stranger in"]
        app.label({PROFILE: "internal"})
        assert not passes(kube, engine, app)["stranger in"]
    app.label({PROFILE: None})
    app.lacks(PROFILE_POLICY)
    eventually(lambda: passes(kube, engine, app)["stranger in"], "the namespace to be open")
    app.told("ProfileRemoved", "the namespace is open now")
