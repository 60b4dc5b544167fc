"""The kinds of values that settings hold, each checked where it is read."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from homelab_netpol.cilium.terms import (
    CRD_ENTITIES,
    LAST_PORT,
    is_dns_name,
    is_dns_pattern,
    is_label_key,
    is_label_value,
    is_subdomain,
    parse_cidr,
)

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# The label domain is a part of longer names.
_MAX_SUBDOMAIN = 200

# As in the operator's own CustomResourceDefinitions: `none` selects nothing, and `cluster-mesh`
# holds pods of other clusters, whose Namespaces the operator does not see.
_ENTITIES = sorted(CRD_ENTITIES - {"none", "cluster-mesh"})


def _dns_label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise ValueError("must be a DNS label: lower-case letters, digits and '-', at most 63")
    return value


def _dns_subdomain(value: str) -> str:
    if len(value) > _MAX_SUBDOMAIN or not is_subdomain(value):
        raise ValueError(
            f"must be a DNS name of at most {_MAX_SUBDOMAIN} characters, such as"
            " network.example.org"
        )
    return value


def _label_key(value: str) -> str:
    if not is_label_key(value):
        raise ValueError("must be a label key, such as app.kubernetes.io/name")
    return value


def _label_value(value: str) -> str:
    if not is_label_value(value):
        raise ValueError("must be a label value: letters, digits, '-', '_' and '.', at most 63")
    return value


def _entity(value: str) -> str:
    if value not in _ENTITIES:
        raise ValueError(f"must be one of Cilium's entities: {', '.join(_ENTITIES)}")
    return value


def _cidr(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f"must be a network such as 169.254.0.0/16: {error}") from None
    if parse_cidr(value) is None:
        raise ValueError(
            "must be a network: for one address write its prefix too, as in 192.0.2.7/32"
        )
    return value


def _dns_name(value: str) -> str:
    if not is_dns_name(value):
        raise ValueError("must be a DNS name, such as api.example.org")
    return value


def _dns_pattern(value: str) -> str:
    if not is_dns_pattern(value):
        raise ValueError("must be a pattern of DNS names, such as *.example.org")
    return value


DnsLabel = Annotated[str, AfterValidator(_dns_label)]
DnsSubdomain = Annotated[str, AfterValidator(_dns_subdomain)]
DnsName = Annotated[str, AfterValidator(_dns_name)]
DnsPattern = Annotated[str, AfterValidator(_dns_pattern)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
Entity = Annotated[str, AfterValidator(_entity)]
Cidr = Annotated[str, AfterValidator(_cidr)]
PortNumber = Annotated[int, Field(ge=1, le=LAST_PORT, strict=True)]
PodLabels = dict[LabelKey, LabelValue]
