"""The single values of a rule: ports, addresses, DNS names, labels.

Each function says what is wrong with a value and what to write instead, or None. A value passes
only if both the schema of the API server and Cilium take it, as some pass the one and not the
other: Cilium takes an address without a prefix length, the API server an octal one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.validation.report import Taken, quoted

_MAX_LOG_CHARACTERS = 32
_MAX_DNS = f"at most {terms.MAX_DNS_CHARACTERS} characters"


def _checked(is_valid: Callable[[str], object], message: str) -> Callable[[str], str | None]:
    return lambda value: None if is_valid(value) else f"{quoted(value)} {message}"


cidr = _checked(
    terms.parse_cidr,
    "is not an address with a prefix length: write one such as 10.0.0.0/8, or 10.1.2.3/32 for a"
    " single address",
)
dns_pattern = _checked(
    terms.is_dns_pattern,
    f"is not a pattern of {_MAX_DNS}: letters, digits, '-', '_' and '*', divided by single dots",
)
label_value = _checked(
    terms.is_label_value,
    "is not a label value: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at"
    " both ends",
)
object_name = _checked(
    terms.is_subdomain, "is not the name of an object: lower-case letters, digits, '-' and '.'"
)


def port(value: str) -> str | None:
    """A port number as a string, or the name of a port."""
    if terms.is_port_number(value):
        too_large = int(value) > terms.LAST_PORT
        return Taken(f"{value} is more than {terms.LAST_PORT}") if too_large else None
    if terms.is_port_name(value):
        return None
    if not value:
        return "is empty: give a number such as '80', a port's name, or '0' for every port"
    wrong = (
        f"{quoted(value)} is neither a number from 0 to {terms.LAST_PORT} without leading zeros nor"
        " the name of a port (at most 15 letters, digits and single hyphens)"
    )
    # Cilium reads 0100 as 64, and 1_000 as 1000.
    return Taken(wrong) if value.replace("_", "").isdigit() else wrong


def dns_name(value: str) -> str | None:
    """A DNS name of `matchName`."""
    if terms.is_dns_name(value):
        return None
    star = "; a name with * belongs into `matchPattern`" if "*" in value else ""
    return f"{quoted(value)} is not a DNS name of {_MAX_DNS}{star}"


def label_key(value: str) -> str | None:
    """A label's key as Cilium selects by it: `[source:][prefix/]name`."""
    source, colon, key = value.rpartition(":")
    if colon and not terms.is_source(source):
        return (
            f"{quoted(value)} is not a label key: at most one source, of letters and digits, stands"
            " before the colon, as in k8s:app"
        )
    if terms.is_label_key(key):
        return None
    return f"{quoted(value)} is not a label key such as app, k8s:app or app.kubernetes.io/name"


def not_empty(value: str) -> str | None:
    """A string that Cilium needs, whatever it is."""
    return None if value else "is empty: give a name"


def secret_name(value: str) -> str | None:
    """The name of a Secret, which Cilium misses only when it looks for the Secret."""
    wrong = not_empty(value)
    return None if wrong is None else Taken(wrong)


def log_text(value: str) -> str | None:
    """A text that Hubble shows with the flows of a policy."""
    if len(value) > _MAX_LOG_CHARACTERS:
        return f"has {len(value)} characters: at most {_MAX_LOG_CHARACTERS} are possible"
    if any(unicodedata.category(character)[0] == "C" for character in value):
        # Versions of Unicode differ in which.
        return Taken("has a character that cannot be printed: take it out")
    return None
