"""The peers of the benchmark do the same job as ours, or comparing them would say nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bench.contenders import PLAIN_KOPF, STOCK, TUNED, contenders
from bench.peers.binary import go_peer
from bench.peers.settings import PROMETHEUS, PeerSettings
from bench.subjects import Subject, own
from lab.control_plane import Lab
from tests.bench.homes import AFTER, BEFORE, Home, Labelled, Stands, home
from tests.cluster.kube import Manifest, ccnp_path, cnp_path, eventually

PEERS = [
    each.subject
    for each in contenders()
    if each.subject and each.name in (PLAIN_KOPF, TUNED, STOCK)
]
NARROWED = {"scrapers": [PROMETHEUS | {"ports": [9090, 9100]}]}


@dataclass(frozen=True, slots=True)
class Ours:
    """What our operator leaves standing."""

    before: Stands
    after: Stands
    narrowed: Stands


@pytest.fixture(scope="module")
def ours(lab: Lab) -> Ours:
    with home(lab) as place:
        before = _ours_leaves(place, BEFORE)
        after = _ours_leaves(place, AFTER)
        with place.running(own(), NARROWED):
            return Ours(before, after, place.stands())


@pytest.fixture(scope="module", params=PEERS, ids=lambda subject: subject.name)
def peer(request: pytest.FixtureRequest) -> Subject:
    subject: Subject = request.param
    if subject.name.startswith("controller-runtime"):
        go_peer()
    return subject


@pytest.fixture(scope="module")
def place(lab: Lab, peer: Subject) -> Iterator[Home]:
    with home(lab) as place:
        yield place


def test_the_same_labels_lead_to_the_same_policies_by_the_time_it_is_ready(
    place: Home, peer: Subject, ours: Ours
) -> None:
    place.label(BEFORE)
    with place.running(peer):
        assert place.stands() == ours.before


def test_every_change_of_labels_is_followed(place: Home, peer: Subject, ours: Ours) -> None:
    place.label(BEFORE)
    with place.running(peer):
        place.label(AFTER)
        _comes_to(place, ours.after)


def test_what_changed_while_it_was_away_is_followed(place: Home, peer: Subject, ours: Ours) -> None:
    place.label(BEFORE)
    with place.running(peer):
        _comes_to(place, ours.before)
    place.label(AFTER)
    place.kube.delete(ccnp_path("baseline-dns-egress"))
    with place.running(peer):
        assert place.stands() == ours.after


def test_edits_by_hand_are_undone(place: Home, peer: Subject, ours: Ours) -> None:
    place.label(AFTER)
    with place.running(peer):
        _comes_to(place, ours.after)
        narrowed = {"spec": {"ingress": [{"fromEntities": ["health"]}], "egressDeny": [{}]}}
        place.kube.patch(cnp_path("jobs", "homelab-profile"), narrowed)
        place.kube.patch(cnp_path("database", "homelab-grant-postgres"), narrowed)
        closed: Manifest = {"endpointSelector": {}, "ingress": [], "egress": []}
        place.kube.patch(ccnp_path("baseline-dns-egress"), {"specs": [closed]})
        denying = {"spec": {"ingressDeny": [{"fromEntities": ["world"]}]}}
        place.kube.patch(ccnp_path("baseline-kube-api-access"), denying)
        _comes_to(place, ours.after)


def test_what_is_deleted_by_hand_comes_back(place: Home, peer: Subject, ours: Ours) -> None:
    place.label(AFTER)
    with place.running(peer):
        _comes_to(place, ours.after)
        place.kube.delete(cnp_path("jobs", "homelab-profile"))
        place.kube.delete(cnp_path("database", "homelab-grant-postgres"))
        place.kube.delete(ccnp_path("baseline-health-probes"))
        _comes_to(place, ours.after)


def test_a_namespace_that_goes_leaves_the_lists_of_consumers(
    place: Home, peer: Subject, ours: Ours
) -> None:
    place.label(AFTER)
    with place.running(peer):
        place.label({**AFTER, "passing": BEFORE["granted"]})
        target = cnp_path("database", "homelab-grant-postgres")
        eventually(lambda: "passing" in str(place.kube.get(target)), "both sides of the grant")
        place.label(AFTER)
        _comes_to(place, ours.after)


def test_a_restart_with_everything_right_writes_nothing(place: Home, peer: Subject) -> None:
    place.label(AFTER)
    with place.running(peer):
        before = place.versions()
    with place.running(peer):
        pass
    assert place.versions() == before


def test_prometheus_is_held_to_the_ports_of_the_setting(
    place: Home, peer: Subject, ours: Ours
) -> None:
    place.label(AFTER)
    with place.running(peer, NARROWED):
        _comes_to(place, ours.narrowed)


def test_a_resync_with_everything_right_writes_nothing(place: Home, peer: Subject) -> None:
    place.label(AFTER)
    with place.running(peer, {"resyncSeconds": 1}):
        before = place.versions()
        time.sleep(3)
        assert place.versions() == before


def test_a_setting_that_a_peer_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="defaultDeny"):
        PeerSettings.read({"defaultDeny": "labelled"})
    with pytest.raises(ValueError, match="scrapers"):
        PeerSettings.read({"scrapers": [{"entities": ["host"]}]})


def _ours_leaves(place: Home, labels: Labelled) -> Stands:
    place.label(labels)
    with place.running(own()):
        return place.settled()


def _comes_to(place: Home, wanted: Stands) -> None:
    def differences() -> bool:
        assert place.stands() == wanted
        return True

    eventually(differences, "the same policies as ours")
