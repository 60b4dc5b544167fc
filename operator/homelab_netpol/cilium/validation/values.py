"""The single values of a rule: ports, addresses, DNS names, labels, ICMP types.

Each function says what is wrong with a value and what to write instead, or None. A value passes
only if both the schema of the API server and Cilium take it, as some pass the one and not the
other: Cilium takes an address without a prefix length, the API server an octal one.
"""

from __future__ import annotations

import unicodedata

from homelab_netpol.cilium.terms import (
    LAST_PORT,
    MAX_DNS_CHARACTERS,
    is_dns_name,
    is_dns_pattern,
    is_label_key,
    is_label_value,
    is_port_name,
    is_port_number,
    is_source,
    is_subdomain,
    parse_cidr,
)
from homelab_netpol.cilium.validation.report import quoted

_MAX_LOG_CHARACTERS = 32


def port(value: str) -> str | None:
    """A port number as a string, or the name of a port."""
    if is_port_number(value):
        return None if int(value) <= LAST_PORT else f"{value} is more than {LAST_PORT}"
    if is_port_name(value):
        return None
    if not value:
        return "is empty: give a number such as '80', a port's name, or '0' for every port"
    return (
        f"{quoted(value)} is neither a number from 0 to {LAST_PORT} without leading zeros nor the"
        " name of a port (at most 15 letters, digits and single hyphens)"
    )


def cidr(value: str) -> str | None:
    """An address with a prefix length, which a single address needs as well."""
    if parse_cidr(value) is not None:
        return None
    example = "10.0.0.0/8, or 10.1.2.3/32 for a single address"
    return f"{quoted(value)} is not an address with a prefix length: write one such as {example}"


def dns_name(value: str) -> str | None:
    """A DNS name of `matchName`."""
    if is_dns_name(value):
        return None
    star = "; a name with * belongs into `matchPattern`" if "*" in value else ""
    return f"{quoted(value)} is not a DNS name of at most {MAX_DNS_CHARACTERS} characters{star}"


def dns_pattern(value: str) -> str | None:
    """A pattern of DNS names, in which * stands for characters other than dots."""
    if is_dns_pattern(value):
        return None
    return (
        f"{quoted(value)} is not a pattern of at most {MAX_DNS_CHARACTERS} characters: letters,"
        " digits, '-', '_' and '*', divided by single dots"
    )


def label_key(value: str) -> str | None:
    """A label's key as Cilium selects by it: `[source:][prefix/]name`."""
    source, colon, key = value.rpartition(":")
    if colon and not is_source(source):
        return (
            f"{quoted(value)} is not a label key: at most one source, of letters and digits, stands"
            " before the colon, as in k8s:app"
        )
    if is_label_key(key):
        return None
    return f"{quoted(value)} is not a label key such as app, k8s:app or app.kubernetes.io/name"


def label_value(value: str) -> str | None:
    """A label's value; empty is one."""
    if is_label_value(value):
        return None
    return (
        f"{quoted(value)} is not a label value: at most 63 letters, digits, '-', '_' and '.', with"
        " a letter or digit at both ends"
    )


def object_name(value: str) -> str | None:
    """The name of a Kubernetes object, as a reference."""
    if is_subdomain(value):
        return None
    return f"{quoted(value)} is not the name of an object: lower-case letters, digits, '-' and '.'"


def not_empty(value: str) -> str | None:
    """Any string with something in it."""
    return None if value else "is empty: give a name"


def log_text(value: str) -> str | None:
    """What Hubble shows with the flows of a policy."""
    if len(value) > _MAX_LOG_CHARACTERS:
        return f"has {len(value)} characters: at most {_MAX_LOG_CHARACTERS} are possible"
    if any(unicodedata.category(character)[0] == "C" for character in value):
        return "has a character that cannot be printed: take it out"
    return None
