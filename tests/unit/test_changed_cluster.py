"""A cluster with a change, in memory, is known as well as the one that is given, and no better."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.fixes import NOTHING, Trials
from homelab_netpol.diagnosis.shadow import model_with
from homelab_netpol.intent import LastGood
from homelab_netpol.policy.desired import desired_state
from tests.explained import PROFILE, deployment, model_of, namespace

CLUSTER = namespace("photos", profile="internal") + deployment("photos", "web")


def test_what_could_not_be_read_is_missing_after_a_change_too() -> None:
    model = model_of(CLUSTER)
    model.manifests.gaps.append("CiliumCIDRGroups cannot be listed")
    after = (Trials(model).after(NOTHING), model_with(model, "photos", {PROFILE: "standard"}))
    assert [each.manifests.gaps for each in after] == [model.manifests.gaps] * 2


def test_a_hatch_that_has_closed_by_itself_stays_closed_after_a_change() -> None:
    given = model_of(
        namespace("photos", enforcement="disabled", annotations={"disabled-until": "1h"})
    )
    now = datetime.now(UTC)
    first_seen = LastGood(hatch_open=True, hatch_since=now - timedelta(hours=2))
    namespaces = given.manifests.namespaces()
    desired = desired_state(
        given.desired.catalogue, namespaces, now, last_good={"photos": first_seen}
    )
    assert not desired.intents["photos"].hatch_open
    after = Trials(ClusterModel(given.manifests, desired)).after(NOTHING)
    assert not after.desired.intents["photos"].hatch_open
