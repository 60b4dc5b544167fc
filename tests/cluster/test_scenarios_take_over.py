"""Policies of somebody else with our names, handed over by their owner."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from lab.control_plane import Engine, Flow, Identity
from tests.cluster.handing_over import (
    FLUX,
    NO_PRUNE,
    PORTS,
    TAKE_OVER,
    annotate,
    apply,
    changes_hands,
    is_ours,
    theirs,
    told_by_now,
)
from tests.cluster.kube import Kube, Manifest, cnp_path, eventually
from tests.cluster.moments import Moments
from tests.cluster.spaces import (
    DOMAIN,
    PROFILE,
    PROFILE_POLICY,
    Space,
    Spaces,
    access,
    uid_of,
)
from tests.cluster.watched import resync, series, shows, shows_none
from tests.running_operator import RunningOperator

ACCESS_POLICY = "homelab-access-postgres"


@pytest.fixture
def squatted(spaces: Spaces, operator: RunningOperator, kube: Kube) -> Space:
    """A namespace in which Flux has written a profile and a grant of the same names as ours."""
    app = spaces()
    for name in (PROFILE_POLICY, ACCESS_POLICY):
        apply(kube, cnp_path(app.name, name), theirs(cnp(name)))
    app.label({PROFILE: "internal", access("postgres"): "true"})
    app.told("NameTaken", PROFILE_POLICY, "the profile of namespace", "flux-system/policies")
    app.told("NameTaken", ACCESS_POLICY, "the grant on postgres", f"-n {app.name} {TAKE_OVER}=true")
    shows(operator, 1, "conflicts", namespace=app.name, name=PROFILE_POLICY)
    return app


def cnp(name: str) -> Manifest:
    """What somebody wrote by hand: a profile that lets anybody in, or a way to the database."""
    rules: dict[str, Manifest] = {
        PROFILE_POLICY: {"ingress": [{"fromEntities": ["cluster"]}]},
        ACCESS_POLICY: {
            "egress": [
                {"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "database"}}]}
            ]
        },
    }
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": name},
        "spec": {"endpointSelector": {}, **rules[name]},
    }


def flows(ends: Sequence[str]) -> list[Flow]:
    return [
        Flow(source, target, port, protocol)
        for source, target in itertools.permutations(ends, 2)
        for protocol, port in PORTS
    ]


def taken_over(kube: Kube, app: Space, *names: str) -> None:
    for name in names:
        changes_hands(kube, cnp_path(app.name, name))


def test_a_profile_and_a_grant_change_hands_and_nothing_is_cut_off(
    squatted: Space, kube: Kube, engine: Engine, operator: RunningOperator
) -> None:
    ends = {
        "app": Identity.pod(squatted.name, {"app": "app"}, {PROFILE: "internal"}),
        "other": Identity.pod(squatted.name, {"app": "other"}, {PROFILE: "internal"}),
        "postgres": Identity.pod("database", {"app": "postgres"}),
        "dns": Identity.pod("kube-system", {"k8s-app": "kube-dns"}),
        "gateway": Identity.pod(
            "istio-gateway", {"gateway.networking.k8s.io/gateway-name": "internal"}
        ),
        "stranger": Identity.pod("elsewhere", {"app": "stranger"}),
    }
    before = {name: uid_of(squatted.policy(name)) for name in (PROFILE_POLICY, ACCESS_POLICY)}
    moments = Moments(kube, [squatted.name, "database"])
    for name in before:
        annotate(kube, cnp_path(squatted.name, name))
    taken_over(kube, squatted, *before)
    squatted.told("TakenOver", PROFILE_POLICY)
    resync(operator)
    assert {name: uid_of(squatted.policy(name)) for name in before} == before
    engine.identities(ends)
    assert moments.cut_off(engine, flows(list(ends))) == []
    assert "cluster" not in str(squatted.has()["spec"]), "the profile is the operator's"
    shows_none(operator, "conflicts", namespace=squatted.name)


def test_what_is_taken_over_is_in_no_inventory_any_more_and_keeps_what_else_it_has(
    squatted: Space, kube: Kube
) -> None:
    path = cnp_path(squatted.name, PROFILE_POLICY)
    argo = {
        "argocd.argoproj.io/tracking-id": f"net:cilium.io/CiliumNetworkPolicy:{squatted.name}/x",
        "argocd.argoproj.io/sync-options": "Prune=false",
        "team.example/contact": "infra",
    }
    kube.patch(path, {"metadata": {"annotations": argo}})
    annotate(kube, path)
    taken_over(kube, squatted, PROFILE_POLICY)
    metadata = squatted.has()["metadata"]
    assert not FLUX.keys() & metadata["labels"].keys()
    assert metadata["labels"]["team"] == "infra"
    of_others = {
        key: value for key, value in metadata["annotations"].items() if not key.startswith(DOMAIN)
    }
    assert of_others == {
        **NO_PRUNE,
        "argocd.argoproj.io/sync-options": "Prune=false",
        "team.example/contact": "infra",
    }
    assert TAKE_OVER not in metadata["annotations"]


def test_a_value_other_than_true_hands_over_nothing_and_is_told(
    squatted: Space, kube: Kube, operator: RunningOperator
) -> None:
    annotate(kube, cnp_path(squatted.name, PROFILE_POLICY), "yes")
    before = squatted.policy()
    told_by_now(squatted, "NameTaken", 'is "yes": only "true" counts')
    resync(operator, 2)
    assert squatted.policy() == before


def test_an_annotation_on_any_other_policy_does_nothing_and_is_told(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    app = spaces()
    app.write("allow-my-friends")
    app.write(PROFILE_POLICY)
    annotate(kube, cnp_path(app.name, "allow-my-friends"))
    annotate(kube, cnp_path(app.name, PROFILE_POLICY))
    before = app.policies()
    told_by_now(app, "TakeOverIgnored", "allow-my-friends", "does nothing there")
    told_by_now(app, "TakeOverIgnored", PROFILE_POLICY, "no label or setting")
    resync(operator)
    assert app.policies() == before


def test_an_annotation_on_a_policy_of_the_operators_means_nothing(
    spaces: Spaces, operator: RunningOperator, kube: Kube
) -> None:
    app = spaces({PROFILE: "internal"})
    app.has_profile("internal")
    annotate(kube, cnp_path(app.name, PROFILE_POLICY))
    before = app.policy()
    resync(operator, 2)
    assert app.policy() == before, "no write, and so no loop"
    app.label({PROFILE: "standard"})
    after = app.has_profile("standard")
    assert TAKE_OVER not in after["metadata"].get("annotations", {}), "gone with the next write"


def test_what_git_writes_again_is_drift_and_leaves_the_inventory_again(
    squatted: Space, kube: Kube, operator: RunningOperator
) -> None:
    path = cnp_path(squatted.name, PROFILE_POLICY)
    annotate(kube, path)
    taken_over(kube, squatted, PROFILE_POLICY)
    ours = squatted.has()
    for _ in range(2):
        (before,) = series(operator, "drift_reverted_total")
        apply(kube, path, theirs(cnp(PROFILE_POLICY), **{TAKE_OVER: "true"}))
        again = squatted.has_spec(ours["spec"])
        assert not FLUX.keys() & again["metadata"]["labels"].keys(), "so that no prune deletes it"
        shows(operator, before + 1, "drift_reverted_total")
    squatted.told("DriftReverted", PROFILE_POLICY)


def test_a_policy_that_changes_all_the_time_changes_hands_nevertheless(
    squatted: Space, kube: Kube
) -> None:
    path = cnp_path(squatted.name, PROFILE_POLICY)
    annotate(kube, path)

    def touch() -> bool:
        for number in range(20):
            kube.patch(path, {"metadata": {"annotations": {"team.example/at": str(number)}}})
        return is_ours(squatted.policy())

    eventually(touch, "it to change hands")
