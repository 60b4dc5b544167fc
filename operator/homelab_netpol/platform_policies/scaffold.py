"""A first policy by hand for a platform namespace, as YAML with comments for who will own it. Pure.

It has what `required.py` asks for, on the ports that the pods are known to listen on. What cannot
be known is asked for in comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from homelab_netpol.access.cluster_model import ClusterModel
from homelab_netpol.cilium.evaluation import Direction, Pod
from homelab_netpol.cilium.terms import LAST_PORT, NAMESPACE_LABELS_PREFIX, SOURCE_K8S
from homelab_netpol.findings.needs import Port
from homelab_netpol.manifests.workloads import Workload
from homelab_netpol.platform_policies.listening import ListeningPort, listening_ports
from homelab_netpol.platform_policies.required import RequiredRule, Requirements

_UNKNOWN_PORTS = (
    "# The ports of these pods are not known, so this opens every one. List them:",
    '# toPorts: [{ports: [{port: "8080", protocol: TCP}]}]',
)


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What is asked for.

    Attributes:
        namespace: the platform namespace.
        name: of the policy.
        labels: of the pods that it is for; none: all of the namespace.
        meshed: the namespace is in the mesh.
    """

    namespace: str
    name: str = "platform"
    labels: Mapping[str, str] | None = None
    meshed: bool = False


def scaffold(model: ClusterModel, wanted: Scaffold) -> str:
    """The policy, as YAML."""
    return "\n".join([*_Writer(model, wanted).lines(), ""])


