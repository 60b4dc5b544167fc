"""Two replicas: one writes, the other waits; whoever dies, and whatever their clocks say."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.chaos.clock import Clock
from tests.chaos.extent import times
from tests.chaos.foreign import POLICIES
from tests.chaos.history import NAMESPACES
from tests.chaos.judge import LEASE
from tests.chaos.kubelet import Kubelet
from tests.chaos.rights import NAMESPACE, user
from tests.chaos.scene import Scene
from tests.chaos.writers import Tenure, tenures
from tests.cluster.kube import CNP, eventually
from tests.dice import seeded

LEASE_SECONDS = 3
# How often a standby looks at a Lease of so many seconds.
LOOKS_SECONDS = 0.6
A, B = "replica-a", "replica-b"
_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{LEASE}"


@pytest.fixture(autouse=True)
def election(scene: Scene) -> Iterator[None]:
    scene.settings["leaderElection"] = {
        "enabled": True,
        "namespace": NAMESPACE,
        "leaseSeconds": LEASE_SECONDS,
    }
    yield
    scene.kube.delete(_PATH)


def leads(replica: Kubelet) -> bool:
    """A replica is there, and says that it leads."""
    try:
        return "\nhomelab_netpol_leader 1.0" in replica.get("/metrics")
    except OSError:
        return False


def takes_over(replica: Kubelet) -> None:
    """Waits until a replica leads."""
    eventually(lambda: leads(replica), "a replica to lead")


@contextlib.contextmanager
def pair(first: Kubelet, second: Kubelet) -> Iterator[tuple[Kubelet, Kubelet]]:
    """A leader, and after it a standby."""
    with first:
        takes_over(first)
        with second:
            second.wait_ready()
            yield first, second


def held_since(scene: Scene) -> list[Tenure]:
    """Who has held the Lease since the scene began."""
    entries, _ = scene.records()
    return [each for each in tenures(entries, LEASE) if each.revision > scene.since]


def in_time(scene: Scene) -> None:
    """Holds each take-over of an expired Lease to the bound, by the API server's clock.

    A machine that is too busy to let the standby look at the Lease as often as it wants to is no
    fault of the standby's: by how much it came too late for that is left out.
    """
    entries, asked = scene.records()
    held = [each for each in tenures(entries, LEASE) if each.revision > scene.since]
    found = []
    for earlier, later in pairwise(held):
        if not earlier.holder or not later.holder:
            continue
        looked = [
            each.received
            for each in asked
            if each.user == later.user and each.resource == "leases" and each.verb == "get"
            if earlier.renewed < each.received < later.began
        ]
        pauses = (b - a - LOOKS_SECONDS for a, b in pairwise([earlier.renewed, *looked]))
        found.append((later.began - earlier.renewed, sum(pause for pause in pauses if pause > 0.1)))
    text = ", ".join(f"{seconds:.2f} s" for seconds, _ in found)
    scene.report(f"the Lease of {LEASE_SECONDS} s was taken over {text} after its last renewal")
    assert found
    assert max(seconds - busy for seconds, busy in found) <= LEASE_SECONDS + 1.0, found


def test_leaders_that_are_killed_are_followed_in_time_and_never_write_together(
    scene: Scene,
) -> None:
    dice, kills = seeded(f"leaders {scene.seed}"), times(3, 25)
    with pair(scene.operator(A), scene.operator(B)) as (leader, standby):
        with scene.churn() as churn:
            for _ in range(kills):
                time.sleep(dice.uniform(0.5, 2.0))
                leader.kill()
                leader, standby = standby, leader
                takes_over(leader)
                standby.wait_ready()
            time.sleep(1.0)
        scene.judge(f"{kills} leaders killed in {churn.steps} steps")
        in_time(scene)


def test_a_standby_is_warm_it_writes_what_is_right_without_listing_anything(scene: Scene) -> None:
    with pair(scene.operator(A), scene.operator(B)) as (first, second):
        with scene.churn():
            time.sleep(2.0)
            first.kill_for_good()
            takes_over(second)
            time.sleep(2.0)
        scene.judge("a standby that took over")
        (last,) = (each for each in held_since(scene) if each.user == user(B))
        entries, asked = scene.records()
    listed = [
        f"all {each.resource}, {each.received - last.began:.3f} s after it had taken over"
        for each in asked
        if each.user == user(B) and each.verb == "list" and each.received > last.began
        # What others wrote is looked at by whoever leads, and nothing waits for it.
        if each.resource in (NAMESPACES, CNP) and not each.is_of_others
    ]
    assert listed == []
    wrote = [
        each
        for each in entries
        if each.author == user(B) and each.change.kind in POLICIES and each.revision > scene.since
    ]
    assert wrote
    scene.report(f"it wrote its first policy {wrote[0].latest - last.began:.3f} s after that")


def test_a_leader_that_is_stopped_gives_the_lease_back(scene: Scene) -> None:
    with pair(scene.operator(A), scene.operator(B)) as (first, second):
        with scene.churn():
            time.sleep(1.0)
            asked = first.stop()
            takes_over(second)
            time.sleep(1.0)
        scene.judge("a leader was stopped")
    given_back = [each for each in held_since(scene) if not each.holder]
    assert given_back, "it did not expire"
    assert given_back[0].began - asked < 2.0
    (taken,) = (each for each in held_since(scene) if each.user == user(B))
    scene.report(
        f"the Lease was given back {given_back[0].began - asked:.2f} s after SIGTERM, and taken"
        f" over {taken.began - given_back[0].began:.2f} s later"
    )


def test_a_leader_that_slept_through_its_lease_writes_nothing_when_it_wakes_up(
    scene: Scene,
) -> None:
    with pair(scene.operator(A), scene.operator(B)) as (leader, standby):
        with scene.churn() as churn:
            for _ in range(times(1, 10)):
                time.sleep(1.0)
                # As when its node's memory is swapped out, or its virtual machine is moved.
                leader.sleep(LEASE_SECONDS + 1.5)
                leader, standby = standby, leader
                takes_over(leader)
                standby.wait_ready()
        scene.judge(f"a leader that slept, {churn.steps} steps")


def test_replicas_whose_clocks_are_five_minutes_off_do_no_harm(scene: Scene) -> None:
    offsets = (300.0, -300.0)  # each of them leads once, and waits once
    scene.clocks += offsets
    first, second = (Clock(scene.folder(), offset) for offset in offsets)
    ahead, behind = scene.operator(A, clock=first), scene.operator(B, clock=second)
    with pair(ahead, behind):
        with scene.churn() as churn:
            for replica, follower in ((ahead, behind), (behind, ahead)):
                time.sleep(1.0)
                replica.kill()
                takes_over(follower)
                replica.wait_ready()
            time.sleep(1.0)
        scene.judge(f"clocks ten minutes apart, {churn.steps} steps")
        in_time(scene)
