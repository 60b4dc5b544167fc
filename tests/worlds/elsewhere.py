"""Who may talk to whom without Cilium: NetworkPolicies of Kubernetes and of Calico, evaluated.

Written from the two kinds' references, and independent of how the operator exports them. Pods and
nodes have addresses here, which every network holds that they are in; Cilium sees it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from tests.worlds.ends import PORT_NAME, PORT_NUMBER, End, Entity, Outside, Pod
from tests.worlds.ports import Target
from tests.worlds.world import World

Json = Mapping[str, Any]

PODS, NODES = "10.77.0.0/16", "10.78.0.0/24"
CLUSTER_CIDRS = (PODS, NODES, "fd00:77::/64")
API_SERVER = "10.78.0.3"
_ADDRESSES = {
    "host": "10.78.0.1",
    "remote-node": "10.78.0.2",
    "kube-apiserver": API_SERVER,
    "unmanaged": "10.77.255.1",
}


@dataclass(frozen=True)
class Host:
    """An end with its address; a pod has a namespace.

    Attributes:
        address: of its one interface.
        namespace: of a pod; "" else.
        labels: of a pod.
        namespace_labels: of its Namespace, the name's included.
        own_node: it is the node of whoever it calls.
    """

    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    own_node: bool = False


def hosts(world: World) -> dict[str, Host]:
    """The ends of flows by their names; those that exist in Cilium only are not among them."""
    found = {}
    for number, pod in enumerate(world.pods, start=1):
        labels = {
            **world.spaces[pod.namespace].labels,
            "kubernetes.io/metadata.name": pod.namespace,
        }
        address = f"10.77.{number // 250}.{number % 250}"
        found[pod.name] = Host(address, pod.namespace, pod.labels, labels)
    for end in world.ends:
        address = _address(end)
        if address:
            found[end.name] = Host(address, own_node=end.name == "host")
    return found


def _address(end: End) -> str:
    match end:
        case Outside():
            return end.address
        case Entity():
            return _ADDRESSES.get(end.name, "")
        case Pod():
            return ""


def kubernetes_allows(
    policies: Iterable[Json], own: Host, peer: Host, target: Target, direction: str
) -> bool:
    """Whether NetworkPolicies let a pod's connection pass, seen from one of its ends."""
    if direction == "ingress" and peer.own_node:
        return True  # to and from the node where a Pod is running is always allowed
    kind, side = ("Ingress", "from") if direction == "ingress" else ("Egress", "to")
    isolated = False
    for policy in policies:
        spec, namespace = policy["spec"], policy["metadata"]["namespace"]
        if kind not in spec["policyTypes"] or namespace != own.namespace:
            continue
        if not _selects(spec["podSelector"], own.labels):
            continue
        isolated = True
        for rule in spec.get(direction) or ():
            peers, ports = rule.get(side) or (), rule.get("ports") or ()
            if (not peers or any(_is_peer(each, peer, namespace) for each in peers)) and (
                not ports or any(_is_port(each, target) for each in ports)
            ):
                return True
    return not isolated


def _is_peer(item: Json, peer: Host, namespace: str) -> bool:
    if "ipBlock" in item:
        block = item["ipBlock"]
        return _within(peer, [block["cidr"]]) and not _within(peer, block.get("except", ()))
    if not peer.namespace:
        return False
    if "namespaceSelector" in item:
        if not _selects(item["namespaceSelector"], peer.namespace_labels):
            return False
    elif peer.namespace != namespace:
        return False
    return _selects(item.get("podSelector") or {}, peer.labels)


def _is_port(item: Json, target: Target) -> bool:
    if item.get("protocol", "TCP") != target.protocol:
        return False
    port = item.get("port")
    if isinstance(port, str):
        return (port, target.number, target.protocol) == (PORT_NAME, PORT_NUMBER, "TCP")
    return port is None or port <= target.number <= item.get("endPort", port)


def _within(peer: Host, networks: Iterable[str]) -> bool:
    address = ip_address(peer.address)
    return any(address in ip_network(each) for each in networks)


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for one in selector.get("matchExpressions", ()):
        value, values = labels.get(one["key"]), one.get("values", ())
        holds = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[one["operator"]]
        if not holds:
            return False
    return True


