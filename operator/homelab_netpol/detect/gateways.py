"""Through what requests come in, and which of it is for the internet. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homelab_netpol.detect.classify import Side
from homelab_netpol.detect.facts import ClusterFacts
from homelab_netpol.detect.found import Entry, Findings, Setting, unique
from homelab_netpol.detect.gateway import FoundGateway
from homelab_netpol.detect.gateway_api import of_gateway_api, of_pods_alone
from homelab_netpol.detect.ingress import of_cilium, of_ingress_controllers, tunnels
from homelab_netpol.settings import Settings

_TCP = "TCP"


def detect_gateways(facts: ClusterFacts) -> tuple[Findings, list[FoundGateway]]:
    """`gateways`, and what was found of each gateway, for who else depends on it."""
    found = Findings()
    gateways = [
        *of_gateway_api(facts),
        *of_pods_alone(facts),
        *of_cilium(facts),
        *of_ingress_controllers(facts),
    ]
    found.questions += [each.question for each in gateways if each.question]
    usable = [each for each in gateways if each.peer]
    tunnel = list(tunnels(facts))
    if not usable:
        found.questions += [each.question for each in tunnel]
        if not facts.is_read("Pod", "Gateway", "Ingress"):
            return found, []
        found.questions.append(
            "no gateway was found: neither a Gateway, nor one of the usual ingress controllers."
            " By what do requests come in? Say it in gateways.internal and gateways.external"
        )
        return found, []
    sides = _sides(usable)
    lists = {
        which: unique(
            _entry(each, side)
            for each, side in zip(usable, sides, strict=True)
            if (side.internal if which == "internal" else side.external)
        )
        for which in ("internal", "external")
    }
    lists["external"] = tuple(_said_once(each, lists["internal"]) for each in lists["external"])
    found.questions += [each.question for each in tunnel]
    defaults = Settings().gateways
    for which, entries in lists.items():
        if entries:
            found.take(("gateways", which), entries, defaults.of(which))
        else:
            reason = f"none of the gateways found is {which}"
            found.settings.append(
                Setting(("gateways", which), (), reason, (f"is there no gateway that is {which}?",))
            )
    found.settings += _ports(usable)
    return found, usable


def _sides(gateways: list[FoundGateway]) -> list[Side]:
    """Whom each lets in, as far as Cilium can tell it from the others.

    Gateways with one identity, such as Cilium's own or those on nodes, serve whom any of them does.
    """
    return [
        _side([each for each in gateways if each.peer == one.peer], gateways) for one in gateways
    ]


def _side(alike: list[FoundGateway], gateways: list[FoundGateway]) -> Side:
    known = [each.side for each in alike if each.side.because]
    unknown = len(known) < len(alike)
    # To let the internet's gateway in to `internal` would be too wide, so that is not guessed; but
    # where there is no other gateway, all requests come in by this one.
    is_only_one = len(alike) == len(gateways)
    return Side(
        internal=any(each.internal for each in known) or (unknown and is_only_one),
        external=any(each.external for each in known) or unknown,
    )


def _entry(gateway: FoundGateway, side: Side) -> Entry:
    checks, because = list(gateway.checks), gateway.because
    if gateway.side.because:
        because += f"; {gateway.side.because}"
        if side.internal and side.external:
            because += ", and another one of this identity is the other"
            checks.append(
                "Cilium cannot tell these gateways apart, so `internal` lets in what `standard`"
                " does. Is nothing reached from the internet by them? Then write external: []"
            )
    elif side.internal:
        checks.append(
            f"does {gateway.name} serve the home network, the internet, or both? Here it is both,"
            " so `internal` lets in what `standard` does; if it is never reached from the"
            " internet, write external: []"
        )
    else:
        checks.append(
            f"does {gateway.name} serve the home network? Then move it to gateways.internal; as"
            " external only `standard` lets it in"
        )
    return Entry(gateway.peer, because, tuple(dict.fromkeys(checks)))


def _said_once(entry: Entry, internal: Sequence[Entry]) -> Entry:
    """A gateway that is internal as well: its evidence and questions stand there."""
    if any(each.value == entry.value for each in internal):
        return Entry(entry.value, "the one of gateways.internal, as said there")
    return entry


def _ports(gateways: list[FoundGateway]) -> Iterator[Setting]:
    """What their pods listen on for the web, if that is not 80 and 443."""
    sources: dict[tuple[int, str], str] = {}
    for gateway in gateways:
        for port in gateway.ports:
            sources.setdefault((port.number, port.protocol), port.because or gateway.because)
    usual = {(port.port, port.protocol.value) for port in Settings().gateways.ports}
    if not sources or sources.keys() == usual:
        return
    entries = [
        Entry(
            {"port": number} if protocol == _TCP else {"port": number, "protocol": protocol},
            because,
        )
        for (number, protocol), because in sorted(sources.items())
    ]
    yield Setting(
        ("gateways", "ports"), tuple(entries), "what the gateways' pods listen on for 80 and 443"
    )
