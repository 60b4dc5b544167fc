"""Policies of somebody else with our names, handed over by their owner."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from lab.control_plane import Engine, Flow, Identity
from tests.cluster.conftest import QUICK
from tests.cluster.kube import Kube, Manifest, ccnp_path, cnp_path, eventually
from tests.cluster.moments import Moments, allowed
from tests.cluster.spaces import (
    DOMAIN,
    ENFORCEMENT,
    MANAGED_BY,
    OPERATOR,
    PROFILE,
    PROFILE_POLICY,
    Space,
    Spaces,
    access,
    uid_of,
)
from tests.cluster.watched import resync, series, shows, shows_none
from tests.running_operator import RunningOperator, running_operator

TAKE_OVER = f"{DOMAIN}/take-over"
ACCESS_POLICY = "homelab-access-postgres"
ORIGINALS: list[Manifest] = list(
    yaml.safe_load_all(Path(__file__).with_name("static_baselines.yaml").read_text("utf-8"))
)
NAMES = [original["metadata"]["name"] for original in ORIGINALS]
# What Flux puts on everything that it applies, and goes by when it prunes.
FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "policies",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}
NO_PRUNE = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
AMBIENT = {"istio.io/dataplane-mode": "ambient"}
PORTS = [("UDP", 53), *(("TCP", n) for n in (53, 443, 5432, 6443, 8080, 9090, 15008))]


def theirs(manifest: Manifest, **annotations: str) -> Manifest:
    """A policy as Flux applies it."""
    metadata = {**manifest["metadata"], "labels": {**FLUX, "team": "infra"}}
    return {**manifest, "metadata": {**metadata, "annotations": {**NO_PRUNE, **annotations}}}


def apply(kube: Kube, path: str, manifest: Manifest) -> None:
    """Applies as Flux does: on the server, by force."""
    status, text = kube.call(
        "PATCH",
        f"{path}?fieldManager=kustomize-controller&force=true",
        manifest,
        content_type="application/apply-patch+yaml",
    )
    assert status in (200, 201), text


def annotate(kube: Kube, path: str, value: str = "true") -> None:
    """Writes the annotation."""
    kube.patch(path, {"metadata": {"annotations": {TAKE_OVER: value}}})


def is_ours(policy: Manifest | None) -> bool:
    """The policy says that it is the operator's."""
    return policy is not None and policy["metadata"].get("labels", {}).get(MANAGED_BY) == OPERATOR


def changes_hands(kube: Kube, path: str) -> Manifest:
    """Waits for a policy to be the operator's."""
    return eventually(lambda: _if_ours(kube.get(path)), f"{path} to change hands")


def _if_ours(policy: Manifest | None) -> Manifest | None:
    return policy if is_ours(policy) else None


def told_by_now(app: Space, reason: str, *words: str) -> None:
    """Waits for an Event that says this, whatever others of its reason say."""
    eventually(
        lambda: any(all(w in each["message"] for w in words) for each in app.events(reason)),
        f"an Event {reason} that says {words}",
        seconds=90.0,
    )


@pytest.fixture
def originals(kube: Kube) -> Iterator[None]:
    """The six, where no operator has been yet."""
    _clear(kube)
    for original in ORIGINALS:
        apply(kube, ccnp_path(original["metadata"]["name"]), theirs(original))
    yield
    _clear(kube)


def _clear(kube: Kube) -> None:
    for name in NAMES:
        kube.delete(ccnp_path(name))
    eventually(lambda: not any(kube.ccnp(name) for name in NAMES), "the names to be free")


class Homelab:
    """Namespaces of each sort, and everything that their pods may try to reach."""

    def __init__(self, kube: Kube, spaces: Spaces) -> None:
        labels: dict[str, dict[str, str]] = {
            "app": {PROFILE: "internal-egress", access("postgres"): "true", **AMBIENT},
            "operated": {PROFILE: "isolated", access("kube-api"): "true"},
            "open": {PROFILE: "internal", ENFORCEMENT: "disabled"},
            "plain": {},
            "meshed": AMBIENT,
        }
        self.spaces = {name: spaces(each) for name, each in labels.items()}
        self.ends = {
            name: Identity.pod(space.name, {"app": name}, labels[name])
            for name, space in self.spaces.items()
        }
        platform: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
            "dns": ("kube-system", {"k8s-app": "kube-dns"}, {}),
            "webhook": ("cert-manager", {"app": "webhook"}, {}),
            "prometheus": ("monitoring", {"app.kubernetes.io/name": "prometheus"}, AMBIENT),
            "postgres": ("database", {"app": "postgres"}, AMBIENT),
            "gateway": (
                "istio-gateway",
                {"gateway.networking.k8s.io/gateway-name": "internal"},
                AMBIENT,
            ),
            "ztunnel": ("istio-system", {"app": "ztunnel"}, {}),
        }
        for name, (namespace, pod, of_namespace) in platform.items():
            self.ends[name] = Identity.pod(namespace, pod, of_namespace)
        for entity in ("host", "remote-node", "kube-apiserver", "health", "world"):
            self.ends[entity] = Identity.entity(entity)
        self.ends["kubelet in a mesh"] = Identity.address("169.254.7.127/32")
        self.places = [space.name for space in self.spaces.values()]
        self.places += [namespace for namespace, *_ in platform.values()]
        self.flows = [
            Flow(source, target, port, protocol)
            for source, target in itertools.permutations(self.ends, 2)
            for protocol, port in PORTS
        ]
        self._kube = kube

    @contextmanager
    def nothing_is_cut_off(self, engine: Engine) -> Iterator[Moments]:
        """Judges every state of the policies in between."""
        moments = Moments(self._kube, self.places)
        yield moments
        engine.identities(self.ends)
        assert moments.cut_off(engine, self.flows) == []


