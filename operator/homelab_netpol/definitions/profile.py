"""Reads a NetworkProfile.

The API server drops a field that its schema does not know in silence, and a dropped `toPorts` or
`fromEndpoints` opens more than its author meant. So the schema keeps unknown fields, and they are
refused here, as everything else that would not mean what its author thinks.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from homelab_netpol.cilium.networks import exceptions_problem
from homelab_netpol.cilium.terms import CNP
from homelab_netpol.cilium.validation import check_body
from homelab_netpol.definitions.model import NotUsable, ProfileDefinition, UnusableReason

_FIELDS = frozenset({"description", "extends", "intraNamespace", "ingress", "egress"})
_PEERS = {
    "ingress": ("fromEndpoints", "fromEntities", "fromCIDR", "fromCIDRSet"),
    "egress": ("toEndpoints", "toEntities", "toCIDR", "toCIDRSet", "toFQDNs"),
}
_PORTS = ("toPorts", "icmps")
_MAX_RULES = 64
_DNS = 53
# Clients cut off longer messages, and the first problems are mended first.
_SHOWN = 5


def read_profile(manifest: Mapping[str, Any]) -> ProfileDefinition:
    """Reads an object of the API server; what is wrong with it becomes its `problem`."""
    metadata = manifest["metadata"]
    name, generation = metadata["name"], int(metadata.get("generation") or 0)
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        spec = {}
    problems = list(_problems(spec))
    if problems:
        shown = "; ".join(problems[:_SHOWN])
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        problem = NotUsable(UnusableReason.SPEC_INVALID, shown + more)
        return ProfileDefinition(name, generation, problem)
    return ProfileDefinition(
        name,
        generation,
        None,
        extends=spec.get("extends"),
        intra_namespace=spec.get("intraNamespace"),
        ingress=tuple(spec.get("ingress") or ()),
        egress=tuple(spec.get("egress") or ()),
    )


def _problems(spec: Mapping[str, Any]) -> Iterator[str]:
    for key in spec.keys() - _FIELDS:
        yield f"spec.{key}: no such field; {_did_you_mean(key, _FIELDS)}"
    extends = spec.get("extends")
    if extends is not None and (not isinstance(extends, str) or not extends):
        yield "spec.extends: must be the name of a profile"
    if not isinstance(spec.get("intraNamespace", False), bool):
        yield "spec.intraNamespace: must be true or false"
    sound = True
    for direction in _PEERS:
        for problem in _direction_problems(spec, direction):
            sound = False
            yield problem
    rules = {d: spec[d] for d in _PEERS if spec.get(d)}
    if sound and rules:
        body = {"spec": {"endpointSelector": {}, **rules}}
        for found in check_body(body, CNP):
            yield f"{found.path}: {found.message}"


def _direction_problems(spec: Mapping[str, Any], direction: str) -> Iterator[str]:
    rules = spec.get(direction) or []
    if not isinstance(rules, list) or len(rules) > _MAX_RULES:
        yield f"spec.{direction}: must be a list of at most {_MAX_RULES} rules"
        return
    peers = _PEERS[direction]
    for index, rule in enumerate(rules):
        path = f"spec.{direction}[{index}]"
        if not isinstance(rule, dict):
            yield f"{path}: must be a rule with a peer, such as {peers[0]}"
            continue
        known = (*peers, *_PORTS)
        for key in sorted(rule.keys() - set(known)):
            yield f"{path}.{key}: a profile's rule has no such field; {_did_you_mean(key, known)}"
        named = [peer for peer in peers if rule.get(peer)]
        anybody = f"{peers[1]}: [all]"
        if len(named) != 1:
            # Without any, Cilium allows every peer; with two kinds, its agent rejects the policy.
            found = f"found {', '.join(named)}" if named else f"for everybody write {anybody}"
            yield f"{path}: needs exactly one of {', '.join(peers)}, not empty ({found})"
        yield from _network_problems(rule, path)
        yield from _layer_7_problems(rule, path)


def _network_problems(rule: Mapping[str, Any], path: str) -> Iterator[str]:
    """What Cilium takes in a set of networks, and would not do as its author thinks."""
    for field in ("fromCIDRSet", "toCIDRSet"):
        items = rule.get(field)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if not isinstance(item, dict):
                continue
            where = f"{path}.{field}[{index}]"
            if "cidrGroupSelector" in item:
                # An older API server's schema drops the field.
                yield (
                    f"{where}.cidrGroupSelector: not every Cilium from 1.16 on knows it; name the"
                    " groups, each by `cidrGroupRef`"
                )
            exceptions = item.get("except")
            if not isinstance(exceptions, list) or not exceptions:
                continue
            cidr, texts = item.get("cidr"), [each for each in exceptions if isinstance(each, str)]
            if not isinstance(cidr, str):
                yield f"{where}.except: goes only with `cidr`; leave these out of the group itself"
            elif (problem := exceptions_problem(cidr, texts)) is not None:
                yield f"{where}.except: {problem}"


def _layer_7_problems(rule: Mapping[str, Any], path: str) -> Iterator[str]:
    ports = rule.get("toPorts")
    for index, item in enumerate(ports if isinstance(ports, list) else ()):
        rules = item.get("rules") if isinstance(item, dict) else None
        for key in sorted(rules.keys() - {"http"}) if isinstance(rules, dict) else ():
            yield (
                f"{path}.toPorts[{index}].rules.{key}: only `http` can be given here; the DNS rule"
                " that toFQDNs need is added by itself"
            )
        if isinstance(rules, dict) and rules.get("http") and _opens_dns(item):
            # Cilium cannot put two kinds of proxies on one port, not even for two policies.
            where = f"{path}.toPorts[{index}]"
            yield f"{where}: HTTP rules on port 53 get in the way of DNS's own proxy"


def _opens_dns(item: Mapping[str, Any]) -> bool:
    ports = item.get("ports")
    for port in ports if isinstance(ports, list) else ():
        first = port.get("port") if isinstance(port, dict) else None
        if isinstance(first, str) and first.isdigit():
            last = port.get("endPort")
            if int(first) <= _DNS <= (last if isinstance(last, int) else int(first)):
                return True
    return False


def _did_you_mean(key: Any, known: Collection[str]) -> str:
    near = difflib.get_close_matches(str(key), sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known))}"
