"""Kubernetes NetworkPolicies that say what the operator's Cilium policies say. Pure.

They are namespaced, so what is clusterwide is said in each Namespace that is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homelab_netpol.cilium.evaluation.policy import Direction
from homelab_netpol.cilium.selectors import Operator
from homelab_netpol.export.closing import Closing, subjects
from homelab_netpol.export.limits import Effect, Exported, ExportedObject, Unsaids
from homelab_netpol.export.naming import labels_of, names
from homelab_netpol.export.peers import Addresses, Anybody, Net, Peer, Pods, Port
from homelab_netpol.export.statements import Requirements, Statement, rules_by_direction, statements
from homelab_netpol.policy.keys import PolicyKey
from homelab_netpol.policy.objects import Policy

_SIDES = {Direction.INGRESS: "from", Direction.EGRESS: "to"}
_LATER = (
    "clusterwide policies: they are written in each Namespace that is given; export again when one"
    " is added"
)
# Pods of one policy in one namespace, and what is said to them.
_Groups = dict[tuple[PolicyKey, Requirements], list[Statement]]


def network_policies(
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
    objects: list[ExportedObject] = []
    for name, labels in sorted(namespaces.items()):
        here = [each for each in clusterwide if each.is_about(name, labels)]
        objects += _in_namespace(name, [*here, *found.get(name, ())], unsaid)
    if clusterwide:
        unsaid.add(_LATER, Effect.LATER)
    return Exported.of(objects, policies, unsaid)


def _in_namespace(
    namespace: str, about: Sequence[Statement], unsaid: Unsaids
) -> list[ExportedObject]:
    closing = Closing(about)
    groups: _Groups = {}
    for each in about:
        for pods in subjects(each, closing.of(each.direction), unsaid):
            groups.setdefault((each.origin.key, pods), []).append(each)
    named = names(groups)
    return [
        ExportedObject(_object(namespace, named[key, pods], pods, said), said[0].origin)
        for (key, pods), said in groups.items()
    ]


def _object(
    namespace: str, name: str, pods: Requirements, said: Sequence[Statement]
) -> dict[str, Any]:
    rules = rules_by_direction(said, _rules)
    types = [each.title() for each in rules]
    spec = {"podSelector": selector(pods), "policyTypes": types, **rules}
    metadata = {"name": name, "namespace": namespace, "labels": labels_of(said[0].origin)}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": spec,
    }


def _rules(statement: Statement) -> list[dict[str, Any]]:
    if not statement.says_something:
        return []
    rule: dict[str, Any] = {}
    if not any(isinstance(peer, Anybody) for peer in statement.peers):
        rule[_SIDES[statement.direction]] = [_peer(each) for each in statement.peers]
    if statement.ports is not None:
        rule["ports"] = [_port(each) for each in statement.ports]
    return [rule]


def _peer(peer: Peer) -> dict[str, Any]:
    match peer:
        case Net(network, exceptions):
            block: dict[str, Any] = {"cidr": str(network)}
            if exceptions:
                block["except"] = [str(each) for each in exceptions]
            return {"ipBlock": block}
        case Pods(namespaces, labels, own):
            if own is not None:
                return {"podSelector": selector(labels)}
            made = {"namespaceSelector": selector(namespaces)}
            return {**made, "podSelector": selector(labels)} if labels else made
        case Anybody():
            raise ValueError("a rule for everybody names no peer")


def _port(port: Port) -> dict[str, Any]:
    if port.name:
        return {"protocol": port.protocol, "port": port.name}
    if not port.first:
        return {"protocol": port.protocol}
    made = {"protocol": port.protocol, "port": port.first}
    return {**made, "endPort": port.last} if port.last != port.first else made


def selector(requirements: Requirements) -> dict[str, Any]:
    """A label selector of Kubernetes'."""
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for one in requirements:
        if one.operator is Operator.IN and len(one.values) == 1 and one.key not in labels:
            labels[one.key] = one.values[0]
            continue
        expression: dict[str, Any] = {"key": one.key, "operator": one.operator.value}
        if one.operator.takes_values:
            expression["values"] = list(one.values)
        expressions.append(expression)
    made: dict[str, Any] = {"matchLabels": labels} if labels else {}
    return {**made, "matchExpressions": expressions} if expressions else made