@pytest.fixture
def homelab(kube: Kube, spaces: Spaces) -> Homelab:
    """Namespaces under the six."""
    return Homelab(kube, spaces)


@contextmanager
def refused(kube: Kube, account: Path, spaces: Spaces) -> Iterator[RunningOperator]:
    """An operator that has found all six names taken, and has touched none of them."""
    before = {name: kube.ccnp(name) for name in NAMES}
    with running_operator(account, QUICK) as operator:
        default = spaces.existing("default")
        for name in NAMES:
            shows(operator, 1, "conflicts", kind="CiliumClusterwideNetworkPolicy", name=name)
            default.told("NameTaken", name, f"kubectl annotate ccnp {name} {TAKE_OVER}=true")
        resync(operator)
        assert {name: kube.ccnp(name) for name in NAMES} == before
        yield operator


def all_ours(kube: Kube) -> bool:
    return all(is_ours(kube.ccnp(name)) for name in NAMES)


@pytest.mark.usefixtures("originals")
def test_the_six_change_hands_one_after_the_other(
    kube: Kube, account: Path, spaces: Spaces, homelab: Homelab, engine: Engine
) -> None:
    with refused(kube, account, spaces) as operator:
        for space in homelab.spaces.values():
            if PROFILE in space.manifest()["metadata"]["labels"]:
                space.has()
        for name in NAMES:
            others = {other: kube.ccnp(other) for other in NAMES if other != name}
            before = kube.ccnp(name)
            with homelab.nothing_is_cut_off(engine) as moments:
                annotate(kube, ccnp_path(name))
                changes_hands(kube, ccnp_path(name))
            assert {other: kube.ccnp(other) for other in others} == others
            told = spaces.existing("default").told("TakenOver", name, "flux-system/policies")
            assert told["involvedObject"]["uid"] == uid_of(before) == uid_of(kube.ccnp(name))
            writes = [each for _, each in moments.events() if each["metadata"]["name"] == name]
            assert list(map(is_ours, writes)) == [False, True], "annotated, taken over: one write"
            shows_none(operator, "conflicts", name=name)
        resync(operator)
        shows_none(operator, "failures_in_a_row", scope="clusterwide")


@pytest.mark.usefixtures("originals")
def test_the_six_change_hands_all_at_once(
    kube: Kube, account: Path, spaces: Spaces, homelab: Homelab, engine: Engine
) -> None:
    with refused(kube, account, spaces), homelab.nothing_is_cut_off(engine) as moments:
        for name in NAMES:
            annotate(kube, ccnp_path(name))
        eventually(lambda: all_ours(kube), "all to change hands")
        eventually(lambda: _as_rendered(kube), "none to be a bridge any more")
    engine.identities(homelab.ends)
    before, *_, after = moments.states()
    wider = allowed(engine, after, homelab.flows)
    assert any(allowed(engine, before, homelab.flows)), "or nothing was judged"
    assert any(wider)


@pytest.mark.usefixtures("originals")
def test_what_was_handed_over_before_the_operator_came_changes_hands_at_its_start(
    kube: Kube, account: Path, homelab: Homelab, engine: Engine
) -> None:
    for name in NAMES:
        annotate(kube, ccnp_path(name))
    with homelab.nothing_is_cut_off(engine), running_operator(account, QUICK):
        eventually(lambda: all_ours(kube), "all to change hands")
        eventually(lambda: _as_rendered(kube), "none to be a bridge any more")


def _as_rendered(kube: Kube) -> bool:
    """Nothing of the originals is left in any of them."""
    policies = [kube.ccnp(name) or {} for name in NAMES]
    return not any('"reserved:none"' in str(each).replace("'", '"') for each in policies)


@pytest.mark.usefixtures("originals")
def test_a_hand_over_is_seen_without_a_resync(kube: Kube, account: Path, spaces: Spaces) -> None:
    with running_operator(account):
        spaces.existing("default").told("NameTaken", NAMES[-1])
        for name in NAMES:
            annotate(kube, ccnp_path(name))
        eventually(lambda: all_ours(kube), "all to change hands")


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


def test_a_hand_over_that_is_taken_back_in_time_is_none(
    squatted: Space, kube: Kube, operator: RunningOperator
) -> None:
    path = cnp_path(squatted.name, PROFILE_POLICY)
    annotate(kube, path, "false")
    before = squatted.has()["spec"]
    resync(operator, 2)
    assert squatted.has()["spec"] == before
    assert not is_ours(squatted.policy())
