"""Platform namespaces, on packets: neither installing nor removing the operator cuts them off."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

from lab.datapath.packets import Probe
from lab.datapath.steady import Steady
from tests.cluster.kube import CCNP, CNP, Kube, Manifest, eventually
from tests.datapath.home import Home
from tests.datapath.settled import Packets
from tests.recorded.corpus import SETTINGS
from tests.running_operator import running_operator

# Without a policy of their own, so that nothing but the operator could close them.
OPEN = ("kube-dns", "gateway-internal", "prometheus")
OUTSIDE = "outside-address"
MANAGED = "labelSelector=app.kubernetes.io/managed-by%3Dhomelab-netpol"


def test_installing_and_uninstalling_loses_no_packet_of_the_platform(
    home: Home, packets: Packets, account: Path, kube: Kube
) -> None:
    _remove_policies(kube)
    hosts = home.hosts
    passes = {
        Probe(hosts[source], hosts[target], protocol, port)
        for source, target in permutations((*OPEN, OUTSIDE), 2)
        for protocol, port in (("TCP", 8080), ("TCP", 6443), ("UDP", 53), ("ICMP", 0))
    }
    expected = dict.fromkeys(passes, True)
    packets.do(expected)
    with Steady(hosts["prometheus"], hosts["kube-dns"], 53) as steady:
        with running_operator(account, SETTINGS):
            packets.do(expected)
        _remove_policies(kube)
        packets.do(expected)
    assert (steady.known.lost, steady.fresh.lost) == ([], [])


def _remove_policies(kube: Kube) -> None:
    """What an uninstallation leaves: nothing."""
    for kind in (CNP, CCNP):
        for item in kube.items(f"/apis/cilium.io/v2/{kind}?{MANAGED}"):
            metadata = item["metadata"]
            within = f"namespaces/{metadata['namespace']}/" if kind == CNP else ""
            kube.delete(f"/apis/cilium.io/v2/{within}{kind}/{metadata['name']}")
    eventually(lambda: not _policies(kube), "the operator's policies to be gone")


def _policies(kube: Kube) -> list[Manifest]:
    paths = (f"/apis/cilium.io/v2/{kind}?{MANAGED}" for kind in (CNP, CCNP))
    return [item for path in paths for item in kube.items(path)]
