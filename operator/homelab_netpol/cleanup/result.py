"""The result of a cleanup, or of a dry run: the facts behind the text and the JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from homelab_netpol.cleanup.inventory import Inventory
from homelab_netpol.cleanup.lease_watch import LeaseSeen
from homelab_netpol.cluster.owned import ObjectKey, Record


class Ending(StrEnum):
    """How it ended: the `outcome` that programs read."""

    PLANNED = "planned"
    REFUSED = "refused"
    CLEAN = "clean"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Row:
    """One object of the operator's.

    Attributes:
        kind, namespace, name: which; the namespace of a clusterwide one is "".
        component: what it is there for; of a Lease or ConfigMap `operator`.
        state: `managed`: it stands, and nothing was tried; `deleted`; `left`.
        reason: why it is left; else "".
    """

    kind: str
    namespace: str
    name: str
    component: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that a report can show.

    Attributes:
        server: the API server's address.
        ending: how it ended.
        inventory: what was found at the beginning.
        operator: the Lease of an operator that is at work; None: there is none.
        deleted: what was removed.
        left: what of ours is there at the end, and why; empty for a dry run.
        stopped: why the removal ended early; "" if it did not.
    """

    server: str
    ending: Ending
    inventory: Inventory
    operator: LeaseSeen | None = None
    deleted: frozenset[ObjectKey] = frozenset()
    left: dict[ObjectKey, str] = field(default_factory=dict)
    stopped: str = ""

    @property
    def status(self) -> int:
        """The exit status: 1 if something of ours is left that should be gone."""
        return 0 if self.ending in (Ending.PLANNED, Ending.CLEAN) else 1

    def rows(self) -> Iterator[Row]:
        """Every object of ours: those found at first, and those that came while it ran."""
        found: dict[ObjectKey, str] = {
            each.live.key: str(each.component) for each in self.inventory.managed
        }
        found |= dict.fromkeys(self.inventory.records, "operator")
        for key in self.left:
            found.setdefault(key, "operator" if isinstance(key, Record) else "unknown")
        for what, component in sorted(found.items(), key=lambda item: _place(item[0])):
            yield Row(*_place(what), component, *self._state(what))

    def _state(self, what: ObjectKey) -> tuple[str, str]:
        if what in self.left:
            return "left", self.left[what]
        return ("deleted" if what in self.deleted else "managed"), ""


def _place(what: ObjectKey) -> tuple[str, str, str]:
    return str(what.kind), what.namespace, what.name
