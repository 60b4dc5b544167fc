"""Hands on the operator's policies: edits are reverted, deletions made up for, labels left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.cluster.kube import Kube, ccnp_path, eventually
from tests.cluster.spaces import (
    DOMAIN,
    GATEWAY_PORTS,
    MANAGED_BY,
    OPERATOR,
    PROFILE,
    Space,
    Spaces,
    access,
    uid_of,
    version_of,
)
from tests.cluster.watched import resync
from tests.running_operator import RunningOperator

pytestmark = pytest.mark.usefixtures("operator")

EVERYTHING = [{"fromEntities": ["all"]}]

EDITS: dict[str, Mapping[str, Any]] = {
    "rules replaced": {"spec": {"ingress": EVERYTHING}},
    "rules taken out": {"spec": {"egress": None}},
    "a deny rule added": {"spec": {"egressDeny": [{"toEntities": ["all"]}]}},
    "selector changed": {"spec": {"endpointSelector": {"matchLabels": {"app": "nobody"}}}},
    "default deny switched off": {"spec": {"enableDefaultDeny": {"ingress": False}}},
    "a second list of rules": {"specs": [{"endpointSelector": {}, "ingress": EVERYTHING}]},
    "managed-by taken off": {"metadata": {"labels": {MANAGED_BY: None}}},
    "managed-by of another": {"metadata": {"labels": {MANAGED_BY: "Helm"}}},
    "managed-by taken off and rules replaced": {
        "metadata": {"labels": {MANAGED_BY: None}},
        "spec": {"ingress": EVERYTHING},
    },
    "all labels taken off": {"metadata": {"labels": None}},
    "profile label changed": {"metadata": {"labels": {PROFILE: "standard"}}},
    "component label changed": {"metadata": {"labels": {f"{DOMAIN}/component": "hatch"}}},
    "annotation changed": {"metadata": {"annotations": {GATEWAY_PORTS: "22"}}},
    "annotations taken off": {"metadata": {"annotations": None}},
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_hand_edit_is_reverted(spaces: Spaces, edit: str) -> None:
    app = spaces({PROFILE: "internal"})
    good = app.has_profile("internal")
    edited = app.change(EDITS[edit])
    assert version_of(edited) != version_of(good)

    def restored() -> bool:
        now = app.policy() or {}
        same = all(now["metadata"].get(key) == good["metadata"].get(key) for key in KEPT)
        return same and now["spec"] == good["spec"] and "specs" not in now

    eventually(restored, f"{edit} to be reverted")
    assert uid_of(app.policy()) == uid_of(good)
    app.told("DriftReverted", "put back")


KEPT = ("labels", "annotations")


def test_labels_and_annotations_of_others_on_our_policy_are_kept(
    spaces: Spaces, operator: RunningOperator
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    theirs = {"labels": {"team": "blue"}, "annotations": {"example.org/note": "ours: too"}}
    version = version_of(app.change({"metadata": theirs}))
    resync(operator)
    assert version_of(app.policy()) == version, "that is no drift"
    app.label({PROFILE: "standard"})
    metadata = app.has_profile("standard")["metadata"]
    assert metadata["labels"]["team"] == "blue"
    assert metadata["annotations"]["example.org/note"] == "ours: too"


def test_a_deleted_policy_comes_back(spaces: Spaces, database: Space) -> None:
    app = spaces({PROFILE: "internal", access("postgres"): "true"})
    names = ("homelab-profile", "homelab-access-postgres")
    before = {name: app.has(name) for name in names}
    grant = database.has("homelab-grant-postgres")
    for name in names:
        app.drop(name)
    database.drop("homelab-grant-postgres")
    for name in names:
        app.has_spec(before[name]["spec"], name)
        assert uid_of(app.policy(name)) != uid_of(before[name])
    database.has_spec(grant["spec"], "homelab-grant-postgres")
    app.told("DriftReverted", "homelab-profile", "put back")
    database.told("DriftReverted", "homelab-grant-postgres")


BASELINES = (
    "baseline-dns-egress",
    "baseline-health-probes",
    "baseline-prometheus-scrape",
    "baseline-kube-api-access",
    "baseline-hbone-mesh",
    "escape-hatch-allow-all",
)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_that_is_deleted_by_hand_comes_back(kube: Kube, name: str) -> None:
    before = eventually(lambda: kube.ccnp(name), name)
    kube.delete(ccnp_path(name))
    after = eventually(lambda: kube.ccnp(name), f"{name} to come back")
    for key in ("spec", "specs"):
        assert after.get(key) == before.get(key)
    assert after["metadata"]["labels"][MANAGED_BY] == OPERATOR


def test_a_baseline_that_is_edited_by_hand_is_put_right(kube: Kube) -> None:
    name = "baseline-dns-egress"
    before = eventually(lambda: kube.ccnp(name), name)
    edited = [{**rule, "egress": [{"toEntities": ["all"]}]} for rule in before["specs"]]
    kube.patch(ccnp_path(name), {"metadata": {"labels": {MANAGED_BY: None}}, "specs": edited})

    def restored() -> bool:
        now = kube.ccnp(name) or {}
        labelled = now["metadata"]["labels"].get(MANAGED_BY) == OPERATOR
        return labelled and bool(now.get("specs") == before["specs"])

    try:
        eventually(restored, "the baseline to be put right")
    finally:
        kube.delete(ccnp_path(name))  # also when it was not: others need it


def test_many_edits_in_a_row_end_with_what_is_right(spaces: Spaces) -> None:
    app = spaces({PROFILE: "internal"})
    good = app.has_profile("internal")
    for number in range(20):
        app.change({"spec": {"ingress": [{"fromEntities": ["world"]}] * (number % 3 + 1)}})
    app.has_spec(good["spec"])
