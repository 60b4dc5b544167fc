"""Reads the annotations that list ports beside the gateways': to the internet, and straight in."""

from __future__ import annotations

from dataclasses import dataclass

from homelab_netpol.intent.model import NONE, LastGood, NamespaceFacts, Problem, Reason
from homelab_netpol.intent.ports import (
    MAX_RANGES,
    PortRange,
    parse_port_ranges,
    port_ranges_text,
)
from homelab_netpol.intent.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class ListedPorts:
    """What an `Intent` says of these ports, and the problems with them."""

    internet: tuple[PortRange, ...] | None = ()
    lan: tuple[PortRange, ...] = ()
    world: tuple[PortRange, ...] = ()
    retained: frozenset[str] = NONE
    problems: tuple[Problem, ...] = ()


def read_ports(
    facts: NamespaceFacts,
    last_good: LastGood,
    words: Vocabulary,
    profile: str | None,
    *,
    missing: str | None,
) -> ListedPorts:
    """Reads the annotations; see `read_intent`.

    Args:
        facts: what the Namespace says.
        last_good: what stands in for what cannot be read.
        words: the vocabulary.
        profile: the profile in force.
        missing: there is no profile to refine, and what to do about it; None: there is one.
    """
    problems: list[Problem] = []
    internet = _internet(facts, last_good, words, profile, missing, problems)
    found: dict[str, tuple[PortRange, ...]] = {}
    retained: set[str] = set()
    for where, key in (("lan", words.lan_ports_key), ("world", words.world_ports_key)):
        text = facts.annotations.get(key)
        if text is None:
            continue
        if missing is not None:
            problems.append(_without_profile(key, missing))
            continue
        ports = parse_port_ranges(text)
        if ports is not None:
            found[where] = ports
            continue
        stands = where in last_good.ingress
        if stands:
            retained.add(where)
        in_force = "the ports that are open stay open" if stands else "none is opened"
        problems.append(_unreadable(key, text, in_force))
    return ListedPorts(
        internet,
        found.get("lan", ()),
        found.get("world", ()),
        frozenset(retained) or NONE,
        tuple(problems),
    )


def _internet(
    facts: NamespaceFacts,
    last_good: LastGood,
    words: Vocabulary,
    profile: str | None,
    missing: str | None,
    problems: list[Problem],
) -> tuple[PortRange, ...] | None:
    key = words.internet_ports_key
    text = facts.annotations.get(key)
    if text is None:
        return ()
    if missing is not None:
        problems.append(_without_profile(key, missing))
        return ()
    if profile is not None and profile not in words.internet_profiles:
        having = ", ".join(sorted(words.internet_profiles)) or "none"
        message = (
            f"The annotation {key} lists ports of a profile's rule for the internet, and the"
            f" profile {profile} has none; it has no effect. Remove it, or choose a profile that"
            f" has: {having}."
        )
        problems.append(Problem(Reason.PORTS_REFUSED, key, message))
        return ()
    ports = parse_port_ranges(text)
    if ports is not None:
        return ports
    kept = last_good.internet_ports if last_good.profile is not None else None
    if kept is None:
        in_force = "the internet cannot be reached until it is corrected"
    elif kept:
        in_force = f"the internet can still be reached on {port_ranges_text(kept)}"
    else:
        in_force = "the internet can still be reached on the ports of the settings"
    problems.append(_unreadable(key, text, in_force))
    return kept


def _without_profile(key: str, missing: str) -> Problem:
    message = f"The annotation {key} refines a profile, and has no effect without one; {missing}."
    return Problem(Reason.PORTS_REFUSED, key, message)


def _unreadable(key: str, text: str, in_force: str) -> Problem:
    message = (
        f"The annotation {key} must list 1 to {MAX_RANGES} ports or ranges, TCP unless said, such"
        f' as "80,UDP/443,8000-8010", not {text[:80]!r}; {in_force}.'
    )
    return Problem(Reason.PORTS_INVALID, key, message)