class _Writer:
    def __init__(self, model: ClusterModel, wanted: Scaffold) -> None:
        self._model, self._wanted = model, wanted
        self._requirements = Requirements(model)
        self._settings = self._requirements.settings
        self._labels = dict(wanted.labels or {})
        self._workloads = [
            each
            for each in model.workloads.get(wanted.namespace, ())
            if not each.host_network and self._labels.items() <= each.labels.items()
        ]
        self._ports = listening_ports(model.manifests, self._workloads)

    def lines(self) -> Iterator[str]:
        wanted = self._wanted
        namespace = wanted.namespace
        yield f"# The platform namespace {namespace}: what each policy of such a one must have, and"
        yield "# room for its own rules. It is kept by hand; the operator never touches it."
        yield "# Apply it with the hatch open, then close the hatch and look at what is dropped."
        yield "apiVersion: cilium.io/v2"
        yield "kind: CiliumNetworkPolicy"
        yield "metadata:"
        yield f"  name: {_flow(wanted.name)}"
        yield f"  namespace: {_flow(namespace)}"
        yield "spec:"
        about = f"The pods of {namespace}: what must flow, and who calls them."
        yield f"  description: {_flow(about)}"
        selector = {"matchLabels": self._labels} if self._labels else {}
        yield f"  endpointSelector: {_flow(selector)}"
        yield from self._host_network()
        rules = self._requirements.of_pod(self._pod(), in_mesh=wanted.meshed)
        yield "  ingress:"
        for rule in rules:
            # A node reaches its own pods without a rule.
            if rule.need.direction is Direction.INGRESS and rule.peers[0].entities != ("host",):
                yield from self._required(rule)
        yield from self._own(Direction.INGRESS)
        yield from self._of_dns()
        yield from self._ask_for_clients()
        yield "  egress:"
        for rule in rules:
            if rule.need.direction is Direction.EGRESS:
                yield from self._required(rule)
        yield from self._own(Direction.EGRESS)
        yield from self._of_gateways()
        yield from self._ask_for_targets()

    def _pod(self) -> Pod:
        any_pod = self._model.any_pod(self._wanted.namespace)
        return Pod(any_pod.namespace, any_pod.namespace_labels, self._labels)

    def _host_network(self) -> Iterator[str]:
        outside = [
            each
            for each in self._model.workloads.get(self._wanted.namespace, ())
            if each.host_network and self._labels.items() <= each.labels.items()
        ]
        if outside:
            names = ", ".join(map(_named, outside))
            yield f"  # On the host's network, where no policy for pods holds: {_comment(names)}."

    def _required(self, rule: RequiredRule) -> Iterator[str]:
        yield f"    # {rule.purpose}"
        for peers in rule.rules():
            written = {key: value for key, value in peers.items() if key != "toPorts"}
            yield from _item(written)
            yield from self._to_ports(rule)

    def _to_ports(self, rule: RequiredRule) -> Iterator[str]:
        if rule.ports:
            yield from _listed(rule.ports)
            return
        tcp = [each for each in self._ports if each.port[0] == "TCP"]
        metrics = [each for each in tcp if each.metrics]
        if rule.of_metrics and metrics:
            yield from _known(metrics)
        elif tcp:
            if rule.of_metrics:
                yield "      # Which of these has the metrics? Keep that one."
            yield from _known(tcp)
        else:
            yield from (f"      {line}" for line in _UNKNOWN_PORTS)

    def _own(self, direction: Direction) -> Iterator[str]:
        """The namespace's own pods: replicas, and whatever else belongs together."""
        way = "from" if direction is Direction.INGRESS else "to"
        own = [each for each in self._ports if not each.metrics or each.service]
        yield f"    # The namespace's own pods, {way} one another."
        yield from _item({f"{way}Endpoints": [{}]})
        if own:
            mesh = self._settings.mesh.port
            tunnel = [ListeningPort(("TCP", mesh), "the mesh's tunnel, HBONE")]
            yield from _known([*own, *(tunnel if self._wanted.meshed else ())])
        else:
            yield from (f"      {line}" for line in _UNKNOWN_PORTS)

    def _of_dns(self) -> Iterator[str]:
        """Where DNS is answered, everyone in the cluster asks."""
        dns = self._settings.dns
        here = [peer for peer in dns.servers if self._wanted.namespace in peer.namespaces]
        if here:
            yield "    # DNS is answered here: every pod and node may ask."
            yield from _item({"fromEntities": ["cluster"]})
            yield from _listed([(each.protocol.value, each.port) for each in dns.ports])

    def _of_gateways(self) -> Iterator[str]:
        """Gateways reach the apps whose profile lets them in, on any port of theirs."""
        if self._wanted.namespace not in self._settings.gateways.namespaces:
            return
        words = self._model.desired.catalogue.vocabulary
        key = f"{SOURCE_K8S}:{NAMESPACE_LABELS_PREFIX}{words.profile_key}"
        yield "    # Gateways are here. Whether one reaches an app is decided by the app's profile."
        apps = {"matchExpressions": [{"key": key, "operator": "Exists"}]}
        yield from _item({"toEndpoints": [apps]})
        yield "      toPorts:"
        yield f'        - ports: [{{port: "1", endPort: {LAST_PORT}, protocol: TCP}}]'

    def _ask_for_clients(self) -> Iterator[str]:
        offered = self._model.desired.catalogue.resources_in(self._wanted.namespace)
        for name in sorted(offered):
            yield f"    # Holders of the grant {name} are let in by homelab-grant-{name}."
        services = [each for each in self._ports if each.service and not each.metrics]
        on = ", ".join(
            dict.fromkeys(
                f"{number}/{protocol}" for each in services for protocol, number in [each.port]
            )
        )
        what = f"these pods ({on})" if on else "these pods"
        yield f"    # Who else calls {what}? A rule for each, with its ports:"
        if self._wanted.meshed:
            tunnel = self._settings.mesh.port
            yield f"    # (in the mesh with TCP {tunnel} as well, here and under egress)"
        yield "    # - fromEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: CALLER}}]"
        yield '    #   toPorts: [{ports: [{port: "8080", protocol: TCP}]}]'

    def _ask_for_targets(self) -> Iterator[str]:
        accounts = [_named(each) for each in self._workloads if each.service_account != "default"]
        who = f" ({_comment(', '.join(accounts[:3]))} may)" if accounts else ""
        yield f"    # Do they call the API server, as operators and controllers do{who}?"
        yield "    # - toEntities: [kube-apiserver]"
        yield (
            '    #   toPorts: [{ports: [{port: "6443", protocol: TCP},'
            ' {port: "443", protocol: TCP}]}]'
        )
        yield "    # Whom else do they call: backups, webhooks, other namespaces, the internet?"


def _named(workload: Workload) -> str:
    return f"{workload.kind} {workload.name}"


def _item(rule: Mapping[str, Any]) -> Iterator[str]:
    """One item of a list of rules, without its ports."""
    text = yaml.safe_dump([dict(rule)], default_flow_style=None, sort_keys=False, width=10_000)
    for line in text.splitlines():
        yield f"    {line}"


def _listed(ports: Iterable[Port]) -> Iterator[str]:
    items = ", ".join(f'{{port: "{number}", protocol: {protocol}}}' for protocol, number in ports)
    yield "      toPorts:"
    yield f"        - ports: [{items}]"


def _known(ports: Sequence[ListeningPort]) -> Iterator[str]:
    yield "      toPorts:"
    yield "        - ports:"
    for each in ports:
        protocol, number = each.port
        where = _comment(each.where)
        yield f'            - {{port: "{number}", protocol: {protocol}}} # {where}'


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _comment(text: str) -> str:
    """Text from manifests that cannot end a comment."""
    return "".join(c if c.isprintable() else "?" for c in text)
