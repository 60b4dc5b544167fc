"""Who is measured: the API server's own ceiling, our operator, and what others would write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.subjects import (
    OUR_SOURCES,
    Subject,
    controller_runtime,
    controller_runtime_limited,
    own,
    plain_kopf,
)

OURS = "homelab-netpol"
BARE = "bare client"
PLAIN_KOPF = "plain Kopf"
TUNED = "controller-runtime, tuned"
STOCK = "controller-runtime"
LIMITED = "controller-runtime, client-go's limit"


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody in the tables.

    Attributes:
        name: as the tables show it.
        subject: the operator; None is the bare client.
        ours: our own operator, of this or of another state of the sources.
        once: in the first round only; it is here to be seen, and no bar depends on its spread.
        slow: it allows itself so few requests that minutes pass in each measurement.
        resyncs: it compares everything now and then.
    """

    name: str
    subject: Subject | None
    ours: bool = False
    once: bool = False
    slow: bool = False
    resyncs: bool = True

    @property
    def key(self) -> str:
        """The name as it is typed."""
        return re.sub(r"\W+", "-", self.name.lower())


def contenders() -> list[Contender]:
    """Everybody, in the order of the tables."""
    return [
        Contender(BARE, None),
        our(OURS, OUR_SOURCES),
        Contender(PLAIN_KOPF, plain_kopf(), resyncs=False),
        Contender(TUNED, controller_runtime(tuned=True)),
        Contender(STOCK, controller_runtime(tuned=False), once=True),
        Contender(LIMITED, controller_runtime_limited(), once=True, slow=True),
    ]


def our(name: str, sources: Path) -> Contender:
    """Our operator from some folder of sources."""
    return Contender(name, own(name, sources), ours=True)


def pick(found: Sequence[Contender], keys: Sequence[str]) -> list[Contender]:
    """Those with these keys; all if there are none.

    Raises:
        LookupError: nobody has one of the keys; says which there are.
    """
    known = [each.key for each in found]
    for key in keys:
        if key not in known:
            raise LookupError(f"nobody is called {key}: there are {', '.join(known)}")
    return [each for each in found if not keys or each.key in keys]
