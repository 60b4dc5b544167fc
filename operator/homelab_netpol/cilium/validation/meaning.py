"""What the fields of a rule mean together, in Cilium's reading.

Each check is called with an object whose fields are sound by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from homelab_netpol.cilium import terms
from homelab_netpol.cilium.networks import contains
from homelab_netpol.cilium.selectors import Operator
from homelab_netpol.cilium.validation.report import Nature, Path, Report
from homelab_netpol.cilium.validation.shapes import Check

DIRECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")


def rule(value: Any, path: Path, report: Report) -> bool:
    """A rule needs at least one of the four lists, and one sort of rules inside each connection."""
    if any(direction in value for direction in DIRECTIONS):
        return _one_reading(value, path, report)
    return report.add(
        path,
        f"has none of {', '.join(DIRECTIONS)}: it is rejected by Cilium, which then lets all"
        " traffic through; `ingress: [{}]` denies all ingress",
    )


def _one_reading(value: Any, path: Path, report: Report) -> bool:
    """Each port in one direction is read in one way: by one of Cilium's proxies.

    HTTP rules, DNS rules, and names of servers in TLS that is not terminated exclude each other.
    Cilium calls such a policy valid, and then cannot work out what holds for the pods that it
    selects, whatever their other policies say. It does so only where they meet at one peer; but
    whether two peers overlap is for Cilium to say, and two policies are always possible.
    """
    sound = True
    for direction in ("ingress", "egress"):
        seen: dict[tuple[str, str], str] = {}
        for index, item in enumerate(value.get(direction, ())):
            for number, ports in enumerate(item.get("toPorts", ())):
                sort = _reading(ports)
                if not sort:
                    continue
                others = {seen.setdefault(key, sort) for key in _carriers(ports)} - {sort}
                if others:
                    place = ((((path, direction), index), "toPorts"), number)
                    pair = f"{sort} and {others.pop()}"
                    what = f"{pair} do not go together on one port: make a policy for each"
                    sound = report.add(place, what, Nature.MISREAD)
    return sound


def _reading(ports: Any) -> str:
    for sort in ports.get("rules", ()):
        return str(sort)
    return "serverNames" if "serverNames" in ports and "terminatingTLS" not in ports else ""


def _carriers(ports: Any) -> Iterator[tuple[str, str]]:
    """Each port under each protocol that it stands for."""
    for port in ports["ports"]:
        protocol = port.get("protocol", terms.ANY_PROTOCOL)
        for carrier in terms.TRANSPORT_PROTOCOLS if protocol == terms.ANY_PROTOCOL else (protocol,):
            yield port["port"].lower(), carrier


def expression(value: Any, path: Path, report: Report) -> bool:
    """Operators In and NotIn need values, the others have none."""
    operator, given = Operator(value["operator"]), value.get("values")
    if operator.takes_values:
        return bool(given) or report.add(path, f"{operator} needs `values`: list at least one")
    return not given or report.add(path, f"{operator} takes no `values`: leave them out")


def port(value: Any, path: Path, report: Report) -> bool:
    """A range begins with a number; a protocol without ports has none."""
    number, end, protocol = value["port"], value.get("endPort", 0), value.get("protocol")
    if protocol in terms.PORTLESS_PROTOCOLS and number != "0":
        message = f"{protocol} has no ports: write '0'"
        return report.add((path, "port"), message, Nature.MISREAD)
    if not end:
        return True
    # Cilium takes all of these and leaves the end out of account.
    where = (path, "endPort")
    if not terms.is_port_number(number):
        message = "goes only with a port that is a number: give that, or no endPort"
    elif number == "0":
        message = "port 0 means every port already: give the first, or no endPort"
    elif end < int(number):
        message = f"{end} is below the port {number}: a range ends above its start"
    else:
        return True
    return report.add(where, message, Nature.MISREAD)


def ingress_ports(value: Any, path: Path, report: Report) -> bool:
    """Ports with what is allowed inside: on ingress Cilium knows no DNS rules and no listeners."""
    sound = egress_ports(value, path, report)
    if "dns" in value.get("rules", ()):
        where = ((path, "rules"), "dns")
        sound = report.add(where, "DNS rules are for egress only: move it there, or take it out")
    if "listener" in value:
        sound = report.add((path, "listener"), "a listener is for egress only: take it out")
    return sound


def egress_ports(value: Any, path: Path, report: Report) -> bool:
    """Ports with what is allowed inside: which rules and proxies go with which ports."""
    sound = True
    names = value.get("serverNames", ())
    if len(set(names)) < len(names):
        sound = report.add((path, "serverNames"), "a name comes twice: list each only once")
    rules = value.get("rules")
    if not rules:
        return sound
    if names and "terminatingTLS" not in value:
        what = "do not go with `rules` without terminatingTLS: divide them between two rules"
        sound = report.add((path, "serverNames"), what)
    if "listener" in value:
        sound = report.add((path, "listener"), "a listener does not go with `rules`: take one out")
    for index, item in enumerate(value["ports"]):
        where = ((path, "ports"), index)
        if item["port"] == "0":
            what = "port 0, every port, does not go with `rules`: list the ports"
            sound = report.add((where, "port"), what)
        if "http" in rules and item.get("protocol", terms.ANY_PROTOCOL) != "TCP":
            what = "HTTP rules need TCP: write `protocol: TCP`"
            sound = report.add((where, "protocol"), what)
        # Whatever has an end above 0 begins with a number, as port() has seen to.
        end = item.get("endPort", 0)
        if "dns" in rules and end and end > int(item["port"]):
            what = "DNS rules do not go with ranges of ports: list the ports"
            sound = report.add((where, "endPort"), what)
    return sound


def cidr_set(value: Any, path: Path, report: Report) -> bool:
    """What is excepted must be inside."""
    if "cidr" not in value:
        return True
    outer = terms.parse_cidr(value["cidr"])
    sound = True
    for index, text in enumerate(value.get("except", ())):
        inner = terms.parse_cidr(text)
        if outer is None or inner is None or not contains(outer, inner):
            what = f"{text} is not inside {value['cidr']}: except only parts of it"
            sound = report.add(((path, "except"), index), what)
    return sound


def one_peer(peers: Sequence[str]) -> Check:
    """The check that a rule names one kind of peer, and either ports or types of ICMP.

    Args:
        peers: the fields that name peers.
    """

    def check(value: Any, path: Path, report: Report) -> bool:
        sound = True
        given = [peer for peer in peers if peer in value]
        if len(given) > 1:
            what = f"{' and '.join(given)} do not go together: make a rule for each"
            sound = report.add(path, what)
        if "icmps" in value and "toPorts" in value:
            what = "icmps and toPorts do not go together: make a rule for each"
            sound = report.add(path, what)
        return sound

    return check
