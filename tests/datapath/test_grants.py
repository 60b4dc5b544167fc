"""Each grant, on packets: on its port and on the others, and once it is taken away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.spaces import PROFILE, access
from tests.datapath.expected import Expected
from tests.datapath.home import APP, PROFILES, Home
from tests.datapath.settled import Packets
from tests.running_operator import RunningOperator
from tests.truth.table import Table
from tests.truth.world import Namespace

RESOURCES = {
    "postgres": "database-primary",
    "dragonfly": "cache",
    "garage-s3": "garage",
    "kube-api": "kube-apiserver",
}


@pytest.fixture(autouse=True)
def _labels_taken_away(home: Home, operator: RunningOperator) -> Iterator[None]:
    yield
    home.label_app({PROFILE: None, **{access(resource): None for resource in RESOURCES}})


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("profile", ["none", "isolated"])
def test_a_grant_opens_its_port_and_no_other_until_it_is_taken_away(
    home: Home, packets: Packets, operator: RunningOperator, resource: str, profile: str
) -> None:
    expected = Expected(home, Table.load())
    sender, others = f"{APP}/sender", [*RESOURCES.values(), "app-standard/receiver"]
    said = None if profile == "none" else profile

    home.label_app({PROFILE: said, access(resource): "true"})
    granted = Namespace(APP, profile=profile, grants=frozenset([resource]))
    while_granted = expected.between([sender], others, granted)
    assert sum(while_granted.values()) >= 1
    packets.do(while_granted)

    home.label_app({access(resource): None})
    afterwards = expected.between([sender], others, Namespace(APP, profile=profile))
    assert sum(afterwards.values()) < sum(while_granted.values())
    packets.do(afterwards)


def test_a_change_of_profile_takes_away_what_only_the_old_one_allowed(
    home: Home, packets: Packets, operator: RunningOperator
) -> None:
    expected = Expected(home, Table.load())
    ends = [
        "gateway-internal",
        "gateway-external",
        "kube-dns",
        "outside-address",
        f"{APP}/receiver",
    ]
    for profile in (*PROFILES, "isolated", "none"):
        home.label_app({PROFILE: None if profile == "none" else profile})
        packets.do(expected.between([f"{APP}/sender"], ends, Namespace(APP, profile=profile)))
