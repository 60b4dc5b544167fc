"""What the settings say of the cluster around the apps: gateways, DNS, scrapers, networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.worlds.ends import End, Outside, Pod
from tests.worlds.peers import (
    EntityPeer,
    Labelled,
    Network,
    Peer,
    Pods,
    Requirement,
    is_entity,
    selector,
)
from tests.worlds.ports import PortItem, Target

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
GATEWAYS = ("internal", "external")


def pods_of(namespace: str, key: str, value: str) -> Pods:
    """Pods of one namespace with a label."""
    return Pods(spaces=(namespace,), labels=(Requirement(key, "In", (value,)),))


@dataclass(frozen=True)
class Scraper:
    """Who reads metrics, on some TCP ports; without ports on all of them."""

    peer: Peer
    ports: tuple[int, ...] = ()

    def settings(self) -> dict[str, Any]:
        """In the settings file."""
        return peer_settings(self.peer) | ({"ports": list(self.ports)} if self.ports else {})


@dataclass(frozen=True)
class Companion:
    """Pods of every governed namespace, and who reaches them (`inward`), or whom they reach."""

    name: str
    pods: tuple[Requirement, ...]
    peers: tuple[Peer, ...]
    ports: tuple[PortItem, ...]
    inward: bool

    def has(self, pod: Pod) -> bool:
        """Whether a pod of a governed namespace is one of them."""
        return all(each.holds(pod.labels) for each in self.pods)

    def settings(self) -> dict[str, Any]:
        """In the settings file."""
        return {
            "pods": selector(self.pods),
            "from" if self.inward else "to": [peer_settings(each) for each in self.peers],
            "ports": [item.resource_words() for item in self.ports],
        }


@dataclass(frozen=True)
class Surroundings:
    """As the mission's tables and the documentation of the settings have it, unless said otherwise.

    Attributes:
        internal: the gateways for the home network.
        external: those for the internet.
        gateway_ports: the ports that they listen on.
        dns_servers: who answers DNS.
        dns_proxy: every lookup goes through Cilium's proxy.
        scrapers: who reads metrics.
        internet_ports: the ports of HTTPS in the profiles' table.
        except_cidrs: networks that are not the internet.
        lan_cidrs: the home network.
        companions: pods that belong together.
    """

    internal: tuple[Peer, ...] = (pods_of("istio-gateway", GATEWAY_NAME, "internal"),)
    external: tuple[Peer, ...] = (pods_of("istio-gateway", GATEWAY_NAME, "external"),)
    gateway_ports: tuple[PortItem, ...] = (PortItem(80), PortItem(443))
    dns_servers: tuple[Peer, ...] = (pods_of("kube-system", "k8s-app", "kube-dns"),)
    dns_proxy: bool = False
    scrapers: tuple[Scraper, ...] = (
        Scraper(pods_of("monitoring", "app.kubernetes.io/name", "prometheus")),
    )
    internet_ports: tuple[PortItem, ...] = (PortItem(443),)
    except_cidrs: tuple[str, ...] = ()
    lan_cidrs: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
    companions: tuple[Companion, ...] = ()

    def gateways(self, which: str) -> tuple[Peer, ...]:
        """The gateways `internal` or `external`."""
        return self.internal if which == "internal" else self.external

    def classes(self, end: End, labelled: Labelled) -> Iterator[str]:
        """As which gateways an end counts."""
        for which in GATEWAYS:
            if covered(self.gateways(which), end, labelled):
                yield which

    @property
    def gateway_namespaces(self) -> set[str]:
        """The namespaces of the gateways' pods."""
        peers = (*self.internal, *self.external)
        return {name for each in peers if isinstance(each, Pods) for name in each.spaces}

    def is_internet(self, end: End) -> bool:
        """Whether an end is on the internet.

        With exceptions that is a matter of addresses, of which the entity `world` itself has none
        (in a cluster of both families, such as the engine's, no traffic has that identity).
        """
        if self.except_cidrs and is_entity(end, "world"):
            return False
        return is_outside(end) and not within(self.except_cidrs, end)

    def settings(self) -> dict[str, Any]:
        """The settings file, as far as it says anything."""
        usual, found = Surroundings(), dict[str, Any]()

        def say(section: str, key: str, attribute: str, value: Any) -> None:
            if getattr(self, attribute) != getattr(usual, attribute):
                found.setdefault(section, {})[key] = value

        for which in GATEWAYS:
            say("gateways", which, which, [peer_settings(one) for one in self.gateways(which)])
        say("gateways", "ports", "gateway_ports", _ports(self.gateway_ports))
        say("dns", "servers", "dns_servers", [peer_settings(one) for one in self.dns_servers])
        say("dns", "proxy", "dns_proxy", self.dns_proxy)
        say("internet", "ports", "internet_ports", _ports(self.internet_ports))
        say("internet", "exceptCidrs", "except_cidrs", list(self.except_cidrs))
        say("lan", "cidrs", "lan_cidrs", list(self.lan_cidrs))
        if self.scrapers != usual.scrapers:
            found["scrapers"] = [each.settings() for each in self.scrapers]
        if self.companions:
            found["companions"] = {each.name: each.settings() for each in self.companions}
        return found


def covered(peers: tuple[Peer, ...], end: End, labelled: Labelled) -> bool:
    """Whether an end is one of those that the settings name, wherever they are."""
    return any(peer.covers(end, "", labelled) for peer in peers)


def within(cidrs: tuple[str, ...], end: End) -> bool:
    """Whether an end is an address in one of these networks."""
    return any(Network(cidr).covers(end, "", {}) for cidr in cidrs)


def is_outside(end: End) -> bool:
    """Whether an end is outside the cluster."""
    return isinstance(end, Outside) or is_entity(end, "world")


def opened(ports: tuple[PortItem, ...], target: Target) -> bool:
    """Whether a port is among these."""
    return any(item.covers(target) for item in ports)


def peer_settings(peer: Peer) -> dict[str, Any]:
    """A peer in the settings file."""
    match peer:
        case Pods(spaces=(namespace,)):
            return {"namespace": namespace, "podLabels": selector(peer.labels)["matchLabels"]}
        case Pods():
            return {"selector": selector(peer.labels)}
        case EntityPeer():
            return {"entities": [peer.name]}
        case Network():
            return {"cidrs": [peer.cidr]}
        case _:
            raise ValueError(f"the settings name no {peer.kind}")


def _ports(items: tuple[PortItem, ...]) -> list[dict[str, Any]]:
    return [item.resource_words() for item in items]
