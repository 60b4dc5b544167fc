"""The kinds of values that settings hold, each checked where it is read."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
# As Cilium takes them: pkg/policy/api/fqdn.go.
_DNS_NAME = re.compile(r"([-a-zA-Z0-9_]+\.)*[-a-zA-Z0-9_]+\.?")
_DNS_PATTERN = re.compile(r"([-a-zA-Z0-9_*]+\.)*[-a-zA-Z0-9_*]+\.?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

# What Cilium's CRDs take: pkg/policy/api/entity.go. `none` is left out, as it selects nobody.
_ENTITIES = (
    *("all", "cluster", "health", "host", "ingress", "init", "kube-apiserver", "remote-node"),
    *("unmanaged", "world"),
)


def _dns_label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise ValueError("must be a DNS label: lower-case letters, digits and '-', at most 63")
    return value


def _dns_subdomain(value: str) -> str:
    if len(value) > 200 or not _DNS_SUBDOMAIN.fullmatch(value):
        raise ValueError(
            "must be a DNS name of at most 200 characters, such as network.example.org"
        )
    return value


def _label_key(value: str) -> str:
    prefix, slash, name = value.rpartition("/")
    if not _LABEL_NAME.fullmatch(name) or (slash and not _DNS_SUBDOMAIN.fullmatch(prefix)):
        raise ValueError("must be a label key, such as app.kubernetes.io/name")
    return value


def _label_value(value: str) -> str:
    if value and not _LABEL_NAME.fullmatch(value):
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
    _, slash, prefix = value.partition("/")
    if not slash or not prefix.isdigit():
        raise ValueError(
            "must be a network: for one address write its prefix too, as in 192.0.2.7/32"
        )
    return value


def _dns_name(value: str) -> str:
    if len(value) > 255 or not _DNS_NAME.fullmatch(value):
        raise ValueError("must be a DNS name, such as api.example.org")
    return value


def _dns_pattern(value: str) -> str:
    if len(value) > 255 or not _DNS_PATTERN.fullmatch(value):
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
PortNumber = Annotated[int, Field(ge=1, le=65535, strict=True)]
PodLabels = dict[LabelKey, LabelValue]
