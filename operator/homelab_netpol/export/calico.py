"""Calico's NetworkPolicies and GlobalNetworkPolicies that say what the Cilium policies say. Pure.

All rules allow, so their order, and that of the policies, decides nothing. As in Kubernetes' own
kind, a policy isolates the pods that it selects, in the directions of its `types`. Selectors and
fields: Calico's reference of projectcalico.org/v3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homelab_netpol.cilium.evaluation.policy import Direction
from homelab_netpol.cilium.selectors import Operator, Requirement
from homelab_netpol.cilium.terms import NAME_LABEL
from homelab_netpol.export.closing import Closing, normal, subjects
from homelab_netpol.export.limits import Exported, ExportedObject, Unsaids
from homelab_netpol.export.naming import labels_of, names
from homelab_netpol.export.peers import Addresses, Anybody, Net, Peer, Pods, Port
from homelab_netpol.export.statements import Requirements, Statement, rules_by_direction, statements
from homelab_netpol.policy.keys import PolicyKey
from homelab_netpol.policy.objects import Policy

_API_VERSION = "projectcalico.org/v3"
# The end of a rule that is the peer.
_SIDES = {Direction.INGRESS: "source", Direction.EGRESS: "destination"}
_ALL = "all()"
# A selector of peers means NetworkSets as well, which hold any addresses; only pods have this
# label. Calico says the same where it translates Kubernetes' own kind.
_IS_POD = "projectcalico.org/orchestrator == 'k8s'"
# The label by which Calico knows a namespace.
_CALICO_NAME_LABEL = "projectcalico.org/name"
# Whose Namespaces, which of their pods, and what is said to them.
_Subject = tuple[Requirements, Requirements]


def calico_policies(
    policies: Sequence[Policy],
    namespaces: Mapping[str, Mapping[str, str]],
    addresses: Addresses,
) -> Exported:
    """Translates all policies; Istio's stay as they are.

    Args:
        policies: what the operator would write.
        namespaces: the labels of each Namespace, by its name.
        addresses: of the cluster.

    Raises:
        ExportError: without what cannot be said, more would be allowed.
    """
    unsaid = Unsaids()
    found = statements(policies, addresses, unsaid)
    clusterwide = found.get("", ())
    objects = _clusterwide(clusterwide)
    for name, labels in sorted(namespaces.items()):
        around = [each for each in clusterwide if each.is_about(name, labels)]
        objects += _in_namespace(name, around, found.get(name, ()), unsaid)
    return Exported.of(objects, policies, unsaid)


def _clusterwide(about: Sequence[Statement]) -> list[ExportedObject]:
    """What is said to those whom a clusterwide policy isolates."""
    closed: defaultdict[Direction, dict[_Subject, None]] = defaultdict(dict)
    for each in about:
        if each.closes:
            closed[each.direction][normal(each.namespaces), normal(each.pods)] = None
    groups: dict[tuple[PolicyKey, _Subject], list[Statement]] = {}
    for each in about:
        own = (normal(each.namespaces), normal(each.pods))
        isolated = [own] if each.closes else closed[each.direction]
        for namespaces, pods in isolated:
            subject = (normal((*own[0], *namespaces)), normal((*own[1], *pods)))
            groups.setdefault((each.origin.key, subject), []).append(each)
    named = names(groups)
    return [
        ExportedObject(
            _object(
                "GlobalNetworkPolicy",
                {"name": named[key, subject], "labels": labels_of(said[0].origin)},
                # Without one, the nodes' own interfaces would be selected as well.
                {"namespaceSelector": expression(subject[0]), "selector": expression(subject[1])},
                said,
            ),
            said[0].origin,
        )
        for (key, subject), said in groups.items()
    ]


def _in_namespace(
    namespace: str, around: Sequence[Statement], own: Sequence[Statement], unsaid: Unsaids
) -> list[ExportedObject]:
    by_all, by_clusterwide = Closing([*around, *own]), Closing(around)
    groups: dict[tuple[PolicyKey, Requirements], list[Statement]] = {}

    def say(statement: Statement, to: Iterable[Requirements]) -> None:
        for pods in to:
            groups.setdefault((statement.origin.key, pods), []).append(statement)

    for each in own:
        say(each, subjects(each, by_all.of(each.direction), unsaid))
    for each in around:
        # To those whom a clusterwide policy isolates it is said by one, too.
        done = by_clusterwide.of(each.direction)
        if not each.closes and () not in done:
            more = [pods for pods in by_all.of(each.direction) if pods not in done]
            say(each, subjects(each, more, unsaid))
    named = names(groups)
    return [
        ExportedObject(
            _object(
                "NetworkPolicy",
                {
                    "name": named[key, pods],
                    "namespace": namespace,
                    "labels": labels_of(said[0].origin),
                },
                {"selector": expression(pods)},
                said,
            ),
            said[0].origin,
        )
        for (key, pods), said in groups.items()
    ]


def _object(
    kind: str, metadata: Mapping[str, Any], subject: Mapping[str, str], said: Sequence[Statement]
) -> dict[str, Any]:
    rules = rules_by_direction(said, _rules)
    spec = {**subject, "types": [each.title() for each in rules], **rules}
    return {"apiVersion": _API_VERSION, "kind": kind, "metadata": dict(metadata), "spec": spec}


def _rules(statement: Statement) -> list[dict[str, Any]]:
    """A rule for each peer and protocol: Calico's have one of either."""
    if not statement.says_something:
        return []
    side = _SIDES[statement.direction]
    by_protocol: defaultdict[str, list[Port]] = defaultdict(list)
    for port in statement.ports or ():
        by_protocol[port.protocol].append(port)
    made = []
    for peer in statement.peers:
        for protocol, ports in by_protocol.items() if statement.ports is not None else (("", []),):
            rule: dict[str, Any] = {"action": "Allow"}
            if protocol:
                rule["protocol"] = protocol
            entity = _peer(peer)
            if entity:
                rule[side] = entity
            if ports and all(each.first or each.name for each in ports):
                rule.setdefault("destination", {})
                rule["destination"] = {**rule["destination"], "ports": [_port(p) for p in ports]}
            made.append(rule)
    return made