def calico_allows(
    policies: Iterable[Json], own: Host, peer: Host, target: Target, direction: str
) -> bool:
    """Likewise Calico's NetworkPolicies and GlobalNetworkPolicies, all of one tier."""
    if direction == "ingress" and peer.own_node:
        return True  # from a node to its own workloads is always allowed
    isolated = False
    for policy in policies:
        spec, namespace = policy["spec"], policy["metadata"].get("namespace", "")
        if direction.title() not in spec["types"] or namespace not in ("", own.namespace):
            continue
        own_space = {**own.namespace_labels, "projectcalico.org/name": own.namespace}
        if not matches(spec.get("namespaceSelector", "all()"), own_space):
            continue
        if not matches(spec["selector"], own.labels):
            continue
        isolated = True
        for rule in spec.get(direction) or ():
            assert rule["action"] == "Allow"
            side = "source" if direction == "ingress" else "destination"
            if not _is_entity(rule.get(side, {}), peer, namespace):
                continue
            ports = rule.get("destination", {}).get("ports")
            if "protocol" in rule and rule["protocol"] != target.protocol:
                continue
            if ports is None or any(_is_calico_port(each, target) for each in ports):
                return True
    return not isolated


def _is_entity(entity: Json, peer: Host, namespace: str) -> bool:
    if "nets" in entity and not _within(peer, entity["nets"]):
        return False
    if _within(peer, entity.get("notNets", ())):
        return False
    if "selector" not in entity and "namespaceSelector" not in entity:
        return True
    if not peer.namespace:
        return False
    space = {**peer.namespace_labels, "projectcalico.org/name": peer.namespace}
    if "namespaceSelector" in entity:
        if not matches(entity["namespaceSelector"], space):
            return False
    elif namespace and peer.namespace != namespace:
        return False
    labels = {**peer.labels, "projectcalico.org/orchestrator": "k8s"}
    return matches(entity.get("selector", "all()"), labels)


def _is_calico_port(port: int | str, target: Target) -> bool:
    if isinstance(port, int):
        return port == target.number
    first, colon, last = port.partition(":")
    if colon:
        return int(first) <= target.number <= int(last)
    return (port, target) == (PORT_NAME, Target(PORT_NUMBER))


_TOKENS = re.compile(
    r"\s*(all\(\)|has\([^)]+\)|!|&&|\|\||\(|\)|'[^']*'|==|\{|\}|,|not in\b|in\b|[\w./-]+)"
)


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector in Calico's language selects what has these labels.

    Raises:
        AssertionError: it is none.
    """
    tokens = list(_TOKENS.findall(selector))
    assert "".join(tokens).replace(" ", "") == selector.replace(" ", ""), selector
    reader = iter([*tokens, ""])
    return _Selector(reader, labels).whole()


class _Selector:
    def __init__(self, tokens: Iterator[str], labels: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._labels = labels
        self._next = next(tokens)

    def whole(self) -> bool:
        answer = self._either()
        assert self._next == ""
        return answer

    def _take(self, expected: str = "") -> str:
        word = self._next
        assert not expected or word == expected
        self._next = next(self._tokens, "")
        return word

    def _either(self) -> bool:
        answer = self._both()
        while self._next == "||":
            self._take()
            answer = self._both() or answer
        return answer

    def _both(self) -> bool:
        answer = self._one()
        while self._next == "&&":
            self._take()
            answer = self._one() and answer
        return answer

    def _one(self) -> bool:
        word = self._take()
        if word == "!":
            return not self._one()
        if word == "(":
            answer = self._either()
            self._take(")")
            return answer
        if word == "all()":
            return True
        if word.startswith("has("):
            return word[4:-1] in self._labels
        value, operator = self._labels.get(word), self._take()
        if operator == "==":
            return value == self._take().strip("'")
        self._take("{")
        values = set()
        while self._next != "}":
            values.add(self._take().strip("'"))
            if self._next == ",":
                self._take()
        self._take("}")
        # Without such a label, `not in` may be read either way: as the narrower one here.
        return value in values if operator == "in" else value is not None and value not in values
