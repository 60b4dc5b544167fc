"""The single values of a rule: ports, addresses, DNS names, labels, ICMP types.

Each function says what is wrong with a value and what to write instead, or None. A value passes
only if both the schema of the API server and Cilium take it, as some pass the one and not the
other: Cilium takes an address without a prefix length, the API server an octal one.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata

from homelab_netpol.cilium.validation.report import quoted

# An IANA service name: letters, digits, single hyphens inside, at least one letter, at most 15.
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=[0-9-]*[a-zA-Z])[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}")

_DNS_NAME = re.compile(r"[-a-zA-Z0-9_]+(\.[-a-zA-Z0-9_]+)*\.?")
_DNS_PATTERN = re.compile(r"[-a-zA-Z0-9_*]+(\.[-a-zA-Z0-9_*]+)*\.?")
_DNS_MOST = 255

_LABEL_SOURCE = re.compile(r"[A-Za-z0-9]+")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)

_PREFIX_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")

_LOG_MOST = 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def port(value: str) -> str | None:
    """A port number as a string, or the name of a port."""
    if _NUMBER.fullmatch(value):
        return None if int(value) <= 65535 else f"{value} is more than 65535"
    if _PORT_NAME.fullmatch(value):
        return None
    if not value:
        return "is empty: give a number such as '80', a port's name, or '0' for every port"
    # With a leading zero Cilium would read an octal number.
    return (
        f"{quoted(value)} is neither a number from 0 to 65535 without leading zeros nor the name of"
        " a port (at most 15 letters, digits and single hyphens)"
    )


def is_number(value: str) -> bool:
    """A port is given as a number, not by its name."""
    return _NUMBER.fullmatch(value) is not None


def network(value: str) -> Network | None:
    """The network that a CIDR names; None if it names none."""
    address, slash, length = value.partition("/")
    # Python takes netmasks and zones here, which Cilium does not.
    if not slash or not _PREFIX_LENGTH.fullmatch(length) or "%" in address:
        return None
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None


def cidr(value: str) -> str | None:
    """An address with a prefix length, which a single address needs as well."""
    if network(value) is not None:
        return None
    example = "10.0.0.0/8, or 10.1.2.3/32 for a single address"
    return f"{quoted(value)} is not an address with a prefix length: write one such as {example}"


def dns_name(value: str) -> str | None:
    """A DNS name of `matchName`."""
    if len(value) <= _DNS_MOST and _DNS_NAME.fullmatch(value):
        return None
    star = "; a name with * belongs into `matchPattern`" if "*" in value else ""
    return f"{quoted(value)} is not a DNS name of at most {_DNS_MOST} characters{star}"


def dns_pattern(value: str) -> str | None:
    """A pattern of DNS names, in which * stands for characters other than dots."""
    if len(value) <= _DNS_MOST and _DNS_PATTERN.fullmatch(value):
        return None
    return (
        f"{quoted(value)} is not a pattern of at most {_DNS_MOST} characters: letters, digits, '-',"
        " '_' and '*', divided by single dots"
    )


def label_key(value: str) -> str | None:
    """A label's key as Cilium selects by it: `[source:][prefix/]name`."""
    source, colon, key = value.rpartition(":")
    if colon and not _LABEL_SOURCE.fullmatch(source):
        return (
            f"{quoted(value)} is not a label key: at most one source, of letters and digits, stands"
            " before the colon, as in k8s:app"
        )
    prefix, slash, name = key.rpartition("/")
    if _LABEL_NAME.fullmatch(name) and (not slash or _SUBDOMAIN.fullmatch(prefix)):
        return None
    return f"{quoted(value)} is not a label key such as app, k8s:app or app.kubernetes.io/name"


def label_value(value: str) -> str | None:
    """A label's value; empty is one."""
    if not value or _LABEL_NAME.fullmatch(value):
        return None
    return (
        f"{quoted(value)} is not a label value: at most 63 letters, digits, '-', '_' and '.', with"
        " a letter or digit at both ends"
    )


def object_name(value: str) -> str | None:
    """The name of a Kubernetes object, as a reference."""
    if _SUBDOMAIN.fullmatch(value):
        return None
    return f"{quoted(value)} is not the name of an object: lower-case letters, digits, '-' and '.'"


def not_empty(value: str) -> str | None:
    """Any string with something in it."""
    return None if value else "is empty: give a name"


def log_text(value: str) -> str | None:
    """What Hubble shows with the flows of a policy."""
    if len(value) > _LOG_MOST:
        return f"has {len(value)} characters: at most {_LOG_MOST} are possible"
    if any(unicodedata.category(character)[0] == "C" for character in value):
        return "has a character that cannot be printed: take it out"
    return None
