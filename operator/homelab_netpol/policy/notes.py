"""What policies note about themselves in annotations: the cluster is the operator's only memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from homelab_netpol.intent import (
    PortRange,
    format_moment,
    parse_moment,
    parse_port_ranges,
    parse_ports,
    port_ranges_text,
)


def gateway_ports_text(ports: Iterable[int] | None) -> str:
    """How a profile's policy notes the ports that it opens to gateways: `any`, `none` or a list."""
    if ports is None:
        return "none"
    return ",".join(map(str, ports)) or "any"


def parse_gateway_ports_text(text: str | None) -> tuple[int, ...] | None:
    """The reverse of `gateway_ports_text`; what it never writes (an edit by hand) means `none`."""
    if text == "any":
        return ()
    return parse_ports(text or "")


def internet_ports_text(ports: tuple[PortRange, ...] | None) -> str:
    """How a profile's policy notes the ports to the internet: `default`, `none` or a list."""
    if ports is None:
        return "none"
    return port_ranges_text(ports) or "default"


def parse_internet_ports_text(text: str | None) -> tuple[PortRange, ...] | None:
    """The reverse of `internet_ports_text`; what it never writes means `none`."""
    return () if text == "default" else parse_port_ranges(text or "")


def platform_labels_text(uids: Mapping[str, str]) -> str:
    """How a baseline notes the Namespaces whose label makes them the platform's, with their uids.

    So that a restart still knows what counted before a label became unreadable.
    """
    return json.dumps(uids, sort_keys=True, separators=(",", ":"))


def parse_platform_labels(text: str | None) -> dict[str, str]:
    """The reverse; what cannot be read (an edit by hand) counts as not noted."""
    try:
        notes = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in notes.items()} if isinstance(notes, dict) else {}


@dataclass(frozen=True, slots=True)
class ExpiredHatch:
    """A hatch that has closed by itself though its label is still there.

    With its own policy it loses the note since when it was open, from which a duration counts. So
    that a restart does not open it again, the policy that leaves the namespace out keeps the note.

    Attributes:
        since: when it was first seen.
        uid: of the Namespace; another one of the same name is another matter.
    """

    since: datetime
    uid: str


def expired_text(expired: Mapping[str, ExpiredHatch]) -> str:
    """How the annotation notes closed hatches, by the Namespace's name."""
    notes = {
        name: {"since": format_moment(hatch.since), "uid": hatch.uid}
        for name, hatch in expired.items()
    }
    return json.dumps(notes, sort_keys=True, separators=(",", ":"))


def closed_text(closed: Iterable[str]) -> str:
    """How the annotation notes the Namespaces whose hatch closed a moment ago."""
    return ",".join(sorted(closed))


def parse_closed_text(text: str | None) -> frozenset[str]:
    """The reverse."""
    return frozenset(filter(None, (text or "").split(",")))


def parse_expired_text(text: str | None) -> dict[str, ExpiredHatch]:
    """The reverse; what cannot be read (an edit by hand) counts as not noted."""
    try:
        notes = json.loads(text or "{}")
    except ValueError:
        return {}
    found: dict[str, ExpiredHatch] = {}
    for name, note in notes.items() if isinstance(notes, dict) else ():
        if isinstance(note, dict) and isinstance(note.get("since"), str):
            since = parse_moment(note["since"])
            if since is not None:
                found[name] = ExpiredHatch(since, str(note.get("uid")))
    return found
