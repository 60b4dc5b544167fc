"""What makes two drops the same: whose they are, not which replica, port or second. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from homelab_netpol.cilium.evaluation import Direction
from homelab_netpol.cilium.terms import CILIUM_LABELS_PREFIX, NAMESPACE_KEY, NAMESPACE_LABELS_PREFIX
from homelab_netpol.cilium.terms import SERVICE_ACCOUNT_KEY as ACCOUNT
from homelab_netpol.flows import DropReason, Flow, FlowEnd, Verdict
from homelab_netpol.manifests.workloads import OF_REPLICAS

# An address may have several reserved labels: the most telling first.
_ENTITIES = ("kube-apiserver", "host", "remote-node", "health", "ingress", "init", "unmanaged")
_WORLDS = ("world", "world-ipv4", "world-ipv6")
_OF_CILIUM = (NAMESPACE_LABELS_PREFIX, CILIUM_LABELS_PREFIX)
_NAMING = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app", "k8s-app", "name")


@dataclass(frozen=True, slots=True)
class EndKey:
    """One end, as groups know it.

    Attributes:
        namespace: of pods; "": it is none.
        labels: of pods, without those of replicas and of the Namespace.
        account: the service account; "": not known.
        pod: its name, where nothing else is known of it.
        entity: what else it is; `world` for any address outside.
        place: beside which entity the API server is; "": not known.
        address: of the home network, where single addresses matter; else "".
        name: by which an address outside was looked up; "": not known.
        cluster: of a cluster mesh; "": not known.
    """

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    account: str = ""
    pod: str = ""
    entity: str = ""
    place: str = ""
    address: str = ""
    name: str = ""
    cluster: str = ""

    @property
    def words(self) -> str:
        """How messages name it."""
        if self.namespace:
            labels = dict(self.labels)
            named = next((labels[each] for each in _NAMING if labels.get(each)), self.pod)
            return f"{self.namespace}/{named}" if named else self.namespace
        if self.entity == "world":
            return self.name or self.address or "the internet"
        return self.entity or self.address or "an unknown address"


def end_key(end: FlowEnd) -> EndKey:
    """The key of one end of a flow."""
    namespace = end.namespace or end.labels.get(NAMESPACE_KEY, "")
    if namespace:
        labels = tuple(
            sorted(
                (key, value)
                for key, value in end.labels.items()
                if key not in OF_REPLICAS
                and key != NAMESPACE_KEY
                and not key.startswith(_OF_CILIUM)
            )
        )
        account = end.labels.get(ACCOUNT, "")
        pod = "" if labels or end.labels else end.pod
        return EndKey(namespace, labels, account, pod, cluster=end.cluster)
    for entity in _ENTITIES:
        if entity in end.entities:
            others = (each for each in end.entities if each in ("host", "remote-node"))
            place = next(others, "") if entity == "kube-apiserver" else ""
            return EndKey(entity=entity, place=place)
    if not end.entities or any(each in end.entities for each in _WORLDS):
        name = end.names[0].rstrip(".") if end.names else ""
        address = end.ip if end.is_private and not name else ""
        known = bool(end.entities or end.ip)
        return EndKey(entity="world" if known else "", address=address, name=name)
    return EndKey(entity=end.entities[0])


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What drops of a group have in common.

    Attributes:
        source: who sent.
        destination: to whom.
        protocol: TCP, UDP etc.; "": not known.
        port: of the destination; None: it has none, or many (`is_scan`).
        direction: at which end; None: not known.
        verdict: what became of it.
        reason: why it was dropped.
        is_request: a proxy refused a request.
        is_scan: one source tries many ports or targets, whichever they are.
    """

    source: EndKey
    destination: EndKey
    protocol: str
    port: int | None
    direction: Direction | None
    verdict: Verdict
    reason: DropReason
    is_request: bool = False
    is_scan: bool = False

    @property
    def own(self) -> EndKey:
        """The end whose policies judged it."""
        return self.destination if self.direction is Direction.INGRESS else self.source

    @property
    def peer(self) -> EndKey:
        """The other end."""
        return self.source if self.direction is Direction.INGRESS else self.destination

    @property
    def port_words(self) -> str:
        """Its port, as `--port` takes it."""
        if self.port is None:
            return self.protocol
        return f"{self.port}/{self.protocol}"

    @property
    def words(self) -> str:
        """Who to whom, on which port."""
        if self.is_scan:
            where = self.destination.words if self.destination != EndKey() else "many targets"
            ports = f" on {self.port_words}" if self.port is not None else ", many ports"
            return f"{self.source.words} to {where}{ports}"
        port = f" on {self.port_words}" if self.port_words else ""
        return f"{self.source.words} to {self.destination.words}{port}"


def group_key(flow: Flow) -> GroupKey:
    """The key of a flow."""
    return GroupKey(
        end_key(flow.source),
        end_key(flow.destination),
        flow.protocol,
        flow.port,
        flow.direction,
        flow.verdict,
        flow.reason,
        flow.is_request,
    )
