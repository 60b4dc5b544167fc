"""The ends that settings and custom resources name: gateways, DNS, scrapers, resources. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import End, EndError, Member, Ports, end_of
from homelab_netpol.access.surroundings import listed
from homelab_netpol.cilium.evaluation import Entity, Name, Network, Pod
from homelab_netpol.cilium.terms import IpNetwork
from homelab_netpol.manifests.workloads import Workload
from homelab_netpol.settings import Peer, Port, Settings, SharedResource

# What the words for the rest of the world mean: an address that no private network holds, kept for
# documentation (RFC 5737), as a rule may leave single networks out of the world.
_SOME_ADDRESS = Network(ip_network("203.0.113.254/32"))
_NODES = ("host", "remote-node")

INTERNET = "the internet"
LAN = "the LAN"
SETTINGS_WORDS = ("internet", "lan", "dns", "prometheus")
GATEWAY_WORDS = ("internal", "external")
ENTITY_WORDS = ("world", "host", "remote-node", "kube-apiserver", "health", "ingress")


class KnownEnds:
    """Makes ends of what is named in a cluster's settings and resources."""

    def __init__(self, model: ClusterModel) -> None:
        self._model = model
        self._settings: Settings = model.desired.catalogue.settings
        self._resources = model.desired.catalogue

    def internet(self) -> End:
        """Whatever is outside the cluster and not named by a rule in particular."""
        member = Member(INTERNET, Entity("world"), stands_for=(_SOME_ADDRESS,))
        return End(INTERNET, (member,), ports_of(self._settings.internet.ports))

    def lan(self) -> End:
        """The home network: an address in each of its networks that hardly a rule is about."""
        cidrs = self._settings.lan.cidrs
        members = [Member(each, Network(_inside(ip_network(each)))) for each in cidrs]
        return End(LAN, tuple(members))

    def entity(self, name: str) -> End:
        """One of Cilium's entities."""
        if name == "world":
            return self.internet()
        ports: tuple[Ports, ...] = ()
        if name == "kube-apiserver" and "kube-api" in self._resources.vocabulary.resources:
            ports = ports_of(self._resources.resource("kube-api").ports)
        return End(name, (Member(name, self._model.entity(name)),), ports)

    def gateway(self, which: str) -> End:
        """The gateways `internal` or `external`.

        Raises:
            EndError: the settings name none.
        """
        words = f"the {which} gateway"
        gateways = self._settings.gateways
        if not gateways.of(which):
            raise EndError(f"{which}: the settings name no gateway of the kind (gateways.{which})")
        return end_of(words, self.members(gateways.of(which), words), ports_of(gateways.ports))

    def dns(self) -> End:
        """Who answers DNS."""
        dns = self._settings.dns
        return end_of("DNS", self.members(dns.servers, "DNS"), ports_of(dns.ports))

    def prometheus(self) -> End:
        """Who scrapes.

        Raises:
            EndError: the settings name none.
        """
        if not self._settings.scrapers:
            raise EndError("prometheus: the settings name no scraper (scrapers)")
        return end_of("Prometheus", self.members(self._settings.scrapers, "Prometheus"))

    def of_settings(self, word: str) -> End | None:
        """What one of `SETTINGS_WORDS` means; None: it is none of them.

        Raises:
            EndError: the settings name nothing of the kind.
        """
        match word:
            case "internet":
                return self.internet()
            case "lan":
                return self.lan()
            case "dns":
                return self.dns()
            case "prometheus":
                return self.prometheus()
        return None

    def gateways_serving(self, name: str) -> Iterator[str]:
        """The gateways whose routes name a host, or a wildcard that means it."""
        host = name.lower().removesuffix(".")
        named = {
            str(parent.get("name"))
            for route in self._model.manifests.of("HTTPRoute")
            for spec in [route.data.get("spec")]
            if isinstance(spec, dict)
            and any(_is_host(each, host) for each in listed(spec.get("hostnames")))
            for parent in listed(spec.get("parentRefs"))
            if isinstance(parent, dict)
        }
        for which in GATEWAY_WORDS:
            peers = self._settings.gateways.of(which)
            labels = (value for peer in peers for value in peer.pod_labels.values())
            if named.intersection(labels):
                yield which

    def probes(self) -> End:
        """Who may probe every pod."""
        words = "health probes"
        return end_of(words, self.members(self._settings.probes, words))

    def resource(self, name: str) -> End:
        """A shared resource."""
        resource = self._resources.resource(name)
        members = list(self._of_resource(resource, name))
        if not members:
            raise EndError(
                f"{name}: pods of this resource are not in this cluster, or only groups of networks"
                " say what it is; name an address or pods"
            )
        where = f" ({resource.namespace})" if resource.namespace else ""
        return end_of(f"{name}{where}", members, ports_of(resource.ports))

    def members(self, peers: Iterable[Peer], words: str) -> Iterator[Member]:
        """What peers of the settings are."""
        for peer in peers:
            yield from self._of_pods(peer, words)
            for entity in peer.entities:
                yield Member(f"{words} ({entity})", self._model.entity(entity))
            for cidr in peer.cidrs:
                yield Member(f"{words} ({cidr})", Network(ip_network(cidr)))

    def workload(self, workload: Workload, words: str = "") -> list[Member]:
        """The pods of a workload; of those on their node's network, the nodes."""
        named = words or f"{workload.namespace}/{name_of(workload)}"
        if workload.host_network:
            return [
                Member(
                    f"{named} on its node's network ({each})", self._model.entity(each), workload
                )
                for each in _NODES
            ]
        return [Member(named, self._model.pod(workload), workload)]

    def _of_pods(self, peer: Peer, words: str) -> Iterator[Member]:
        if not peer.is_pods:
            return
        found = [
            member
            for namespace, workloads in self._model.workloads.items()
            for each in workloads
            if peer.selects(namespace, each.labels, self._model.namespaces.get(namespace, {}))
            for member in self.workload(each, f"{words} ({namespace}/{name_of(each)})")
        ]
        yield from found
        if found:
            return
        # None is given, as in a tree of manifests whose charts are installed elsewhere.
        for namespace in peer.namespaces:
            labels = dict(peer.pod_labels)
            if peer.selector is not None:
                own = peer.selector.match_labels.items()
                labels = {key: value for key, value in own if "io.kubernetes.pod" not in key}
            yield Member(f"{words} ({namespace})", self.some_pod(namespace, labels))

    def some_pod(self, namespace: str, labels: dict[str, str]) -> Pod:
        """Any pod of a namespace that has some labels; none is known."""
        return replace(self._model.any_pod(namespace), labels=labels)

    def _of_resource(self, resource: SharedResource, name: str) -> Iterator[Member]:
        if resource.home is not None:
            peer = Peer(namespace=resource.home, pod_labels=dict(resource.pod_labels))
            yield from self._of_pods(peer, name)
        for entity in resource.entities:
            yield Member(f"{name} ({entity})", self._model.entity(entity))
        for each in resource.networks:
            yield Member(f"{name} ({each.cidr})", Network(ip_network(each.cidr, strict=False)))
        for target in resource.fqdns:
            if target.match_name is not None:
                yield Member(f"{name} ({target.match_name})", Name(target.match_name))
            elif target.match_pattern is not None:
                example = target.match_pattern.replace("*", "example")
                yield Member(f"{name} ({target.match_pattern})", Name(example))


def _is_host(hostname: Any, host: str) -> bool:
    """Whether a route's hostname means a host; `*.` stands for one label or more."""
    if not isinstance(hostname, str):
        return False
    if hostname.startswith("*."):
        return host.endswith(hostname[1:].lower())
    return hostname.lower() == host


def _inside(network: IpNetwork) -> IpNetwork:
    """An address somewhere in a network, off the places where people number by hand."""
    number = int(network.network_address) + network.num_addresses * 2 // 3
    return ip_network((number, network.max_prefixlen))


def ports_of(ports: Iterable[Port]) -> tuple[Ports, ...]:
    """The ports that settings or a custom resource list."""
    return tuple(
        Ports(each.protocol.value, each.port, each.end_port or each.port) for each in ports
    )


def name_of(workload: Workload) -> str:
    """By which people know pods: the name of what made them, without its generated end."""
    labels = workload.labels
    owners = workload.manifest.data["metadata"].get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if not isinstance(owner, dict):
            continue
        name = str(owner.get("name", ""))
        generated = labels.get("pod-template-hash")
        if owner.get("kind") == "ReplicaSet" and generated:
            name = name.removesuffix(f"-{generated}")
        if name:
            return name
    return workload.name
