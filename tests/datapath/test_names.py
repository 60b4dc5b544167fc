"""Access by DNS name: its addresses pass once they were looked up, and nothing else does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.datapath import addresses
from lab.datapath.datapath import Datapath
from lab.datapath.echo import Echo
from lab.datapath.host import Host, outside_host
from lab.datapath.names import Zone, look_up
from lab.datapath.packets import Probe
from tests.cluster.definitions import Definitions
from tests.cluster.kube import Kube, eventually
from tests.cluster.spaces import PROFILE, access
from tests.datapath.home import APP, Home
from tests.datapath.settled import Packets
from tests.running_operator import RunningOperator

PORTS = (80, 443, 8443)
# Each test has names of its own, as agents remember what was looked up.
NAMES = dict(
    zip(
        (
            f"{name}.{case}.example.org"
            for case, name in itertools.product(("profile", "resource", "early"), ("api", "other"))
        ),
        addresses.NAMED,
        strict=False,
    )
)


class Internet:
    """Hosts with names, and the pod that knows their addresses."""

    def __init__(self, datapath: Datapath, packets: Packets, home: Home, server: Host) -> None:
        self._node = datapath.node
        self._agent = datapath.agent
        self._packets = packets
        self._app = home.hosts[f"{APP}/sender"]
        self._server = server

    def looked_up(self, name: str) -> None:
        """Has the app look a name up."""
        found = eventually(lambda: self._look_up(name), f"{name} to be found by {self._app}")
        assert found == NAMES[name]

    def learned(self, name: str) -> None:
        """Has the app look a name up, again if the agent had not taken in the rule before."""

        def look() -> bool:
            self.looked_up(name)
            return self.knows(name)

        eventually(look, f"the agent to see {name} looked up")

    def knows(self, name: str) -> bool:
        """Whether the agent has seen a name looked up."""
        try:
            seen = self._agent.get("/v1/fqdn/cache")
        except OSError:  # 404, until it has seen one
            return False
        return any(each["fqdn"] == f"{name}." for each in seen)

    def do(self, opened: Mapping[str, int]) -> None:
        """Sends to all names on all ports.

        Args:
            opened: The names and ports that pass; no others do.
        """
        self._packets.do(
            {
                Probe(self._app, outside_host(self._node, name, address), "TCP", port): (
                    opened.get(name) == port
                )
                for (name, address), port in itertools.product(NAMES.items(), PORTS)
            }
        )

    def _look_up(self, name: str) -> str | None:
        try:
            return look_up(self._app, self._server, name)
        except TimeoutError:  # the proxy's port has just been opened
            return None


@pytest.fixture(scope="module")
def internet(datapath: Datapath, packets: Packets, home: Home) -> Iterator[Internet]:
    # Beside the homelab's own, on whose port 53 datagrams come back as they are.
    server = datapath.pods.create("kube-system", "names", {"k8s-app": "kube-dns"})
    with Echo() as echo:
        echo.listen(server, [53], Zone(NAMES).answer)
        yield Internet(datapath, packets, home, server)


@pytest.fixture
def definitions(kube: Kube, home: Home, operator: RunningOperator) -> Iterator[Definitions]:
    made = Definitions(kube)
    yield made
    home.label_app({PROFILE: None, access("names"): None})
    made.clear()


def _to(name: str) -> list[dict[str, Any]]:
    return [{"matchName": name}]


_HTTPS = {"port": "443", "protocol": "TCP"}


def test_a_profile_opens_a_name_on_its_port_once_it_was_looked_up_until_it_is_taken_away(
    home: Home, internet: Internet, definitions: Definitions
) -> None:
    api, other = "api.profile.example.org", "other.profile.example.org"
    rule = {"toFQDNs": _to(api), "toPorts": [{"ports": [_HTTPS]}]}
    definitions.profile("names", egress=[rule])
    home.label_app({PROFILE: "names"})
    home.space(APP).has_profile("names")
    internet.do({})

    # Any name may be looked up, to no avail.
    internet.learned(other)
    internet.do({})
    internet.learned(api)
    internet.do({api: 443})

    home.label_app({PROFILE: None})
    internet.do({})


def test_a_grant_opens_a_name_on_its_port_once_it_was_looked_up_until_it_is_taken_away(
    home: Home, internet: Internet, definitions: Definitions
) -> None:
    api, other = "api.resource.example.org", "other.resource.example.org"
    definitions.resource("names", fqdns=_to(api), ports=[{"port": 8443}])
    home.label_app({PROFILE: "isolated", access("names"): "true"})
    home.space(APP).has("homelab-access-names")
    internet.do({})

    # Any name may be looked up, to no avail.
    internet.learned(other)
    internet.do({})
    internet.learned(api)
    internet.do({api: 8443})

    home.label_app({access("names"): None})
    internet.do({})


def test_a_name_that_was_looked_up_before_a_label_opens_it_passes_when_it_is_looked_up_again(
    home: Home, internet: Internet, definitions: Definitions
) -> None:
    api = "api.early.example.org"
    home.label_app({PROFILE: "isolated"})
    home.space(APP).has_profile("isolated")
    internet.looked_up(api)
    assert not internet.knows(api)
    definitions.resource("names", fqdns=_to(api), ports=[{"port": 443}])
    home.label_app({access("names"): "true"})
    home.space(APP).has("homelab-access-names")
    internet.do({})

    internet.learned(api)
    internet.do({api: 443})
