"""A packet as Cilium saw it: who, to whom, on which port, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address, ip_network

from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.flows.reasons import DropReason

# RFC 1918, 6598 (providers, overlays), 3927, 4193 and 4291. Python's `is_private` holds addresses
# for documentation too.
_PRIVATE = tuple(
    map(
        ip_network,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
            *("fc00::/7", "fe80::/10"),
        ),
    )
)


class Verdict(Enum):
    """What became of a packet; Hubble's other words count as forwarded."""

    FORWARDED = "forwarded"
    DROPPED = "dropped"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class FlowEnd:
    """One end of a flow.

    Attributes:
        namespace: of a pod; "": it is none, or not known.
        labels: Cilium's, of source `k8s`, without the source; those of the Namespace and of the
            service account among them.
        pod: its name.
        entities: the reserved labels, such as `world` or `host`.
        ip: its address; "": not known.
        names: the DNS names that the address was looked up by.
        cluster: of a cluster mesh; "": not known.
    """

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    pod: str = ""
    entities: tuple[str, ...] = ()
    ip: str = ""
    names: tuple[str, ...] = ()
    cluster: str = ""

    @property
    def is_private(self) -> bool:
        """Its address is of a home or office network, or link-local."""
        return bool(self.ip) and _is_private(self.ip)


@dataclass(frozen=True, slots=True)
class Flow:
    """One packet, or what a proxy says of one request.

    Attributes:
        source: who sent it.
        destination: to whom.
        protocol: TCP, UDP, SCTP, ICMP, ICMPv6 etc.; "": not known.
        port: of the destination; of ICMP its type; None: it has none, or it is not known.
        direction: at which end it was judged; None: not known.
        verdict: what became of it.
        reason: of a drop.
        time: when; None: not known.
        is_reply: it belongs to a connection that the destination opened; None: not known, as of
            every dropped packet.
        is_verdict: a policy's verdict, beside which Hubble shows the drop itself once more.
        is_request: judged by a proxy, which rules of HTTP or DNS govern.
        times: so often, as an Event counts.
    """

    source: FlowEnd
    destination: FlowEnd
    protocol: str
    port: int | None
    direction: Direction | None
    verdict: Verdict
    reason: DropReason
    time: datetime | None = None
    is_reply: bool | None = None
    is_verdict: bool = False
    is_request: bool = False
    times: int = 1

    @property
    def own(self) -> FlowEnd:
        """The end whose policies judged it."""
        return self.destination if self.direction is Direction.INGRESS else self.source

    @property
    def peer(self) -> FlowEnd:
        """The other end."""
        return self.source if self.direction is Direction.INGRESS else self.destination


@lru_cache(maxsize=4_096)
def _is_private(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE)
