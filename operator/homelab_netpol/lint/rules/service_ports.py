"""The port of a Service where that of its pods is meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from homelab_netpol.lint.examples import cilium_policy
from homelab_netpol.lint.given import Given, GivenPods
from homelab_netpol.lint.peers import peers_of, pods_of_peer, pods_of_spec
from homelab_netpol.lint.policies import INGRESS, PolicyView, RuleView, SpecView, items, mapping
from homelab_netpol.lint.rule import Hit, Path, Rule, Severity
from homelab_netpol.manifests import Manifest

_ANY = "ANY"


class _Opened(NamedTuple):
    path: Path
    number: int
    protocols: tuple[str, ...]


def _service_port(given: Given) -> Iterator[Hit]:
    for policy in given.by_hand:
        for spec in policy.specs:
            for rule in spec.rules:
                opened = list(_opened(rule))
                if not opened or rule.deny:
                    continue
                for pods in _targets(rule, spec, policy, given):
                    yield from _wrong_ports(policy, opened, pods, given)


def _targets(
    rule: RuleView, spec: SpecView, policy: PolicyView, given: Given
) -> Iterator[Sequence[GivenPods]]:
    """The pods whose ports a rule is about, where all of them are known."""
    if rule.direction == INGRESS:
        found = pods_of_spec(spec, given)
        if found:
            yield found
        return
    found_all: list[GivenPods] = []
    for peer in peers_of(rule, policy):
        pods = pods_of_peer(peer, given)
        if not pods:
            return
        found_all += pods
    if found_all and not (rule.cilium and rule.peer_kinds != ["Endpoints"]):
        yield found_all


def _wrong_ports(
    policy: PolicyView, opened: Sequence[_Opened], pods: Sequence[GivenPods], given: Given
) -> Iterator[Hit]:
    held = [each for each in pods if not each.workload.host_network]
    listening = {(p.number, p.protocol) for each in held for p in each.workload.ports}
    ports = list(_service_ports(held, given))
    listening |= {(target, protocol) for *_, target, protocol in ports if target}
    listening |= {(number, protocol) for _, number, headless, _, protocol in ports if headless}
    allowed = {(each.number, protocol) for each in opened for protocol in each.protocols}
    for each in opened:
        if any((each.number, protocol) in listening for protocol in each.protocols):
            continue
        meant = {
            (service.name, target)
            for service, number, _, target, protocol in ports
            if number == each.number and protocol in each.protocols and target
            if (target, protocol) not in allowed
        }
        if meant:
            name, target = sorted(meant)[0]
            yield Hit(
                policy.manifest,
                each.path,
                f"{each.number} is the port of the Service {name}; its pods listen on {target},"
                " and policies are about the pods' ports",
            )


class _ServicePort(NamedTuple):
    service: Manifest
    number: int
    headless: bool
    target: int
    protocol: str


def _service_ports(pods: Sequence[GivenPods], given: Given) -> Iterator[_ServicePort]:
    for namespace in {each.workload.namespace for each in pods}:
        for service in given.services(namespace):
            spec = mapping(service.data.get("spec"))
            selector = mapping(spec.get("selector"))
            behind = [
                each
                for each in pods
                if each.workload.namespace == namespace
                and selector
                and selector.items() <= each.workload.labels.items()
            ]
            for port in items(spec.get("ports")) if behind else ():
                number = mapping(port).get("port")
                protocol = mapping(port).get("protocol") or "TCP"
                if type(number) is not int or not isinstance(protocol, str):
                    continue
                headless = spec.get("clusterIP") == "None"
                for target in _resolved(mapping(port), behind, protocol):
                    yield _ServicePort(service, number, headless, target, protocol)


def _resolved(port: Mapping[str, Any], behind: Sequence[GivenPods], protocol: str) -> set[int]:
    target = port.get("targetPort", port.get("port"))
    if type(target) is int:
        return {target}
    named = {
        each.number
        for pods in behind
        for each in pods.workload.ports
        if each.name == target and each.protocol == protocol
    }
    return named or {0}


def _opened(rule: RuleView) -> Iterator[_Opened]:
    for path, port in rule.ports():
        number, end = port.get("port"), port.get("endPort")
        if end or isinstance(number, bool):
            continue
        if not (isinstance(number, int) or (isinstance(number, str) and number.isdigit())):
            continue
        protocol = port.get("protocol") or (_ANY if rule.cilium else "TCP")
        protocols = ("TCP", "UDP", "SCTP") if protocol == _ANY else (str(protocol),)
        if 0 < int(number) < 65536:
            yield _Opened((*path, "port"), int(number), protocols)


_POD_AND_SERVICE = """\
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: photos, labels: {app: web}}
spec: {containers: [{name: web, ports: [{containerPort: 8080, name: http}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: photos}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
"""

SERVICE_PORT = Rule(
    id="NP305",
    name="port-of-a-service",
    severity=Severity.ERROR,
    summary="A rule opens the port of a Service, and the pods behind it listen on another one.",
    why="Cilium translates a Service's address and port to a pod's before it asks any policy. The"
    " port that clients call is not the one that policies are about.",
    fix="Write the pods' port: the Service's `targetPort`.",
    wrong=_POD_AND_SERVICE
    + cilium_policy(
        "web",
        """\
  endpointSelector: {matchLabels: {app: web}}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "80", protocol: TCP}]}]
""",
    ),
    right=_POD_AND_SERVICE
    + cilium_policy(
        "web",
        """\
  endpointSelector: {matchLabels: {app: web}}
  ingress:
    - fromCIDR: [192.168.1.0/24]
      toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
""",
    ),
    check=_service_port,
    needs="Services, and the pods behind them",
)


RULES = (SERVICE_PORT,)
