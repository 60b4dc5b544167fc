"""Random settings: clusters of the usual shapes, and mixtures of them."""

from __future__ import annotations

from random import Random

from tests.worlds.peers import EntityPeer, Network, Peer, Pods, Requirement
from tests.worlds.ports import PortItem
from tests.worlds.surroundings import Companion, Scraper, Surroundings, pods_of

# NodeLocal DNS: the address of every node's resolver, which Cilium may know as the node.
NODE_LOCAL: tuple[Peer, ...] = (Network("169.254.20.10/32"), EntityPeer("host"))
_USUAL = Surroundings()
_PROXY = pods_of("network", "app", "proxy")
_PROBER = pods_of("network", "app", "prober")
_INGRESS = EntityPeer("ingress")
_QUIC = (PortItem(80), PortItem(443), PortItem(443, protocol="UDP"))


def random_surroundings(dice: Random) -> Surroundings:
    """What the settings of one cluster say; half of them say nothing."""
    if dice.random() < 0.5:
        return _USUAL
    return Surroundings(
        internal=dice.choice((_USUAL.internal, (*_USUAL.internal, _PROXY), (_INGRESS, _PROXY))),
        external=dice.choice((_USUAL.external, (*_USUAL.external, _INGRESS), (_PROXY,))),
        gateway_ports=dice.choice((_USUAL.gateway_ports, (PortItem(8080),), _QUIC)),
        dns_servers=dice.choice((_USUAL.dns_servers, (*_USUAL.dns_servers, *NODE_LOCAL))),
        dns_proxy=dice.random() < 0.4,
        scrapers=dice.choice(
            (
                _USUAL.scrapers,
                (Scraper(_USUAL.scrapers[0].peer, (9090,)), Scraper(_PROBER)),
                (Scraper(_PROBER, (80, 8080)),),
                (),
            )
        ),
        internet_ports=dice.choice((_USUAL.internet_ports, _QUIC)),
        except_cidrs=dice.choice(((), ("10.0.0.0/8", "192.168.0.0/16"), ("2001:db8::/32",))),
        lan_cidrs=dice.choice((_USUAL.lan_cidrs, ("192.168.1.0/26", "2001:db8::/32"))),
        companions=tuple(
            _companion(dice, name) for name in ("operator", "backup") if dice.random() < 0.5
        ),
    )


def _companion(dice: Random, name: str) -> Companion:
    everywhere = Pods(labels=(Requirement("app", "In", ("prober",)),))
    inward = dice.random() < 0.5
    peers: tuple[tuple[Peer, ...], ...] = (
        (pods_of("database", "role", "a"),),
        (pods_of("cache", "app", "db"), EntityPeer("remote-node")),
        (everywhere,),
        (Network("192.168.1.0/24"), pods_of("app-1", "app", "web")),
    )
    pods = (
        (Requirement("app", "In", ("db",)),),
        # Settings refuse what only lacks a label.
        (Requirement("app", "Exists"), Requirement("role", "NotIn", ("b",))),
    )
    return Companion(
        name,
        dice.choice(pods),
        dice.choice(peers),
        dice.choice(((PortItem(8000, 8100),), (PortItem(5432), PortItem(1234, protocol="UDP")))),
        inward,
    )