def _peer(peer: Peer) -> dict[str, Any]:
    match peer:
        case Net(network, exceptions):
            made: dict[str, Any] = {"nets": [str(network)]}
            return {**made, "notNets": [str(each) for each in exceptions]} if exceptions else made
        case Pods(namespaces, labels, own):
            selector = " && ".join((_IS_POD, *map(_condition, labels)))
            # A selector alone means pods of the policy's own namespace.
            if own is not None:
                return {"selector": selector}
            return {"namespaceSelector": expression(namespaces), "selector": selector}
        case Anybody():
            return {}


def _port(port: Port) -> int | str:
    if port.name:
        return port.name
    return port.first if port.first == port.last else f"{port.first}:{port.last}"


def expression(requirements: Iterable[Requirement]) -> str:
    """A selector in Calico's language."""
    return " && ".join(map(_condition, requirements)) or _ALL


def _condition(one: Requirement) -> str:
    key = _CALICO_NAME_LABEL if one.key == NAME_LABEL else one.key
    values = ", ".join(f"'{value}'" for value in one.values)
    match one.operator:
        case Operator.IN if len(one.values) == 1:
            return f"{key} == {values}"
        case Operator.IN:
            return f"{key} in {{{values}}}"
        case Operator.NOT_IN:
            # As Kubernetes has it: who has no such label is meant, too.
            return f"(!has({key}) || {key} not in {{{values}}})"
        case Operator.EXISTS:
            return f"has({key})"
        case Operator.DOES_NOT_EXIST:
            return f"!has({key})"
