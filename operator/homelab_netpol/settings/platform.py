"""The platform that policies must know: gateways, DNS, scrapers, the internet, the home network."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from homelab_netpol.cilium.networks import exceptions_problem
from homelab_netpol.cilium.terms import AMBIENT_PROBES_IPV6, MAX_PORTS
from homelab_netpol.settings.fields import Cidr, ClusterName, DnsLabel, DnsSubdomain, PodLabels
from homelab_netpol.settings.moved import refuse_old_dns, refuse_old_gateways
from homelab_netpol.settings.peer import GatewayPeer, Peer, Scraper, SomePeers, namespaces_of_peers
from homelab_netpol.settings.section import Section
from homelab_netpol.settings.shared_resource import Port, Protocol

_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"

GatewayPeers = Annotated[tuple[GatewayPeer, ...], Field(max_length=32)]
Scrapers = Annotated[tuple[Scraper, ...], Field(max_length=32)]


class Cilium(Section):
    """Where Cilium's agents are, and the ConfigMap that they are configured by."""

    namespace: DnsLabel = Field(default="kube-system", description="Where both are.")
    config_map: DnsSubdomain = Field(default="cilium-config", description="The ConfigMap's name.")
    agent_labels: PodLabels = Field(
        default_factory=lambda: {"k8s-app": "cilium"},
        min_length=1,
        description="Labels of the agents' pods.",
    )


class Cluster(Section):
    """This cluster among others: in Cilium's cluster mesh pods reach those of other clusters."""

    name: ClusterName | None = Field(
        default=None,
        description="Its name, as `cluster-name` in Cilium's ConfigMap has it. Given, the pods that"
        " policies let in or lead to are this cluster's, whatever the version of Cilium: see"
        " [cluster-mesh.md](cluster-mesh.md). A name that the ConfigMap does not confirm is"
        " reported, and not used.",
    )


def _gateway(which: str) -> GatewayPeer:
    labels = {_GATEWAY_NAME: which}
    return GatewayPeer(
        namespace="istio-gateway", pod_labels=labels, service_account=f"{which}-istio"
    )


class Gateways(Section):
    """Through what requests enter the cluster: from the home or office network, and the internet.

    Cilium's own gateways and Ingresses are `entities: [ingress]`, all of them: internal and
    external are then one. A proxy on the host's network is `entities: [host, remote-node]`.
    """

    internal: GatewayPeers = Field(
        default=(_gateway("internal"),),
        description="Gateways for the home or office network. Profiles but `isolated` let them in.",
    )
    external: GatewayPeers = Field(
        default=(_gateway("external"),),
        description="Gateways for the internet, a tunnel's client included. `standard` lets them"
        " in.",
    )
    ports: tuple[Port, ...] = Field(
        default=(Port(port=80), Port(port=443)),
        min_length=1,
        max_length=MAX_PORTS,
        description="The ports that their pods listen on, which the grant `gateway` opens.",
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_old(cls, data: Any) -> Any:
        return refuse_old_gateways(data)

    def of(self, which: str) -> tuple[GatewayPeer, ...]:
        """The gateways `internal` or `external`."""
        return self.internal if which == "internal" else self.external

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces of their pods."""
        return namespaces_of_peers((*self.internal, *self.external))


class Dns(Section):
    """Who answers DNS queries, and on which ports."""

    servers: SomePeers = Field(
        default=(Peer(namespace="kube-system", pod_labels={"k8s-app": "kube-dns"}),),
        description="Whom every pod may ask. NodeLocal DNS is its address and the node, by which"
        " of the two Cilium knows it: `[{cidrs: [169.254.20.10/32]}, {entities: [host]}]`.",
    )
    ports: tuple[Port, ...] = Field(
        default=(Port(port=53, protocol=Protocol.UDP), Port(port=53, protocol=Protocol.TCP)),
        min_length=1,
        max_length=MAX_PORTS,
        description="Ports that every pod may ask.",
    )
    proxy: bool = Field(
        default=False,
        description="Send every lookup through Cilium's DNS proxy, which `toFQDNs` rules live on:"
        " also those of others, once no other policy of theirs does.",
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_old(cls, data: Any) -> Any:
        return refuse_old_dns(data)


class Internet(Section):
    """What a profile with HTTPS opens: entity `world`, less some networks if they are listed."""

    ports: tuple[Port, ...] = Field(
        default=(Port(port=443),),
        min_length=1,
        max_length=MAX_PORTS,
        description="The ports, unless a Namespace's annotation `internet-ports` lists others.",
    )
    except_cidrs: tuple[Cidr, ...] = Field(
        default=(),
        max_length=64,
        description="Networks that are not the internet. To keep apps off the home network:"
        " `[10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 169.254.0.0/16, fc00::/7,"
        " fe80::/10]`, which the component `internet-only` says.",
    )

    @model_validator(mode="after")
    def _exceptions_fit(self) -> Self:
        for rule in self.networks:
            problem = exceptions_problem(rule["cidr"], rule.get("except", ()))
            if problem is not None:
                raise ValueError(f"exceptCidrs: {problem}")
        return self

    @property
    def networks(self) -> list[dict[str, Any]]:
        """Everything but the exceptions, a rule for each family of addresses; none: no exception.

        As Cilium's CIDRRule has it (`toCIDRSet`).
        """
        if not self.except_cidrs:
            return []
        excepts = [(ip_network(cidr).version, cidr) for cidr in self.except_cidrs]
        rules: list[dict[str, Any]] = []
        for version, everything in ((4, "0.0.0.0/0"), (6, "::/0")):
            own = [cidr for family, cidr in excepts if family == version]
            rules.append({"cidr": everything, **({"except": own} if own else {})})
        return rules


class Lan(Section):
    """The home or office network."""

    cidrs: tuple[Cidr, ...] = Field(
        default=("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
        min_length=1,
        max_length=64,
        description="Where connections to `lan-ports` may come from. A client that comes in by"
        " another node is known by that node unless the Service says"
        " `externalTrafficPolicy: Local`.",
    )

    @model_validator(mode="after")
    def _not_everything(self) -> Self:
        for cidr in self.cidrs:
            if ip_network(cidr).prefixlen == 0:
                raise ValueError(f"cidrs: {cidr} is every address; `world-ports` is for that")
        return self


DEFAULT_PROBES = (
    Peer(entities=("health",)),
    Peer(cidrs=("169.254.0.0/16", AMBIENT_PROBES_IPV6)),
)
DEFAULT_SCRAPERS = (
    Scraper(namespace="monitoring", pod_labels={"app.kubernetes.io/name": "prometheus"}),
)
DEFAULT_API_SERVER = (Peer(entities=("kube-apiserver",)),)
