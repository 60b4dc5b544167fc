"""Custom resources and policies that may let something pass where no label does. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homelab_netpol.access.ends import End, Ports
from homelab_netpol.access.explain_judge import Ruling
from homelab_netpol.access.fixes import Change, Setting
from homelab_netpol.access.fixes_labels import denied_ports
from homelab_netpol.cilium.evaluation import Entity, Name, Network, Pod
from homelab_netpol.cilium.identity_labels import DEFAULT
from homelab_netpol.cilium.terms import NAMESPACE_KEY, is_label_value
from homelab_netpol.policy.desired import DesiredState

_OWN = "network-policy.homelab/v1alpha1"
#: Labels that name an app, the best first; the others come with a version or a replica.
TELLING = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app",
    "k8s-app",
    "name",
    "component",
)
_FOUNDATION = "isolated"
_Rule = Mapping[str, Any]


def resource_changes(ruling: Ruling, desired: DesiredState) -> Iterator[Change]:
    """A SharedResource for the target, with a grant on it."""
    ports = denied_ports(ruling)
    what = _target(ruling.target)
    if not ports or what is None:
        return
    words = desired.catalogue.vocabulary
    name = free_name(ruling.target.words, set(words.grantable()))
    spec = {**what, "ports": [port_data(each) for each in ports]}
    resource = own_object("SharedResource", name, spec)
    key = f"{words.access_prefix}{name}"
    consumers = [each for each in ruling.source.namespaces if each in desired.intents]
    if consumers and consumers != list(ruling.target.namespaces):
        yield Change(tuple(Setting(each, key, "true") for each in consumers), (resource,))


def profile_changes(ruling: Ruling, desired: DesiredState) -> Iterator[Change]:
    """A NetworkProfile that adds a rule to the profile that is there, for either end."""
    for own, peer, way in (
        (ruling.target, ruling.source, "from"),
        (ruling.source, ruling.target, "to"),
    ):
        rules = rules_for(peer, way, denied_ports(ruling))
        if len(own.namespaces) != 1 or not rules:
            continue
        intent = desired.intents.get(own.namespaces[0])
        if intent is None or intent.platform:
            continue
        profile, words = intent.profile or _FOUNDATION, desired.catalogue.vocabulary
        name = free_name(f"{profile} {peer.words}", set(words.profiles))
        section = "ingress" if way == "from" else "egress"
        made = own_object("NetworkProfile", name, {"extends": profile, section: rules})
        setting = Setting(intent.namespace, words.profile_key, name)
        yield Change((setting,), (made,))


def rule_changes(ruling: Ruling, desired: DesiredState) -> Iterator[Change]:
    """A policy of one's own in a platform Namespace that only adds a rule, for either end."""
    objects: list[Mapping[str, Any]] = []
    for own, peer, way in (
        (ruling.target, ruling.source, "from"),
        (ruling.source, ruling.target, "to"),
    ):
        rules = rules_for(peer, way, denied_ports(ruling))
        if len(own.namespaces) != 1 or not rules:
            continue
        intent = desired.intents.get(own.namespaces[0])
        if intent is None or not intent.platform:
            continue
        section = "ingress" if way == "from" else "egress"
        name = f"{way}-{_as_name(peer.words)}"
        policy = {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": {"name": name, "namespace": intent.namespace},
            "spec": {
                "endpointSelector": {"matchLabels": _labels(own)} if _labels(own) else {},
                "enableDefaultDeny": {"ingress": False, "egress": False},
                section: rules,
            },
        }
        objects.append(policy)
        yield Change((), (policy,))
    if len(objects) > 1:
        yield Change((), tuple(objects))


def _target(end: End) -> dict[str, Any] | None:
    """What a SharedResource says of its target."""
    if len(end.namespaces) == 1 and all(isinstance(each.endpoint, Pod) for each in end.members):
        labels = _labels(end)
        return {"namespace": end.namespaces[0], **({"podLabels": labels} if labels else {})}
    ends = [each.endpoint for each in end.members]
    if all(isinstance(each, Name) for each in ends):
        return {"fqdns": [{"matchName": each.name} for each in ends if isinstance(each, Name)]}
    if all(isinstance(each, Network) for each in ends):
        return {"cidrs": [str(each.network) for each in ends if isinstance(each, Network)]}
    names = [each.name for each in ends if isinstance(each, Entity)]
    return {"entities": names} if len(names) == len(ends) and "world" not in names else None


def rules_for(peer: End, way: str, ports: Sequence[Ports]) -> list[_Rule]:
    """Rules of Cilium's about a peer on some ports, one for each kind of what it is.

    Args:
        peer: the other end.
        way: `from` it, or `to` it.
        ports: single ones; none: no rule.
    """
    if not ports:
        return []
    to_ports = [{"ports": [_cilium_port(each) for each in ports]}]
    return [
        {f"{way}{kind}": values, "toPorts": to_ports} for kind, values in _peers(peer, way).items()
    ]


def _peers(end: End, way: str) -> dict[str, list[Any]]:
    """An end as rules name it, by kind."""
    found: dict[str, list[Any]] = {}
    for member in end.members:
        endpoint = member.endpoint
        if isinstance(endpoint, Pod):
            labels = {f"k8s:{NAMESPACE_KEY}": endpoint.namespace, **_labels(end, endpoint)}
            values = found.setdefault("Endpoints", [])
            if {"matchLabels": labels} not in values:
                values.append({"matchLabels": labels})
        elif isinstance(endpoint, Entity):
            found.setdefault("Entities", []).append(endpoint.name)
        elif isinstance(endpoint, Network):
            found.setdefault("CIDR", []).append(str(endpoint.network))
        elif way == "to":
            found.setdefault("FQDNs", []).append({"matchName": endpoint.name})
    return found


def _labels(end: End, only: Pod | None = None) -> dict[str, str]:
    """The labels by which its pods are known; none: it is all pods of its namespace."""
    pods = [only] if only is not None else [each.pod for each in end.members if each.pod]
    if end.words in end.namespaces or not pods:
        return {}
    common = dict(pods[0].labels)
    for pod in pods[1:]:
        common = {key: value for key, value in common.items() if pod.labels.get(key) == value}
    kept = pods[0].identity_labels or DEFAULT
    telling = {key: common[key] for key in TELLING if key in common and kept.keeps(key)}
    if telling or not any(each.complete for each in pods):
        return dict(list(telling.items())[:2]) or common
    return {key: value for key, value in common.items() if kept.keeps(key)}


def own_object(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A custom resource of the operator's."""
    return {"apiVersion": _OWN, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def port_data(ports: Ports) -> dict[str, Any]:
    """Ports as a SharedResource lists them."""
    last = {"endPort": ports.last} if ports.last > ports.first else {}
    protocol = {} if ports.protocol == "TCP" else {"protocol": ports.protocol}
    return {"port": ports.first, **last, **protocol}


def _cilium_port(ports: Ports) -> dict[str, Any]:
    last = {"endPort": ports.last} if ports.last > ports.first else {}
    return {"port": str(ports.first), **last, "protocol": ports.protocol}


def free_name(text: str, taken: set[str]) -> str:
    """A name for a custom resource, made of words, that is not taken."""
    name = _as_name(text)
    number = 2
    made = name
    while made in taken:
        made, number = f"{name}-{number}", number + 1
    return made


def _as_name(words: str) -> str:
    """Words as a name that a label can have for its value, and an object for its name."""
    without = words.lower().replace("the ", "").partition("(")[0]
    parts = re.sub(r"[^a-z0-9]+", "-", without).strip("-")
    name = parts[:50].strip("-")
    return name if name and is_label_value(name) else "own"
