"""The words that may be said for a Namespace, by what it needs. Pure.

What a word does is not worked out here: each is tried (frame.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.access.ends import Member, Ports
from homelab_netpol.access.ends_known import ports_of
from homelab_netpol.access.fixes import Change, Setting
from homelab_netpol.cilium.evaluation import Entity, Name, Network, Pod
from homelab_netpol.intent import GATEWAY_GRANT, WHOLE
from homelab_netpol.intent.ports import MAX_RANGES
from homelab_netpol.policy.catalogue import Catalogue
from homelab_netpol.recommendation.frame import NARROWEST
from homelab_netpol.recommendation.needs import Need, is_private
from homelab_netpol.recommendation.resources import is_entity, listed

# The vocabulary's own profiles, the narrowest first; then those of one's own.
_ORDER = (NARROWEST, "internal", "internal-egress", "standard")


@dataclass(frozen=True, slots=True)
class Candidates:
    """Words for one Namespace.

    Attributes:
        model: the cluster.
        namespace: its name.
        needs: what it needs, at either end.
    """

    model: ClusterModel
    namespace: str
    needs: Sequence[Need]

    def profiles(self, *, narrow: bool) -> Iterator[Change]:
        """Each profile, alone and with what changes what it opens.

        Args:
            narrow: also without what pods of the Namespace need not do: reach each other.
        """
        words = self._catalogue.vocabulary
        within = any(self._is_own(need.source) and self._is_own(need.target) for need in self.needs)
        ports = self._internet_ports()
        for name in sorted(words.profiles, key=_rank):
            profile = self._label(words.profile_key, name)
            variants = [profile]
            intra = words.profiles[name]
            if within and not intra:
                variants.append(profile + self._label(words.intra_namespace_key, "allow"))
            if not within and intra and narrow:
                variants.append(profile + self._label(words.intra_namespace_key, "deny"))
            for each in variants:
                yield each
                if ports and name in words.internet_profiles:
                    yield each + self._annotation(words.internet_ports_key, ports)

    def beside(self) -> Iterator[Change]:
        """What lets in others than gateways: the LAN, the world, the API server."""
        words = self._catalogue.vocabulary
        inward = [need for need in self.needs if self._is_own(need.target)]
        lan = {need.ports for need in inward if self._is_lan(need.source)}
        outside = {need.ports for need in inward if _is_outside(need.source)}
        if outside:
            if lan:
                yield self._ports(words.lan_ports_key, lan)
            if outside - lan:
                yield self._ports(words.world_ports_key, outside - lan)
            yield self._ports(words.world_ports_key, outside)
        nodes = ("kube-apiserver", "host", "remote-node")
        if any(is_entity(need.source, *nodes) for need in inward):
            yield self._label(words.webhooks_key, "allow")

    def grants(self, needs: Sequence[Need]) -> Iterator[Change]:
        """Each grant on what there is that may serve some needs of its pods."""
        catalogue, words = self._catalogue, self._catalogue.vocabulary
        for name, of_it in words.grantable().items():
            if name == GATEWAY_GRANT and words.gateway_grant:
                ports = ports_of(catalogue.settings.gateways.ports)
                values = sorted(of_it.values or ())
                fitting = [need for need in needs if _hold(ports, need.ports)]
            else:
                resource = catalogue.resource(name)
                fitting = [need for need in needs if _hold(ports_of(resource.ports), need.ports)]
                values = [WHOLE] if of_it.whole else []
                if resource.value_label is not None:
                    pods = (need.target.pod for need in fitting)
                    carried = (
                        each.labels.get(resource.value_label, "")
                        for each in pods
                        if each is not None and each.namespace == resource.home
                    )
                    values += [each for each in dict.fromkeys(carried) if each]
            if fitting:
                for value in values:
                    yield self._label(f"{words.access_prefix}{name}", value)

    @property
    def _catalogue(self) -> Catalogue:
        return self.model.desired.catalogue

    def _internet_ports(self) -> str:
        """The annotation for the internet, if the settings' own ports are not what is needed."""
        needed = {
            need.ports
            for need in self.needs
            if self._is_own(need.source) and _is_internet(need.target)
        }
        if not needed or needed == set(ports_of(self._catalogue.settings.internet.ports)):
            return ""
        return as_annotation(needed)

    def _is_own(self, member: Member) -> bool:
        return member.pod is not None and member.pod.namespace == self.namespace

    def _is_lan(self, member: Member) -> bool:
        endpoint = member.endpoint
        if not isinstance(endpoint, Network):
            return False
        networks = map(ip_network, self._catalogue.settings.lan.cidrs)
        return any(
            each.version == endpoint.network.version
            and int(each.network_address) <= int(endpoint.network.network_address)
            and int(endpoint.network.broadcast_address) <= int(each.broadcast_address)
            for each in networks
        )

    def _label(self, key: str, value: str) -> Change:
        return Change((Setting(self.namespace, key, value),))

    def _annotation(self, key: str, value: str) -> Change:
        return Change((Setting(self.namespace, key, value, annotation=True),))

    def _ports(self, key: str, ports: Iterable[Ports]) -> Change:
        return self._annotation(key, as_annotation(ports))


def as_annotation(ports: Iterable[Ports]) -> str:
    """Ports as annotations list them, such as `80,443,UDP/27015-27020`."""
    parts = []
    for each in listed(ports, MAX_RANGES):
        numbers = str(each.first) if each.first == each.last else f"{each.first}-{each.last}"
        parts.append(numbers if each.protocol == "TCP" else f"{each.protocol}/{numbers}")
    return ",".join(parts)


def _rank(profile: str) -> tuple[int, str]:
    return (_ORDER.index(profile) if profile in _ORDER else len(_ORDER), profile)


def _is_outside(member: Member) -> bool:
    return isinstance(member.endpoint, Network | Name) or is_entity(member, "world")


def _is_internet(member: Member) -> bool:
    endpoint = member.endpoint
    if isinstance(endpoint, Pod) or (isinstance(endpoint, Entity) and endpoint.name != "world"):
        return False
    return not is_private(endpoint)


def _hold(ports: Iterable[Ports], asked: Ports) -> bool:
    return any(
        each.protocol == asked.protocol and each.first <= asked.first and asked.last <= each.last
        for each in ports
    )
