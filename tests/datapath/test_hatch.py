"""The escape hatch, on packets: it opens and closes, with the operator and without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.datapath.datapath import Datapath
from tests.cluster.kube import Kube, ccnp_path
from tests.cluster.spaces import ENFORCEMENT, PROFILE
from tests.datapath.expected import Expected
from tests.datapath.home import APP, Home
from tests.datapath.settled import Packets
from tests.recorded.corpus import SETTINGS
from tests.running_operator import RunningOperator, running_operator
from tests.truth.table import Table
from tests.truth.world import DOMAIN, Namespace

UNTIL = f"{DOMAIN}/disabled-until"
ENDS = ("gateway-external", "outside-address", "neighbour/receiver", f"{APP}/receiver")
CLOSED = Namespace(APP, profile="isolated")
OPEN = Namespace(APP, profile="isolated", hatch=True)


@pytest.fixture(autouse=True)
def _closed_again(home: Home) -> Iterator[None]:
    home.label_app({PROFILE: "isolated"})
    yield
    home.space(APP).annotate({UNTIL: None})
    home.label_app({ENFORCEMENT: None, PROFILE: None})


def test_the_hatch_opens_everything_and_closes_again(
    home: Home, packets: Packets, operator: RunningOperator
) -> None:
    expected = Expected(home, Table.load())
    sender = [f"{APP}/sender"]
    packets.do(expected.between(sender, ENDS, CLOSED))
    home.label_app({ENFORCEMENT: "disabled"})
    # The neighbour's own half stays as its labels have it.
    packets.do(expected.between(sender, ENDS, OPEN))
    home.label_app({ENFORCEMENT: None})
    packets.do(expected.between(sender, ENDS, CLOSED))


def test_a_hatch_whose_time_is_over_closes_though_its_label_stays(
    home: Home, packets: Packets, operator: RunningOperator
) -> None:
    expected = Expected(home, Table.load())
    home.label_app({ENFORCEMENT: "disabled"})
    packets.do(expected.between([f"{APP}/sender"], ENDS, OPEN))
    soon = datetime.now(UTC) + timedelta(seconds=2)
    home.space(APP).annotate({UNTIL: soon.isoformat(timespec="seconds")})
    packets.do(expected.between([f"{APP}/sender"], ENDS, CLOSED))


def test_with_the_operator_killed_the_label_alone_opens_the_namespace(
    home: Home, packets: Packets, account: Path, kube: Kube, datapath: Datapath
) -> None:
    expected = Expected(home, Table.load())
    sender = [f"{APP}/sender"]
    with running_operator(account, SETTINGS) as operator:
        packets.do(expected.between(sender, ENDS, CLOSED))
        operator.kill()
        home.label_app({ENFORCEMENT: "disabled"})
        assert kube.get(ccnp_path("escape-hatch-allow-all")) is not None
        packets.do(expected.between(sender, ENDS, OPEN))
    home.label_app({ENFORCEMENT: None})
    packets.do(expected.between(sender, ENDS, CLOSED))
