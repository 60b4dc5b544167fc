"""Does one replica lead, and do the clocks agree? Pure.

The Lease's times are by the leader's clock, hatches close by it, and certificates and tokens are
judged by the API server's.
"""

from __future__ import annotations

from collections.abc import Iterator

from homelab_netpol.doctor.fields import moment, name
from homelab_netpol.doctor.installation import LEASE, POD, Installation
from homelab_netpol.doctor.needed_rights import lease_place
from homelab_netpol.doctor.result import Result, Status, unreadable
from homelab_netpol.shapes import number, text

LEADER, CLOCKS = "leader", "clocks"
# Answers take a moment, and the API server's time is to the second.
_SLACK_SECONDS = 2.0
_MANY_SECONDS = 5.0


def check(found: Installation) -> Iterator[Result]:
    """By the Lease, and by the API server's `Date`."""
    yield from _of_clock_here(found)
    if found.settings.leader_election.enabled is False:
        yield Result(Status.NOTE, LEADER, "", "Leader election is off: one replica, at the most.")
        return
    listed = found.facts.of(LEASE)
    namespace, lease_name = lease_place(found.settings, found.home)
    place = f"{namespace}/{lease_name}"
    if listed.refused:
        yield unreadable(LEADER, f"the Lease {place}", listed.refused)
    elif listed.first is None or not text(listed.first, "spec", "holderIdentity"):
        if found.deployment is not None:
            yield Result(
                Status.ERROR,
                LEADER,
                place,
                f"No replica leads: the Lease {place} "
                + ("is not there." if listed.first is None else "has no holder."),
                f"Wait some seconds; then see the log: kubectl -n {found.home} logs"
                " -l app.kubernetes.io/name=homelab-netpol",
            )
    else:
        yield from _of_lease(found, place)


def _of_lease(found: Installation, place: str) -> Iterator[Result]:
    lease = found.facts.of(LEASE).first
    holder = text(lease, "spec", "holderIdentity")
    renewed = moment(lease, "spec", "renewTime")
    duration = number(lease, "spec", "leaseDurationSeconds") or 15
    clocks = found.facts.clocks
    pods = found.facts.of(POD)
    pod = holder.partition("_")[0]
    if renewed is None:
        message = f"The Lease {place} does not say when it was renewed."
        yield Result(Status.WARNING, LEADER, place, message, "Delete it; a replica makes it anew.")
        return
    if not pods.refused and pods.items and pod not in map(name, pods.items):
        message = f"The Lease {place} is held by {holder}, which is none of the operator's Pods."
        remedy = (
            "If an operator runs elsewhere, stop it; else another replica takes over by itself."
        )
        yield Result(Status.WARNING, LEADER, place, message, remedy)
    if clocks is None:
        yield Result(Status.OK, LEADER, place, f"{holder} leads.")
        return
    age = (clocks.server - renewed).total_seconds()
    if age > duration + _SLACK_SECONDS:
        yield Result(
            Status.ERROR,
            LEADER,
            place,
            f"{holder} has not renewed the Lease for {age:.0f} s, of {duration} s that it is good"
            " for: no replica leads, or the clock of its node is behind.",
            "See whether its Pod runs, its log, and the time on its node.",
        )
    elif age < -_MANY_SECONDS:
        yield Result(
            Status.WARNING,
            CLOCKS,
            place,
            f"The Lease was renewed {-age:.0f} s in the API server's future: the clock of the node"
            f" of {pod} is ahead, and hatches there close that much too early.",
            "Set the node's clock (NTP).",
        )
    else:
        message = f"{holder} leads, and renewed the Lease {max(age, 0):.0f} s ago."
        yield Result(Status.OK, LEADER, place, message)


def _of_clock_here(found: Installation) -> Iterator[Result]:
    clocks = found.facts.clocks
    if clocks is None:
        message = "The API server does not say what time it is."
        yield Result(Status.NOTE, CLOCKS, "API server", message)
        return
    ahead = clocks.ahead_seconds
    if abs(ahead) > _MANY_SECONDS:
        side = "ahead of" if ahead > 0 else "behind"
        yield Result(
            Status.WARNING,
            CLOCKS,
            "this machine",
            f"The clock here is {abs(ahead):.0f} s {side} the API server's.",
            "Set the one that is wrong (NTP): tokens, certificates and hatches' ends go by them.",
        )
    else:
        yield Result(Status.OK, CLOCKS, "this machine", "The clock here agrees with the server's.")
