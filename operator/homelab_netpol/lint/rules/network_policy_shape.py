"""What the API server refuses in a NetworkPolicy, or drops from it. Pure.

As in Kubernetes 1.36, package `apis/networking/validation`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple

from homelab_netpol.cilium.networks import contains
from homelab_netpol.cilium.terms import (
    LAST_PORT,
    TRANSPORT_PROTOCOLS,
    is_label_key,
    is_label_value,
    is_port_name,
    parse_cidr,
)
from homelab_netpol.lint.examples import network_policy
from homelab_netpol.lint.given import Given
from homelab_netpol.lint.policies import DIRECTIONS, WAYS, mapping
from homelab_netpol.lint.rule import Hit, Path, Rule, Severity

_SPEC = ("podSelector", "policyTypes", *DIRECTIONS)
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
# The API server takes it.
_NULL = "is null, which is read as"
_ORDERED = ("order", "priority", "action", "tier")


class _Problem(NamedTuple):
    path: Path
    message: str


def _refused(given: Given) -> Iterator[Hit]:
    for policy in given.policies:
        if not policy.cilium:
            for problem in _of_spec(policy.manifest.data.get("spec"), ("spec",)):
                yield Hit(policy.manifest, problem.path, problem.message)


def _of_spec(spec: Any, path: Path) -> Iterator[_Problem]:
    if spec is None:
        return
    if not isinstance(spec, dict):
        yield _Problem(path, "must be an object")
        return
    yield from _unknown(spec, path, _SPEC)
    yield from _selector(spec.get("podSelector"), (*path, "podSelector"))
    types = spec.get("policyTypes")
    if types is not None and (not isinstance(types, list) or len(types) > 2):
        yield _Problem((*path, "policyTypes"), "must be a list of at most two")
    for index, each in enumerate(types if isinstance(types, list) else ()):
        if each not in ("Ingress", "Egress"):
            yield _Problem((*path, "policyTypes", index), "is neither Ingress nor Egress")
    for direction, way in WAYS.items():
        for where, rule in _listed(spec.get(direction), (*path, direction)):
            if isinstance(rule, _Problem):
                yield rule
            else:
                yield from _rule(rule, where, way)


def _rule(rule: Any, path: Path, way: str) -> Iterator[_Problem]:
    yield from _unknown(rule, path, (way, "ports"))
    for where, peer in _listed(rule.get(way), (*path, way)):
        if isinstance(peer, _Problem):
            yield peer
        else:
            yield from _peer(peer, where)
    for where, port in _listed(rule.get("ports"), (*path, "ports")):
        if isinstance(port, _Problem):
            yield port
        else:
            yield from _port(port, where)


def _peer(peer: Any, path: Path) -> Iterator[_Problem]:
    known = ("podSelector", "namespaceSelector", "ipBlock")
    yield from _unknown(peer, path, known)
    given = [key for key in known if peer.get(key) is not None]
    if not given:
        yield _Problem(path, "names no peer: give podSelector, namespaceSelector or ipBlock")
    elif "ipBlock" in given and len(given) > 1:
        yield _Problem(path, "ipBlock does not go together with selectors: make two items of it")
    for key in ("podSelector", "namespaceSelector"):
        yield from _selector(peer.get(key), (*path, key))
    if peer.get("ipBlock") is not None:
        yield from _block(peer["ipBlock"], (*path, "ipBlock"))


def _block(block: Any, path: Path) -> Iterator[_Problem]:
    if not isinstance(block, dict):
        yield _Problem(path, "must be an object")
        return
    yield from _unknown(block, path, ("cidr", "except"))
    cidr = block.get("cidr")
    outer = parse_cidr(cidr) if isinstance(cidr, str) else None
    if outer is None:
        yield _Problem((*path, "cidr"), f"{cidr!r} is not a network such as 192.168.1.0/24")
        return
    excepted = block.get("except")
    if excepted is not None and not isinstance(excepted, list):
        yield _Problem((*path, "except"), "must be a list")
    for index, text in enumerate(excepted if isinstance(excepted, list) else ()):
        inner = parse_cidr(text) if isinstance(text, str) else None
        if inner is None or not contains(outer, inner) or inner == outer:
            message = f"{text!r} is not a part of {cidr}: except only parts of it"
            yield _Problem((*path, "except", index), message)


def _port(port: Any, path: Path) -> Iterator[_Problem]:
    yield from _unknown(port, path, ("port", "endPort", "protocol"))
    protocol = port.get("protocol")
    if protocol is not None and protocol not in TRANSPORT_PROTOCOLS:
        message = f"{protocol!r} is not a protocol: {', '.join(TRANSPORT_PROTOCOLS)}"
        yield _Problem((*path, "protocol"), message)
    number, end = port.get("port"), port.get("endPort")
    if number is not None and not _is_port(number):
        message = f"{number!r} is neither a number from 1 to {LAST_PORT} nor the name of a port"
        yield _Problem((*path, "port"), message)
    elif end is not None and (not _is_number(number) or not _is_number(end) or end < number):
        yield _Problem((*path, "endPort"), "must be a number from the port on, which is a number")


def _is_port(value: Any) -> bool:
    if isinstance(value, str):
        return is_port_name(value) and value == value.lower()
    return _is_number(value)


def _is_number(value: Any) -> bool:
    return type(value) is int and 1 <= value <= LAST_PORT


def _selector(selector: Any, path: Path) -> Iterator[_Problem]:
    if selector is None:
        return
    if not isinstance(selector, dict):
        yield _Problem(path, "must be an object")
        return
    known = ("matchLabels", "matchExpressions")
    yield from _unknown(selector, path, known)
    labels = selector.get("matchLabels")
    if labels is not None and not isinstance(labels, dict):
        yield _Problem((*path, "matchLabels"), "must be an object")
    for key, value in mapping(labels).items():
        where = (*path, "matchLabels", str(key))
        if not isinstance(key, str) or not is_label_key(key):
            yield _Problem(where, f"{str(key)!r} is not a label's key")
        elif value is None:
            yield _Problem(where, f"{_NULL} an empty value")
        elif not isinstance(value, str) or not is_label_value(value):
            yield _Problem(where, f"{value!r} is not a label's value: put it in quotes")
    for where, one in _listed(selector.get("matchExpressions"), (*path, "matchExpressions")):
        if isinstance(one, _Problem):
            yield one
        elif not isinstance(one.get("key"), str) or not is_label_key(one["key"]):
            yield _Problem(where, f"{one.get('key')!r} is not a label's key")
        elif one.get("operator") not in _OPERATORS:
            yield _Problem(where, f"{one.get('operator')!r} is none of {', '.join(_OPERATORS)}")
        elif not _are_values(one.get("values")):
            message = "must be a list of labels' values"
            if isinstance(one["values"], list) and None in one["values"]:
                message = f"holds what {_NULL} an empty value"
            yield _Problem((*where, "values"), message)
        elif bool(one.get("values")) != (one["operator"] in ("In", "NotIn")):
            yield _Problem(where, "In and NotIn need values, the others have none")
        else:
            yield from _unknown(one, where, ("key", "operator", "values"))


def _are_values(values: Any) -> bool:
    if values is None:
        return True
    return isinstance(values, list) and all(
        isinstance(each, str) and is_label_value(each) for each in values
    )


def _unknown(value: Any, path: Path, known: Collection[str]) -> Iterator[_Problem]:
    for key in value:
        if key not in known:
            yield _Problem((*path, str(key)), _no_such(str(key), known))


def _listed(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The objects of a list; a problem in the place of what is none."""
    if value is None:
        return
    if not isinstance(value, list):
        yield path, _Problem(path, "must be a list")
        return
    for index, each in enumerate(value):
        where = (*path, index)
        if each is None and path[-1] in WAYS.values():
            yield where, {}  # refused, as it names no peer
        elif each is None:
            yield where, _Problem(where, f"{_NULL} `{{}}`: that is every peer, or every port")
        elif not isinstance(each, dict):
            yield where, _Problem(where, "must be an object")
        else:
            yield where, each


def _no_such(key: str, known: Collection[str]) -> str:
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
    if key in _ORDERED:
        hint = "policies have no order, and none overrules another"
    if key in ("endpointSelector", "toPorts", "fromEndpoints", "toEndpoints"):
        hint = "it is a field of CiliumNetworkPolicy"
    return f"no such field in a NetworkPolicy, and dropped in silence: {hint}"


REFUSED = Rule(
    id="NP201",
    name="network-policy-refused",
    severity=Severity.ERROR,
    summary="A NetworkPolicy that the API server refuses, or a field that it drops.",
    why="What is refused is not in force. A field that the API server does not know is dropped,"
    " unless it is asked to be strict, and a rule without its mistyped `from` is for every peer.",
    fix="Put right what the message names.",
    wrong=network_policy(
        "photos-web",
        """\
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress:
    - form: [{podSelector: {matchLabels: {app: proxy}}}]
      ports: [{port: 8080, protocol: TCP}]
""",
    ),
    right=network_policy(
        "photos-web",
        """\
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: proxy}}}]
      ports: [{port: 8080, protocol: TCP}]
""",
    ),
    check=_refused,
)

RULES = (REFUSED,)
