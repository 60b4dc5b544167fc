"""The kinds of values that settings hold, each checked where it is read."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from homelab_netpol.cilium import terms

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME_PATTERN = re.compile(r"[a-z0-9*]([-a-z0-9*]{0,61}[a-z0-9*])?")
# The label domain is a part of longer names.
_MAX_SUBDOMAIN = 200

# As in the operator's own CustomResourceDefinitions: `none` selects nothing, and `cluster-mesh`
# holds pods of other clusters, whose Namespaces the operator does not see.
_ENTITIES = sorted(terms.CRD_ENTITIES - {"none", "cluster-mesh"})

# IPv4 addresses as programs for IPv6 write them.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_IPV4_BITS = 0xFFFF_FFFF


def _must(be: str, is_valid: Callable[[str], object]) -> AfterValidator:
    def check(value: str) -> str:
        if not is_valid(value):
            raise ValueError(f"must be {be}")
        return value

    return AfterValidator(check)


def _cidr(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f"must be a network such as 169.254.0.0/16: {error}") from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        # Packets on the wire have the IPv4 address; this is how a program writes it.
        within = ipaddress.IPv4Network(
            (int(network.network_address) & _IPV4_BITS, network.prefixlen - _MAPPED.prefixlen)
        )
        raise ValueError(f"must be written as IPv4: {within}; Cilium sees no mapped address")
    if terms.parse_cidr(value) is None:
        raise ValueError(
            "must be a network: for one address write its prefix too, as in 192.0.2.7/32"
        )
    return value


DnsLabel = Annotated[
    str, _must("a DNS label: lower-case letters, digits and '-', at most 63", _DNS_LABEL.fullmatch)
]
NamespacePattern = Annotated[
    str,
    _must(
        "a Namespace's name or a pattern of names such as *-system: lower-case letters, digits,"
        " '-' and '*', at most 63",
        _NAME_PATTERN.fullmatch,
    ),
    _must("a pattern that does not match every Namespace", lambda text: text.strip("*")),
]
DnsSubdomain = Annotated[
    str,
    _must(
        f"a DNS name of at most {_MAX_SUBDOMAIN} characters, such as network.example.org",
        lambda text: len(text) <= _MAX_SUBDOMAIN and terms.is_subdomain(text),
    ),
]
DnsName = Annotated[str, _must("a DNS name, such as api.example.org", terms.is_dns_name)]
DnsPattern = Annotated[
    str, _must("a pattern of DNS names, such as *.example.org", terms.is_dns_pattern)
]
ObjectName = Annotated[
    str,
    _must("the name of an object: lower-case letters, digits, '-' and '.'", terms.is_subdomain),
]
LabelKey = Annotated[str, _must("a label key, such as app.kubernetes.io/name", terms.is_label_key)]
LabelValue = Annotated[
    str, _must("a label value: letters, digits, '-', '_' and '.', at most 63", terms.is_label_value)
]
Entity = Annotated[
    str, _must(f"one of Cilium's entities: {', '.join(_ENTITIES)}", _ENTITIES.__contains__)
]
Cidr = Annotated[str, AfterValidator(_cidr)]
ClusterName = Annotated[
    str,
    _must(
        "a cluster's name as Cilium takes it: lower-case letters, digits and '-', at most 32",
        terms.is_cluster_name,
    ),
]
PortNumber = Annotated[int, Field(ge=1, le=terms.LAST_PORT, strict=True)]
PodLabels = dict[LabelKey, LabelValue]
