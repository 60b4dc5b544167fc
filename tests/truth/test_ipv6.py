"""What Cilium's engine says where addresses are of IPv6."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from homelab_netpol.intent import Intent
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.policy.objects import as_object
from homelab_netpol.policy.plan import Planner
from homelab_netpol.settings import parse_settings
from lab.control_plane import Engine, Flow, Identity

EXAMPLE = Path(__file__).resolve().parents[2] / "manifests/examples/ipv6/packet-too-big.yaml"
PACKET_TOO_BIG, ECHO_REQUEST, ROUTER_ADVERTISEMENT = 2, 128, 134
# Of Istio's cni/README.md, HOST_PROBE_SNAT_IPV6: from here a kubelet's probes come in the mesh.
MESH_PROBE = "fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128"


@pytest.fixture
def reaches(engine: Engine) -> Iterator[Any]:
    """Asks whether packets to the pod of a governed Namespace without any label pass."""
    engine.identities(
        {
            "app": Identity.pod("my-app"),
            "router": Identity.address("2001:db8::1/128"),
            "node": Identity.entity("remote-node"),
            "probe": Identity.address(MESH_PROBE),
            "neighbour": Identity.address("fe80::1/128"),
            "nas": Identity.address("2001:db8:1::20/128"),
        }
    )
    yield (
        lambda source, port, how="ICMPv6": (
            engine.verdicts([Flow(source, "app", port, how)])[0].ingress == "allowed"
        )
    )
    engine.policies([])


def baselines(settings: str = "") -> list[dict[str, Any]]:
    policies = Planner(Catalogue(parse_settings(settings))).clusterwide({})
    return [as_object(policy) for policy in policies]


def test_what_routers_say_of_packets_that_are_too_big_needs_the_example(
    engine: Engine, reaches: Any
) -> None:
    assert engine.policies(baselines()) == []
    assert not reaches("router", PACKET_TOO_BIG)
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert engine.policies([*baselines(), example]) == []
    assert reaches("router", PACKET_TOO_BIG)
    assert reaches("node", PACKET_TOO_BIG)
    assert not reaches("router", ECHO_REQUEST)
    assert not reaches("router", ROUTER_ADVERTISEMENT)
    assert not reaches("router", 80, "TCP")


def test_the_example_denies_nobody_anything(engine: Engine, reaches: Any) -> None:
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert engine.policies([example]) == []
    assert reaches("nas", 80, "TCP")
    assert reaches("router", ECHO_REQUEST)


def test_probes_come_from_the_meshs_own_range_and_from_no_link_local_address(
    engine: Engine, reaches: Any
) -> None:
    assert engine.policies(baselines()) == []
    assert reaches("probe", 8080, "TCP")
    assert not reaches("neighbour", 8080, "TCP")


def test_a_grant_of_networks_of_both_families_opens_both(engine: Engine) -> None:
    networks = "[192.168.1.20/32, '2001:db8:1::20/128']"
    settings = f"sharedResources: {{nas: {{cidrs: {networks}, ports: [{{port: 445}}]}}}}"
    catalogue = Catalogue(parse_settings(settings))
    plan = Planner(catalogue).namespace(Intent("my-app", grants=("nas",)), lambda _: False)
    policies = [*baselines(settings), *map(as_object, plan.policies)]
    ends = ("192.168.1.20/32", "2001:db8:1::20/128", "2001:db8:1::21/128")
    engine.identities(
        {"app": Identity.pod("my-app"), **{end: Identity.address(end) for end in ends}}
    )
    assert engine.policies(policies) == []
    answers = engine.verdicts([Flow("app", end, 445, "TCP") for end in ends])
    assert [answer.allowed for answer in answers] == [True, True, False]
    engine.policies([])
