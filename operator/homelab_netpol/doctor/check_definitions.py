"""Can the profiles and resources of one's own be used? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.doctor.fields import name
from homelab_netpol.doctor.installation import Installation
from homelab_netpol.doctor.result import Result, Status, unreadable
from homelab_netpol.manifests.kinds import NETWORK_PROFILE, SHARED_RESOURCE
from homelab_netpol.shapes import condition, text

CHECK = "definitions"


def check(found: Installation) -> Iterator[Result]:
    """By the conditions that the operator writes into their status."""
    count = problems = 0
    for kind in (NETWORK_PROFILE, SHARED_RESOURCE):
        listed = found.facts.of(kind)
        if listed.refused:
            problems += 1
            yield unreadable(CHECK, f"objects of the kind {kind}", listed.refused)
        for item in listed.items:
            count += 1
            place, ready = f"{kind} {name(item)}", condition(item, "Ready")
            describe = f"kubectl describe {kind.lower()} {name(item)}"
            if ready is None:
                problems += 1
                message = "The operator has not judged it yet."
                yield Result(Status.WARNING, CHECK, place, message, "Does the operator run?")
            elif ready.get("status") != "True":
                problems += 1
                why = text(ready, "message") or text(ready, "reason") or "it does not say why"
                message = f"It cannot be used: {why}"
                yield Result(Status.ERROR, CHECK, place, message, f"Correct it; {describe}")
    if count and not problems:
        message = f"All {count} profiles and resources of your own can be used."
        yield Result(Status.OK, CHECK, "", message)
