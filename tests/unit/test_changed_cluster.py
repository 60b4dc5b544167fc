"""A cluster with a change, in memory, is known as well as the one that is given, and no better."""

from __future__ import annotations

from homelab_netpol.access.fixes import NOTHING, Trials
from homelab_netpol.diagnosis.shadow import model_with
from tests.explained import PROFILE, deployment, model_of, namespace

CLUSTER = namespace("photos", profile="internal") + deployment("photos", "web")


def test_what_could_not_be_read_is_missing_after_a_change_too() -> None:
    model = model_of(CLUSTER)
    model.manifests.gaps.append("CiliumCIDRGroups cannot be listed")
    after = (Trials(model).after(NOTHING), model_with(model, "photos", {PROFILE: "standard"}))
    assert [each.manifests.gaps for each in after] == [model.manifests.gaps] * 2
