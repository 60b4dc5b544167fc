"""Reads the `spec` of a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy. Pure.

What each field means, and which combinations Cilium rejects, is Cilium's own reading of a policy
(its packages policy/api and k8s/apis/cilium.io, 1.20); the tests compare with its engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.evaluation import strict
from homelab_netpol.cilium.evaluation.answer import Doubt
from homelab_netpol.cilium.evaluation.matchers import (
    EVERY_PEER,
    Cidr,
    DnsNames,
    Entities,
    Lacking,
    Matcher,
    Unclear,
    select,
)
from homelab_netpol.cilium.evaluation.policy import Direction, Rule, Unreadable
from homelab_netpol.cilium.evaluation.read_ports import read_ports
from homelab_netpol.cilium.evaluation.references import (
    ChosenCidrGroups,
    ChosenServices,
    NamedCidrGroup,
)
from homelab_netpol.cilium.selectors import Operator, Requirement

_SECTIONS = {
    "ingress": (Direction.INGRESS, False),
    "ingressDeny": (Direction.INGRESS, True),
    "egress": (Direction.EGRESS, False),
    "egressDeny": (Direction.EGRESS, True),
}
_SPEC = (
    *("endpointSelector", "nodeSelector", "enableDefaultDeny", "description", "labels", "log"),
    *_SECTIONS,
)
# How to name peers, without the `from` or `to` before it. An empty list of the first ones selects
# no peer; an empty list of the others means the same as none at all.
_PEERS = ("Endpoints", "Entities", "CIDR", "CIDRSet", "Nodes")
_OTHER_PEERS = ("Groups", "FQDNs", "Services", "Requires")


def read_spec(spec: Any, namespace: str, path: str = "spec") -> list[Rule]:
    """The rules of one spec.

    Args:
        spec: what stands under `spec`, or one item of `specs`.
        namespace: of the policy; "" for a clusterwide one.
        path: of the spec.

    Raises:
        Unreadable: it holds what is not understood here, or what Cilium rejects.
    """
    fields = strict.mapping(spec, _SPEC)
    if not any(fields.get(section) for section in _SECTIONS):
        raise Unreadable
    if "nodeSelector" in fields:
        if namespace or "endpointSelector" in fields:
            raise Unreadable
        return []  # a policy for nodes: it selects no pod
    selector = _subject(fields.get("endpointSelector"), namespace)
    subject = select(selector)
    for_init = any(one.source == terms.SOURCE_RESERVED and one.key == "init" for one in selector)
    default_deny = strict.mapping(
        strict.optional(fields.get("enableDefaultDeny")), ("ingress", "egress")
    )
    if not all(value in (None, True, False) for value in default_deny.values()):
        raise Unreadable
    return [
        _rule(
            rule,
            direction,
            deny,
            subject,
            namespace,
            for_init,
            default_deny,
            f"{path}.{section}[{number}]",
        )
        for section, (direction, deny) in _SECTIONS.items()
        for number, rule in enumerate(strict.items(fields.get(section)))
    ]


def _subject(selector: Any, namespace: str) -> list[Requirement]:
    if not namespace:
        return strict.requirements(selector)
    # A namespaced policy selects in its own namespace: Cilium overwrites this one label.
    fields = strict.mapping(selector, ("matchLabels", "matchExpressions"))
    labels = strict.anything(strict.optional(fields.get("matchLabels")))
    own = {**labels, f"{terms.SOURCE_K8S}:{terms.NAMESPACE_KEY}": namespace}
    return strict.requirements({**fields, "matchLabels": own})


def _rule(
    rule: Any,
    direction: Direction,
    deny: bool,
    subject: Matcher,
    namespace: str,
    for_init: bool,
    default_deny: Mapping[str, Any],
    place: str,
) -> Rule:
    way = "from" if direction is Direction.INGRESS else "to"
    known = [way + kind for kind in (*_PEERS, *_OTHER_PEERS)]
    fields = strict.mapping(rule, (*known, "toPorts", "icmps", "authentication"))
    ports = read_ports(fields)
    authentication = strict.mapping(strict.optional(fields.get("authentication")), ("mode",))
    return Rule(
        direction=direction,
        subject=subject,
        peers=_peers(fields, way, namespace, for_init, ports is not None),
        ports=ports,
        deny=deny,
        default_deny=default_deny.get(direction.value) is not False,
        authenticated=authentication.get("mode", "disabled") != "disabled",
        place=place,
    )


def _peers(
    fields: Mapping[str, Any], way: str, namespace: str, for_init: bool, has_ports: bool
) -> tuple[Matcher, ...]:
    given = {
        kind: strict.items(fields[way + kind])
        for kind in (*_PEERS, *_OTHER_PEERS)
        if fields.get(way + kind) is not None
    }
    if given.get("Requires"):
        raise Unreadable(Doubt.REQUIRES)
    if given.get("Nodes"):
        raise Unreadable(Doubt.NODES)
    named = [kind for kind, values in given.items() if values]
    if len(named) > 1:
        raise Unreadable
    if any(kind in _PEERS and not values for kind, values in given.items()):
        return ()
    if not named:
        # Without peers a rule is about every peer, but only if it has ports: `- {}` allows nothing.
        return (EVERY_PEER,) if has_ports else ()
    [kind] = named
    return tuple(_peer(kind, value, namespace, for_init) for value in given[kind])


def _peer(kind: str, value: Any, namespace: str, for_init: bool) -> Matcher:
    match kind:
        case "Endpoints":
            return _endpoints(strict.requirements(value), namespace, for_init)
        case "Entities":
            return Entities(frozenset({strict.word(value, terms.ENTITIES)}))
        case "CIDR":
            return Cidr(strict.network(value))
        case "CIDRSet":
            fields = strict.mapping(value, ("cidr", "except", "cidrGroupRef", "cidrGroupSelector"))
            exceptions = tuple(strict.network(one) for one in strict.items(fields.get("except")))
            if "cidr" not in fields:
                return _group(fields, exceptions)
            return Cidr(strict.network(fields["cidr"]), exceptions)
        case "FQDNs":
            given = strict.mapping(value, ("matchName", "matchPattern")).values()
            return DnsNames(tuple(name for name in given if isinstance(name, str) and name))
        case "Groups":
            return Unclear(Doubt.GROUPS)
        case _:
            return _services(value)


def _group(fields: Mapping[str, Any], exceptions: tuple[terms.IpNetwork, ...]) -> Matcher:
    name, selector = fields.get("cidrGroupRef"), fields.get("cidrGroupSelector")
    if isinstance(name, str) and name and selector is None:
        return NamedCidrGroup(name, exceptions)
    if selector is None or name:
        return Unclear(Doubt.CIDR_GROUP)
    found = strict.requirements(selector, terms.SOURCE_CIDR_GROUP)
    if any(one.source != terms.SOURCE_CIDR_GROUP for one in found):
        return Unclear(Doubt.CIDR_GROUP)
    return ChosenCidrGroups(tuple(found), exceptions)


def _services(value: Any) -> Matcher:
    fields = strict.mapping(value, ("k8sService", "k8sServiceSelector"))
    chosen = strict.anything(strict.optional(fields.get("k8sServiceSelector")))
    named = strict.anything(strict.optional(fields.get("k8sService")))
    namespace, name = (chosen or named).get("namespace") or "", named.get("serviceName")
    # Of both, Cilium takes the selector.
    if isinstance(namespace, str) and isinstance(chosen.get("selector"), Mapping):
        return ChosenServices(namespace, "", tuple(strict.requirements(chosen["selector"])))
    if isinstance(namespace, str) and isinstance(name, str) and name and not chosen:
        return ChosenServices(namespace, name)
    return Unclear(Doubt.SERVICES)


def _endpoints(selector: list[Requirement], namespace: str, for_init: bool) -> Matcher:
    if any(one.source == terms.SOURCE_RESERVED for one in selector):
        if all(one.operator.is_negative for one in selector):
            return Lacking(select(selector))
        return select(selector)
    if not any(one.is_of_namespace_name for one in selector):
        own = partial(Requirement, terms.SOURCE_K8S, terms.NAMESPACE_KEY)
        if namespace and not any(one.is_of_namespace for one in selector):
            selector = [*selector, own(Operator.IN, (namespace,))]
        elif not namespace and not for_init:
            selector = [*selector, own(Operator.EXISTS)]
    # Cilium adds the cluster's name, which only pods carry.
    return select(selector, pods_only=True)
