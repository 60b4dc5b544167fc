"""The fields of a Cilium rule: which there are, and what each may hold by itself.

As in the schema of Cilium's CustomResourceDefinitions, except that the lists and combinations that
Cilium reads otherwise than their author would are refused too. What fields mean together is in
meaning.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.selectors import Operator
from homelab_netpol.cilium.validation import icmp, meaning, regex, values
from homelab_netpol.cilium.validation.report import Nature, Path, Report
from homelab_netpol.cilium.validation.shapes import (
    Check,
    Choice,
    ListOf,
    MapOf,
    Object,
    Text,
    Whole,
    flag,
)

_NO_PEER = "an empty list selects no peer and still denies the rest: name a peer, or take it out"
_EVERY_PEER = "an empty list selects every peer: name a peer, or take it out"
_EVERY_PORT = "an empty list means every port: name a port, or take it out"
_NO_PORT = "an empty list means no port at all, so nothing is let through: name a port"
_NO_RULE = "an empty list means every request: name what is let through, or take it out"
_NO_DIRECTION = (
    "an empty list denies nothing: take it out, or write `[{}]` to deny all that nothing allows"
)
_NO_DENIAL = "an empty list denies nothing: take it out"


def _refused(why: str, nature: Nature = Nature.UNWANTED) -> Check:
    """A field that Cilium has, or had, and that a policy of the operator must not use."""

    def check(value: Any, path: Path, report: Report) -> bool:
        return report.add(path, why, nature)

    return check


_text = Text()
_label_key = Text(values.label_key)
_label_value = Text(values.label_value)
_cidr = Text(values.cidr)
_expression = Text(regex.expression)
_secret = Object({"name": Text(values.secret_name), "namespace": _text}, required=["name"])

_selector = Object(
    {
        "matchLabels": MapOf(values.label_key, _label_value),
        "matchExpressions": ListOf(
            Object(
                {"key": _label_key, "operator": Choice(*Operator), "values": ListOf(_label_value)},
                required=["key", "operator"],
                meaning=meaning.expression,
            )
        ),
    }
)

_fqdn = Object(
    {"matchName": Text(values.dns_name), "matchPattern": Text(values.dns_pattern)},
    exactly_one_of=["matchName", "matchPattern"],
)

_port = Object(
    {
        "port": Text(values.port),
        "endPort": Whole(0, terms.LAST_PORT),
        "protocol": Choice(
            *terms.TRANSPORT_PROTOCOLS, terms.ANY_PROTOCOL, *terms.PORTLESS_PROTOCOLS
        ),
    },
    required=["port"],
    meaning=meaning.port,
)
_ports = ListOf(_port, most=terms.MAX_PORTS, empty=_NO_PORT)

_http = Object(
    {
        "path": _expression,
        "method": _expression,
        # Cilium does not look at it; its proxy would refuse the policy later, on each node.
        "host": Text(regex.expression_of_proxy),
        "headers": ListOf(_text),
        "headerMatches": ListOf(
            Object(
                {
                    "name": Text(values.not_empty),
                    "mismatch": Choice("LOG", "ADD", "DELETE", "REPLACE"),
                    "secret": _secret,
                    "value": _text,
                },
                required=["name"],
            )
        ),
    }
)

_tls = Object(
    {"secret": _secret, "trustedCA": _text, "certificate": _text, "privateKey": _text},
    required=["secret"],
)

_port_fields: dict[str, Check] = {
    "ports": _ports,
    "terminatingTLS": _tls,
    "originatingTLS": _tls,
    "serverNames": ListOf(Text(values.dns_pattern), empty="is empty: name a server"),
    "listener": Object(
        {
            "envoyConfig": Object(
                {
                    "kind": Choice("CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig"),
                    "name": Text(values.not_empty),
                },
                required=["name"],
            ),
            "name": Text(values.not_empty),
            "priority": Whole(1, 100),
        },
        required=["envoyConfig", "name"],
    ),
    "rules": Object(
        {"http": ListOf(_http, empty=_NO_RULE), "dns": ListOf(_fqdn, empty=_NO_RULE)},
        exactly_one_of=["http", "dns"],
    ),
}
_icmps = ListOf(
    Object(
        {
            "fields": ListOf(
                Object(
                    {"family": Choice("IPv4", "IPv6"), "type": icmp.icmp_type},
                    required=["type"],
                    meaning=icmp.field_meaning,
                ),
                most=terms.MAX_PORTS,
                empty=_NO_PORT,
            )
        },
        required=["fields"],
        absent=Nature.MISREAD,
    ),
    empty="an empty list means all traffic: name a type, or take it out",
)
_groups = ListOf(
    Object(
        {
            "aws": Object(
                {
                    "labels": MapOf(lambda _: None, _text),
                    "region": _text,
                    "securityGroupsIds": ListOf(_text),
                    "securityGroupsNames": ListOf(_text),
                }
            )
        }
    ),
    empty=_EVERY_PEER,
)
_cidr_set = Object(
    {
        "cidr": _cidr,
        "cidrGroupRef": Text(values.object_name),
        "cidrGroupSelector": _selector,
        "except": ListOf(_cidr),
    },
    exactly_one_of=["cidr", "cidrGroupRef", "cidrGroupSelector"],
    meaning=meaning.cidr_set,
)
_services = ListOf(
    Object(
        {
            "k8sService": Object({"serviceName": _text, "namespace": _text}),
            "k8sServiceSelector": Object(
                {"selector": _selector, "namespace": _text}, required=["selector"]
            ),
        }
    ),
    empty=_EVERY_PEER,
)
_entity = Choice(*terms.CRD_ENTITIES)


def _peers(way: str) -> dict[str, Check]:
    """The peers that both directions have, `from...` and `to...`."""
    return {
        f"{way}Endpoints": ListOf(_selector, empty=_NO_PEER),
        f"{way}Entities": ListOf(_entity, empty=_NO_PEER),
        f"{way}CIDR": ListOf(_cidr, empty=_NO_PEER),
        f"{way}CIDRSet": ListOf(_cidr_set, empty=_NO_PEER),
        f"{way}Groups": _groups,
        f"{way}Nodes": ListOf(
            _refused(
                "Cilium rejects nodes as peers by default: use the entity host or remote-node"
            ),
            empty=_NO_PEER,
        ),
    }


_INGRESS = _peers("from")
_EGRESS = _peers("to") | {"toServices": _services}
# No peers: Cilium once had them as further conditions, and takes them when they are empty.
_requires = ListOf(
    _refused("Cilium no longer knows it: select by labels in a peer instead", Nature.REJECTED)
)
_FROM: dict[str, Check] = {"fromRequires": _requires}
_TO: dict[str, Check] = {"toRequires": _requires}
_FQDNS: dict[str, Check] = {"toFQDNs": ListOf(_fqdn, empty=_EVERY_PEER)}
_deny_ports = ListOf(
    Object({"ports": _ports}, required=["ports"], absent=Nature.MISREAD), empty=_EVERY_PORT
)
_denied: dict[str, Check] = {"toPorts": _deny_ports, "icmps": _icmps}


def _allowed(port_rule: Check) -> dict[str, Check]:
    mode = Choice("disabled", "required", "test-always-fail")
    return {
        "toPorts": ListOf(
            Object(_port_fields, required=["ports"], absent=Nature.MISREAD, meaning=port_rule),
            empty=_EVERY_PORT,
        ),
        "icmps": _icmps,
        "authentication": Object({"mode": mode}, required=["mode"]),
    }


def _rules(fields: Mapping[str, Check], peers: Mapping[str, Check], empty: str) -> ListOf:
    meant = meaning.one_peer(tuple(peers))
    return ListOf(Object({**peers, **fields}, meaning=meant), empty=empty)


# A rule of a policy: what stands in `spec`, or in an item of `specs`.
RULE = Object(
    {
        "endpointSelector": _selector,
        "nodeSelector": _refused("policies of nodes are not written here: use endpointSelector"),
        "ingress": _rules(_allowed(meaning.ingress_ports) | _FROM, _INGRESS, _NO_DIRECTION),
        "ingressDeny": _rules(_denied | _FROM, _INGRESS, _NO_DENIAL),
        "egress": _rules(_allowed(meaning.egress_ports) | _TO, _EGRESS | _FQDNS, _NO_DIRECTION),
        "egressDeny": _rules(_denied | _TO, _EGRESS, _NO_DENIAL),
        "enableDefaultDeny": Object({"ingress": flag, "egress": flag}),
        "labels": ListOf(
            Object(
                {"key": Text(values.not_empty), "source": _text, "value": _text}, required=["key"]
            )
        ),
        "description": _text,
        "log": Object({"value": Text(values.log_text)}),
    },
    required=["endpointSelector"],
    meaning=meaning.rule,
)
