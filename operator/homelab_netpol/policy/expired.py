"""Which hatches have closed by themselves, noted on the hatch's clusterwide policy.

With its own policy a closed hatch loses the note since when it was open, from which a duration
counts. So that a restart does not open it again, the policy that leaves the namespace out by name
keeps the note.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from homelab_netpol.intent import format_moment, parse_moment


@dataclass(frozen=True, slots=True)
class ExpiredHatch:
    """A hatch that has closed by itself though its label is still there.

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
