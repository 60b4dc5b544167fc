"""The six static baselines of a homelab change hands, judged at every moment by the engine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from lab.control_plane import Engine, Flow, Identity
from tests.cluster.audited import HOME
from tests.cluster.conftest import QUICK
from tests.cluster.handing_over import (
    PORTS,
    TAKE_OVER,
    annotate,
    apply,
    changes_hands,
    is_ours,
    theirs,
)
from tests.cluster.kube import Kube, Manifest, ccnp_path, eventually
from tests.cluster.moments import Moments, allowed
from tests.cluster.spaces import (
    ENFORCEMENT,
    PROFILE,
    Spaces,
    access,
    uid_of,
)
from tests.cluster.watched import resync, series, shows, shows_none
from tests.running_operator import RunningOperator, running_operator

ORIGINALS: list[Manifest] = list(
    yaml.safe_load_all(Path(__file__).with_name("static_baselines.yaml").read_text("utf-8"))
)
NAMES = [original["metadata"]["name"] for original in ORIGINALS]
AMBIENT = {"istio.io/dataplane-mode": "ambient"}


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
    for original in ORIGINALS:
        policy = kube.ccnp(original["metadata"]["name"]) or {}
        if original["spec"] in (policy.get("specs") or [policy.get("spec")]):
            return False
    return True


@pytest.mark.usefixtures("originals")
def test_a_hand_over_is_seen_without_a_resync(kube: Kube, account: Path, spaces: Spaces) -> None:
    with running_operator(account):
        spaces.existing("default").told("NameTaken", NAMES[-1])
        for name in NAMES:
            annotate(kube, ccnp_path(name))
        eventually(lambda: all_ours(kube), "all to change hands")


@pytest.mark.usefixtures("originals")
def test_only_the_leader_takes_over(kube: Kube, account: Path) -> None:
    elected = {"enabled": True, "namespace": HOME, "leaseSeconds": 3}
    settings = {**QUICK, "leaderElection": elected}
    with running_operator(account, settings) as leader:
        shows(leader, 1, "leader")
        with running_operator(account, settings) as standby:
            for name in NAMES:
                annotate(kube, ccnp_path(name))
            eventually(lambda: all_ours(kube), "all to change hands")
            resync(leader, 2)
            assert sum(series(standby, "writes_total")) == 0
            assert sum(series(leader, "writes_total", operation="take-over")) == len(NAMES)
